"""The threads of gRPC calls: as many as are needed, no more than allowed, and word of each call's end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from skitai.servers.grpc_threads import CallThreads
from tests.serving.engine_process import wait_until


@pytest.fixture
def threads() -> Iterator[CallThreads]:
    loop = asyncio.new_event_loop()
    made = CallThreads(3, loop)
    yield made
    made.shutdown()
    loop.close()


def test_threads_are_made_when_they_are_needed(threads: CallThreads) -> None:
    go, running = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        running.release()
        go.wait(5)

    for expected in (1, 2, 3):
        threads.submit(wait)
        assert running.acquire(timeout=5)
        assert len(threads._threads) == expected
    ended: list[Future[None]] = []
    last = threads.submit(int, "7")  # waits for a thread
    last.add_done_callback(ended.append)
    assert (len(threads._threads), ended) == (3, [])
    go.set()
    wait_until(lambda: ended == [last], 5)
    wait_until(lambda: len(threads._idle) == 3, 5)
    threads.submit(int)
    assert len(threads._threads) == 3


def test_the_end_of_a_call_is_told_once_however_late_somebody_asks(threads: CallThreads) -> None:
    done = threading.Event()
    ended: list[Future[None]] = []
    call = threads.submit(done.set)
    assert done.wait(5)
    wait_until(lambda: call._ended, 5)  # type: ignore[attr-defined]  # the lean future's own
    call.add_done_callback(ended.append)
    assert ended == [call]


def test_a_call_that_breaks_is_logged_and_its_thread_goes_on(
    threads: CallThreads, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    threads.submit(int, "no number")
    threads.submit(done.set)
    assert done.wait(5)
    wait_until(lambda: "failed outside of its handler" in caplog.text, 5)
    threads.shutdown()
    for thread in threads._threads:
        thread.join(5)
        assert not thread.is_alive()


def test_threads_are_held_still_between_calls(threads: CallThreads) -> None:
    done: list[int] = []
    for number in range(3):
        threads.submit(done.append, number)
    wait_until(lambda: len(done) == 3, 5)
    with threads.paused(5):
        threads.submit(done.append, 3)
        time.sleep(0.05)
        assert len(done) == 3
    wait_until(lambda: len(done) == 4, 5)


def test_a_call_that_runs_on_is_not_waited_for_longer_than_said(threads: CallThreads) -> None:
    go, running, done = threading.Event(), threading.Event(), threading.Event()

    def run() -> None:
        running.set()
        go.wait(10)

    threads.submit(run)
    assert running.wait(5)
    begun = time.monotonic()
    with threads.paused(0.1):
        assert 0.1 <= time.monotonic() - begun < 5
    go.set()
    threads.submit(done.set)
    assert done.wait(5)


def test_the_first_call_of_all_may_come_while_threads_are_held(threads: CallThreads) -> None:
    done = threading.Event()
    with threads.paused(5):
        threads.submit(done.set)
    assert done.wait(5)
