"""Locks by name: among threads, among processes, and after the death of who held one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from atila.locks import Locks

BACKEND = Path(__file__).parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from atila.locks import Locks
Locks(Path(sys.argv[1])).get("import").acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture(params=["threads", "processes"])
def locks(request: pytest.FixtureRequest, tmp_path: Path) -> Locks:
    return Locks(tmp_path if request.param == "processes" else None)


def test_one_thread_at_a_time(locks: Locks) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with locks.get("a"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_other_names_do_not_wait(locks: Locks) -> None:
    with locks.get("a"), locks.get("../b / odd"):
        assert not locks.get("a").acquire(timeout=0.02)
        assert not locks.get("a").acquire(timeout=0)
    lock = locks.get()
    assert lock.acquire(timeout=1)
    lock.release()
    with pytest.raises(RuntimeError):
        lock.release()


def test_an_async_handler_does_not_block_the_others(locks: Locks) -> None:
    order: list[str] = []

    async def hold(name: str) -> None:
        async with locks.get("a"):
            order.append(name)
            await asyncio.sleep(0.02)
            order.append(name)

    async def both() -> None:
        await asyncio.gather(hold("one"), hold("two"))

    asyncio.run(both())
    assert order in (["one", "one", "two", "two"], ["two", "two", "one", "one"])


def test_the_lock_of_a_process_that_died_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(BACKEND)},
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    lock = Locks(tmp_path).get("import")
    assert not lock.acquire(timeout=0.05)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert lock.acquire(timeout=5)
    lock.release()


def test_a_folder_that_is_gone_is_told_and_nothing_stays_locked(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "nowhere")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            locks.get("a").acquire(timeout=1)


@pytest.mark.parametrize("timeout", [None, 30])
def test_who_is_interrupted_while_waiting_holds_nothing(tmp_path: Path, timeout: float | None) -> None:
    def interrupt(*told: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        holder, waiter = Locks(tmp_path), Locks(tmp_path).get("a")  # each stands for a process
        with holder.get("a"):
            held = sorted(os.listdir("/proc/self/fd"))
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(KeyboardInterrupt):
                waiter.acquire(timeout)
            assert sorted(os.listdir("/proc/self/fd")) == held
        assert waiter.acquire(timeout=0)
        waiter.release()
    finally:
        signal.signal(signal.SIGUSR1, before)
