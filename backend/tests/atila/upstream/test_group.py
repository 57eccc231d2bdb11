"""Several calls at once, and the answers that wait for them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest

from atila.concurrency import Suspended, WorkerThreads, drive, step
from atila.errors import HTTPError
from atila.upstream.group import Countdown, Futures, Later, Tasks
from atila.upstream.loop import Loop
from atila.upstream.task import STA_TIMEOUT, STA_UNSENT, Reply, Task


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def soon(data: Any, seconds: float = 0.05) -> Task[Any]:
    """A task whose reply comes from another thread."""
    future: Future[Reply[Any]] = Future()
    threading.Timer(seconds, lambda: future.set_result(Reply(data))).start()
    return Task(future)


def never() -> Task[Any]:
    return Task(Future())


@pytest.mark.row("11.29")
def test_groups_may_hold_groups() -> None:
    group = Tasks([soon([1]), Tasks([soon([2]), Task(Reply([3]))])])
    before = group.done
    assert group.fetch() == [[1], [[2], [3]]]
    assert group.one() == [1, [2, 3]]
    assert (before, group.done) == (False, True)
    assert [reply.data for reply in group[1]] == [[2], [3]]


@pytest.mark.row("11.29")
def test_a_groups_time_counts_once() -> None:
    group = Tasks([never(), never(), soon("there")], timeout=0.2)
    started = time.monotonic()
    assert [reply.status for reply in group] == [STA_TIMEOUT, STA_TIMEOUT, 3]
    assert time.monotonic() - started < 0.4
    assert [reply.status for reply in Tasks([never()], None).dispatch(wait=False)] == [STA_UNSENT]
    assert [reply.status for reply in Tasks([never()], None).dispatch(timeout=0.01)] == [STA_TIMEOUT]


@pytest.mark.row("11.29", "11.12")
def test_a_failed_call_makes_the_group_fail() -> None:
    failed = Tasks([Task(Reply("fine")), Task(Reply[str](status_code=404, reason="no such"))])
    with pytest.raises(HTTPError, match="404"):
        failed.fetch()
    with pytest.raises(HTTPError, match="503"):
        failed.wait_or_throw("503 Later")
    with pytest.raises(HTTPError, match="503"):
        failed.getwait_or_throw(5, "503 Later")
    assert len(failed.wait()) == 2


def test_an_empty_group_is_over() -> None:
    called: list[int] = []
    empty = Tasks([])
    empty.when_done(lambda: called.append(1))
    assert (empty.done, empty.fetch(), called) == (True, [], [1])


def test_a_group_tells_once_when_all_are_there() -> None:
    called = threading.Event()
    Tasks([soon(1), Task(Reply(2)), soon(3, 0.1)]).when_done(called.set)
    assert not called.wait(0.07)
    assert called.wait(2)


def test_an_async_handler_waits_no_longer_than_the_time() -> None:
    async def handler() -> list[int]:
        late = await Tasks([never(), soon(1)], timeout=0.15).settled()
        assert await Tasks([soon(1), soon(2)]) == [1, 2]
        return [reply.status for reply in late]

    assert asyncio.run(handler()) == [STA_TIMEOUT, 3]


def later(loop: Loop, calls: list[Any], respond: Any, timeout: float | None = 10) -> Later:
    return Futures("was", loop, calls, timeout).then(respond, word="word")


async def answer(deferred: Later) -> Any:
    return await deferred


def respond(was: Any, replies: Any, word: str) -> Any:
    return was, [reply.status for reply in replies], word


@pytest.mark.row("11.30")
def test_futures_on_a_loop_and_on_a_thread(loop: Loop) -> None:
    expected = ("was", [3, 3], "word")
    assert asyncio.run(answer(later(loop, [soon(1), Task(Reply(2))], respond))) == expected
    assert drive(answer(later(loop, [soon(1), Task(Reply(2))], respond))) == expected
    assert drive(answer(later(loop, [Task(Reply(1)), Task(Reply(2))], respond))) == expected


@pytest.mark.row("11.30")
@pytest.mark.parametrize("timeout", [None, 5.0, 0.05])
def test_a_suspended_request_gives_its_thread_to_others(loop: Loop, timeout: float | None) -> None:
    slow = soon(1, 0.3) if timeout != 0.05 else never()
    found: list[Any] = []

    def job(coroutine: Any) -> None:
        try:
            found.append(step(coroutine))
        except Suspended as pause:
            pause.go_on = partial(job, pause.coroutine)
            raise

    async def serve() -> None:
        threads = WorkerThreads(1)
        threads.start(asyncio.get_running_loop())
        waiting = threads.submit(job, answer(later(loop, [slow], respond, timeout)))
        await threads.submit(lambda: found.append("other"))
        assert found == ["other"]
        assert threads.busy == 0
        await waiting
        await asyncio.to_thread(threads.stop)

    asyncio.run(serve())
    assert found == ["other", ("was", [STA_TIMEOUT if timeout == 0.05 else 3], "word")]


def test_countdown_calls_once() -> None:
    called: list[str] = []
    countdown = Countdown(2, lambda: called.append("zero"))
    countdown.cancel = lambda: called.append("cancelled")
    for _ in range(4):
        countdown.step()
    assert called == ["cancelled", "zero"]
