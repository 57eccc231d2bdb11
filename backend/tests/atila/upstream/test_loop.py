"""The loop of upstreams and its thread."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from atila.upstream import loop as loop_module
from atila.upstream.loop import Loop


async def thread_name() -> str:
    return threading.current_thread().name


def test_coroutines_run_on_a_thread_of_its_own_from_anywhere() -> None:
    loop = Loop()
    assert loop.submit(thread_name()).result(5) == "upstreams"

    async def handler() -> str:
        return await asyncio.wrap_future(loop.submit(thread_name()))

    assert asyncio.run(handler()) == "upstreams"
    loop.close()


def test_closing_cancels_what_runs_and_closes_what_was_opened() -> None:
    loop = Loop()
    closed: list[str] = []

    async def close() -> None:
        closed.append("clients")

    async def fail() -> None:
        raise OSError("the connection is gone")

    loop.when_closing(fail)
    loop.when_closing(close)
    running = loop.submit(asyncio.sleep(60))
    loop.close()
    assert closed == ["clients"]
    with pytest.raises(CancelledError):
        running.result(1)
    loop.close()  # a second time does nothing
    assert loop.submit(thread_name()).result(5) == "upstreams"  # and it can be used again
    loop.close()


def test_something_is_called_later_unless_that_is_cancelled() -> None:
    loop = Loop()
    called: list[str] = []
    loop.later(0.02, lambda: called.append("first"))
    loop.later(0.02, lambda: called.append("second"))()
    time.sleep(0.1)
    assert called == ["first"]
    cancel = loop.later(60, lambda: called.append("third"))
    loop.close()
    cancel()
    assert called == ["first"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fork is Unix's")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_gets_a_loop_of_its_own() -> None:
    loop = Loop()
    loop.submit(thread_name()).result(5)
    child = os.fork()
    if child == 0:
        name = ""
        try:
            name = loop.submit(thread_name()).result(5)
        finally:
            os._exit(0 if name == "upstreams" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    loop.close()


def test_threads_that_come_at_once_share_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = loop_module._new_loop, []

    def slowly() -> asyncio.AbstractEventLoop:
        time.sleep(0.05)
        made.append(make())
        return made[-1]

    monkeypatch.setattr(loop_module, "_new_loop", slowly)
    loop = Loop()
    with ThreadPoolExecutor(4) as threads:
        assert {id(found) for found in threads.map(lambda _: loop.running, range(4))} == {id(made[0])}
    assert len(made) == 1
    loop.close()


def test_what_calls_left_behind_gets_a_moment_to_end() -> None:
    loop = Loop()
    ended: list[str] = []
    left: list[asyncio.Task[None]] = []

    async def farewell() -> None:
        await asyncio.sleep(0.05)
        ended.append("said goodbye")

    async def call() -> None:
        left.append(asyncio.ensure_future(farewell()))

    loop.submit(call()).result(5)
    loop.close()
    assert ended == ["said goodbye"]


def test_where_there_is_no_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = Loop()
    assert type(loop.running).__module__.startswith("asyncio.")
    assert loop.submit(thread_name()).result(5) == "upstreams"
    loop.close()
