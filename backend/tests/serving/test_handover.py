"""Workers come and go, and no connection is lost with them."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from .conftest import Start
from .engine_process import EngineProcess, read_all, status_of, wait_until

APP = """
import version

@app.route("/pid")
def pid(was):
    return was.API(pid=os.getpid(), version=version.NUMBER)

skitai.mount("/", app)
"""
GET = b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@contextmanager
def clients(engine: EngineProcess) -> Iterator[list[str]]:
    """Ask all the time, on one connection that is kept and on ever new ones; tell what went wrong."""
    wrong: list[str] = []
    answers = {"kept": 0, "new": 0}
    stopping = threading.Event()

    def note(kind: str, client: httpx.Client) -> None:
        try:
            assert client.get("/pid").status_code == 200
            answers[kind] += 1
        except (httpx.HTTPError, AssertionError) as error:
            wrong.append(f"{kind}: {error!r}")

    def keep() -> None:
        with httpx.Client(base_url=engine.url, timeout=15) as client:
            while not stopping.is_set():
                note("kept", client)

    def open_new() -> None:
        with httpx.Client(base_url=engine.url, timeout=15, headers={"connection": "close"}) as client:
            while not stopping.is_set():
                note("new", client)

    threads = [threading.Thread(target=keep), threading.Thread(target=open_new)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert min(answers.values()) > 20


def replaced(engine: EngineProcess, before: set[int]) -> None:
    wait_until(
        lambda: len(engine.workers) == len(before) and not before & set(engine.workers), 30, lambda: engine.output
    )


def version(engine: EngineProcess) -> int:
    return int(httpx.get(f"{engine.url}/pid", timeout=15).json()["version"])


def test_reloads_and_replacements_lose_nobody(start: Start, tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text("NUMBER = 0\n")
    engine = start(APP, reload=True, access_log=False)
    with clients(engine) as wrong:
        for number in range(1, 6):
            before = set(engine.workers)
            (tmp_path / "version.py").write_text(f"NUMBER = {number}\n")
            replaced(engine, before)
            assert version(engine) == number
        for _ in range(3):
            before = set(engine.workers)
            engine.tell(signal.SIGHUP)
            replaced(engine, before)
    assert wrong == []
    assert engine.stop() == 0


@pytest.mark.parametrize("dealt", [True, False])
def test_several_workers_are_replaced_one_by_one(start: Start, tmp_path: Path, dealt: bool) -> None:
    (tmp_path / "version.py").write_text("NUMBER = 0\n")
    common = "" if dealt else "from skitai import listening\nlistening._DEALT = False\n"  # as on macOS
    engine = start(common + APP, workers=2, access_log=False)
    with clients(engine) as wrong:
        before = set(engine.workers)
        engine.tell(signal.SIGHUP)
        replaced(engine, before)
    assert wrong == []
    assert engine.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker takes connections that have said nothing yet")
def test_a_connection_that_speaks_after_the_replacement_is_served(start: Start, tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text("NUMBER = 0\n")
    engine = start(APP)
    before = set(engine.workers)
    engine.tell(signal.SIGHUP)
    wait_until(lambda: len(engine.workers) == 2)
    silent: list[socket.socket] = []
    while before & set(engine.workers):
        silent.append(engine.connect(15))
        time.sleep(0.1)
    answers = []
    for connection in silent:
        with connection:
            connection.sendall(GET)
            answers.append(read_all(connection, 5))
    assert {status_of(answer) for answer in answers} == {200}


def stands_still(pid: int) -> bool:
    states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}


def test_who_waits_for_a_worker_that_is_killed_is_served_by_the_next(start: Start, tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text("NUMBER = 0\n")
    engine = start(APP)
    (victim,) = engine.workers
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: stands_still(victim))
    waiting = [engine.connect(15) for _ in range(20)]
    for connection in waiting:
        connection.sendall(GET)
    time.sleep(0.2)
    os.kill(victim, signal.SIGKILL)
    answers = []
    for connection in waiting:
        with connection:
            answers.append(read_all(connection, 15))
    assert {status_of(answer) for answer in answers} == {200}
    assert all(str(victim).encode() not in answer for answer in answers)


def test_the_port_closes_with_the_main_process(start: Start, tmp_path: Path) -> None:
    (tmp_path / "version.py").write_text(
        "import subprocess, sys\nNUMBER = 0\nsubprocess.Popen(['sleep', '20'], close_fds=False)\n"
    )
    engine = start(APP, workers=2)
    assert engine.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        engine.connect()
