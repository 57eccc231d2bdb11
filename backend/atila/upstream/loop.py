"""An event loop on a thread of its own, on which a process talks to its upstreams."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar
from weakref import WeakSet

Value = TypeVar("Value")

CLOSING = 5.0  # seconds that clients get to close their connections when the process ends
FAREWELL = 1.0  # seconds that what they still do then gets to end by itself

_log = logging.getLogger("atila.upstream")


class Loop:
    """Runs coroutines for code that is on no loop, or on another. Lives as long as the process.

    Handlers that block, templates and steps of an app's start may wait for it: it never waits for them. Its thread
    starts with the first call.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process = 0
        self._lock = threading.Lock()
        self._closing: list[Callable[[], Coroutine[Any, Any, object]]] = []
        self._calls: WeakSet[Coroutine[Any, Any, Any]] = WeakSet()

    @property
    def running(self) -> asyncio.AbstractEventLoop:
        """The loop; it is started when it is not there yet, or was left behind by a fork."""
        loop = self._loop
        if loop is None or self._process != os.getpid():
            loop = self._start()
        return loop

    def submit(self, work: Coroutine[Any, Any, Value]) -> Future[Value]:
        """Run a coroutine on the loop; callable from any thread."""
        self._calls.add(work)
        return asyncio.run_coroutine_threadsafe(work, self.running)

    def later(self, seconds: float, call: Callable[[], object]) -> Callable[[], object]:
        """Call a function on the loop after some seconds; return what cancels that. Callable from any thread."""
        loop, timers = self.running, deque[asyncio.TimerHandle]()
        loop.call_soon_threadsafe(lambda: timers.append(loop.call_later(seconds, call)))

        def cancel() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the timer with it
                loop.call_soon_threadsafe(lambda: timers[0].cancel())

        return cancel

    def when_closing(self, close: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Have a coroutine function called before the loop ends."""
        self._closing.append(close)

    def close(self) -> None:
        """Cancel the calls that still run, close what was opened on the loop, and end the thread."""
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            closing, self._closing = self._closing, []
        if loop is None or thread is None or self._process != os.getpid():
            return
        asyncio.run_coroutine_threadsafe(self._end(closing), loop).add_done_callback(
            lambda _: loop.call_soon_threadsafe(loop.stop)
        )
        thread.join(CLOSING + 1)

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._process = os.getpid()
                self._loop = _new_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="upstreams", daemon=True)
                self._thread.start()
            return self._loop

    async def _end(self, closing: list[Callable[[], Coroutine[Any, Any, object]]]) -> None:
        await _cancel([task for task in asyncio.all_tasks() if task.get_coro() in self._calls])
        for close in closing:
            try:
                await asyncio.wait_for(close(), CLOSING)
            except Exception:  # noqa: BLE001 - the others are to be closed all the same
                _log.exception("the connections to an upstream could not be closed")
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if rest:
            await asyncio.wait(rest, timeout=FAREWELL)
        await _cancel(rest)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())  # callbacks that still run
    loop.close()


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # where it is used: the main process imports the framework, too, and needs no loop
    except ImportError:  # Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
