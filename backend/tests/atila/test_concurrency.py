"""Worker threads, coroutines that threads step, and what they wait for."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from functools import partial
from typing import Any

import pytest

from atila.concurrency import (
    Elsewhere,
    Inline,
    Suspended,
    WorkerThreads,
    adopt,
    drive,
    loop_of_thread,
    settle,
    step,
    then,
)

PATIENCE = 10.0  # seconds until a test gives up


async def with_threads(count: int, work: Any) -> Any:
    """Run `work(threads)` on a loop that has worker threads."""
    threads = WorkerThreads(count, "test")
    threads.start(asyncio.get_running_loop())
    try:
        return await asyncio.wait_for(work(threads), PATIENCE)
    finally:
        await asyncio.to_thread(threads.stop)


def test_jobs_run_on_threads_of_ours_and_are_waited_for() -> None:
    names: list[str] = []

    async def work(threads: WorkerThreads) -> None:
        await asyncio.gather(
            *(threads.submit(lambda: names.append(threading.current_thread().name)) for _ in range(20))
        )

    asyncio.run(with_threads(2, work))
    assert len(names) == 20
    assert set(names) <= {"test-0", "test-1"}


def test_busy_threads_and_waiting_jobs_are_counted() -> None:
    go_on, begun = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    async def work(threads: WorkerThreads) -> list[tuple[int, int]]:
        counts = [(threads.busy, threads.waiting)]
        jobs = [threads.submit(job) for _ in range(3)]
        await asyncio.to_thread(begun.wait, PATIENCE)
        counts.append((threads.busy, threads.waiting))
        go_on.set()
        await asyncio.gather(*jobs)
        return [*counts, (threads.busy, threads.waiting)]

    assert asyncio.run(with_threads(1, work)) == [(0, 0), (1, 2), (0, 0)]


def test_what_a_job_raises_reaches_who_waits_and_the_thread_lives_on() -> None:
    done: list[str] = []

    def fail(error: BaseException) -> None:
        raise error

    async def work(threads: WorkerThreads) -> None:
        for error in (ZeroDivisionError(), SystemExit("not the process")):
            with pytest.raises(type(error)):
                await threads.submit(fail, error)
        await threads.submit(done.append, "next")

    asyncio.run(with_threads(1, work))
    assert done == ["next"]


def test_who_does_not_wait_any_more_is_not_told() -> None:
    go_on = threading.Event()

    def wait() -> None:
        go_on.wait(PATIENCE)

    async def work(threads: WorkerThreads) -> list[bool]:
        left, kept = threads.submit(wait), threads.submit(lambda: None)
        left.cancel()
        go_on.set()
        await kept
        return [left.cancelled(), kept.done()]

    assert asyncio.run(with_threads(1, work)) == [True, True]


def test_a_loop_that_closed_is_a_line_in_the_log_and_the_next_one_is_served(caplog: pytest.LogCaptureFixture) -> None:
    threads, go_on, begun = WorkerThreads(1, "test"), threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    async def leave() -> None:
        threads.start(asyncio.get_running_loop())
        threads.submit(job)
        await asyncio.to_thread(begun.wait, PATIENCE)

    with caplog.at_level(logging.WARNING, "atila.threads"):
        asyncio.run(leave())
        go_on.set()
        threads.stop()
    assert "closed before a handler on test-0 had ended" in caplog.text

    async def come() -> str:
        threads.start(asyncio.get_running_loop())
        came: list[str] = []
        await asyncio.wait_for(threads.submit(came.append, "served"), PATIENCE)
        return came[0]

    assert asyncio.run(come()) == "served"
    threads.stop()


def test_a_coroutine_is_stepped_to_its_end_on_its_thread() -> None:
    async def inner() -> int:
        return 3

    async def outer() -> int:
        return await settle(inner()) + await Inline(inner())

    assert drive(outer()) == 6


def test_a_coroutine_that_waits_by_itself_is_ended_and_named() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append("ended")

    with pytest.raises(RuntimeError, match="awaited something on its thread"):
        drive(waits())
    assert ended == ["ended"]


def test_what_a_thread_settles_runs_on_the_loop_and_what_is_inline_stays() -> None:
    async def where() -> str:
        return threading.current_thread().name

    async def outside() -> list[str]:
        await asyncio.sleep(0)
        return [await where()]

    async def steps() -> list[str]:
        return [*await settle(outside()), await settle(Inline(where()))]

    async def work(threads: WorkerThreads) -> list[str]:
        names: list[str] = []
        await threads.submit(lambda: names.extend(drive(steps())))
        return names

    assert asyncio.run(with_threads(1, work)) == ["MainThread", "test-0"]


def test_a_thread_of_another_server_settles_on_the_loop_it_adopted() -> None:
    async def later(value: int) -> int:
        await asyncio.sleep(0)
        return value

    def on_thread(loop: asyncio.AbstractEventLoop) -> int:
        adopt(loop)
        return drive(settle(later(7)))

    async def main() -> int:
        result: list[int] = []
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            result.append(on_thread(loop))
            loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=work).start()
        await asyncio.wait_for(ended.wait(), PATIENCE)
        return result[0]

    assert asyncio.run(main()) == 7


def test_then_goes_on_at_once_or_when_the_outcome_is_there() -> None:
    async def later() -> int:
        return 2

    assert then(2, str) == "2"
    waiting: Coroutine[Any, Any, str] = then(later(), str)
    assert asyncio.run(waiting) == "2"


def test_a_thread_is_free_while_its_request_waits_for_the_loop() -> None:
    async def later(gate: asyncio.Event) -> str:
        await gate.wait()
        return threading.current_thread().name

    async def work(threads: WorkerThreads) -> list[str]:
        gate, said = asyncio.Event(), []

        def first(pause: Suspended | None = None) -> None:
            assert threads.loop is not None
            coroutine = Elsewhere(later(gate), threads.loop).__await__() if pause is None else pause.coroutine
            try:
                said.append(step(coroutine))  # type: ignore[arg-type]  # what __await__ returns can be stepped
            except Suspended as found:
                found.go_on = partial(first, found)
                raise

        waiting = threads.submit(first)
        await threads.submit(said.append, "meanwhile")
        gate.set()
        await waiting
        return said

    assert asyncio.run(with_threads(1, work)) == ["meanwhile", "MainThread"]


def test_what_ended_meanwhile_is_not_waited_for() -> None:
    async def seven() -> int:
        return 7

    async def late(elsewhere: Elsewhere[int]) -> int:
        return await elsewhere

    async def work(threads: WorkerThreads) -> int:
        assert threads.loop is not None
        begun = Elsewhere(seven(), threads.loop)
        await asyncio.to_thread(begun.block)
        return step(late(begun))

    assert asyncio.run(with_threads(1, work)) == 7


def test_who_has_no_thread_to_free_waits() -> None:
    async def seven() -> int:
        return 7

    async def work(threads: WorkerThreads) -> int:
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(drive, as_coroutine(Elsewhere(seven(), loop)))

    async def as_coroutine(elsewhere: Elsewhere[int]) -> int:
        return await elsewhere

    assert loop_of_thread() is None
    assert asyncio.run(with_threads(1, work)) == 7
