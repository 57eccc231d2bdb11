"""Who runs a handler: an event loop, or a thread of our own that answers the server directly."""

from __future__ import annotations

import asyncio
import logging
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import wait
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Value = TypeVar("Value")

_log = logging.getLogger("atila.threads")
_here = threading.local()  # the WorkerThreads that the current thread belongs to


class WorkerThreads:
    """A queue and the threads that work it off. Lives as long as the server's process.

    A job is a plain function. Its caller awaits the future that `submit` returns; finished jobs are reported to the
    event loop in batches, so that a busy server is woken once and not once for each request. A job that raises
    Suspended gives its thread to others, and is taken up again by one of them when there is something to go on with.
    """

    def __init__(self, count: int = 4, name: str = "atila") -> None:
        self.count = count
        self.name = name
        self.loop: asyncio.AbstractEventLoop | None = None
        self._queue: SimpleQueue[tuple[Callable[..., None], tuple[Any, ...], asyncio.Future[None]] | None] = (
            SimpleQueue()
        )
        self._done: deque[tuple[asyncio.Future[None], BaseException | None]] = deque()
        self._wake_scheduled = False
        self._threads: list[threading.Thread] = []
        self._at_work: list[list[bool]] = []  # a cell for each thread, which nobody else writes to

    @property
    def busy(self) -> int:
        """Threads that run a job now."""
        return sum(cell[0] for cell in self._at_work)

    @property
    def waiting(self) -> int:
        """Jobs in the queue that no thread has taken yet."""
        return self._queue.qsize()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads; `loop` is told when jobs are done."""
        self.loop = loop
        for number in range(self.count - len(self._threads)):
            self._at_work.append([False])
            name = f"{self.name}-{number}"
            thread = threading.Thread(target=self._work, args=(self._at_work[-1],), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Let queued jobs finish and end the threads; wait `timeout` seconds at most for each."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(timeout)
        self._threads.clear()
        self._at_work.clear()

    def submit(self, job: Callable[..., None], *args: Any) -> asyncio.Future[None]:
        """Queue a job from the event loop; the future ends when the job has."""
        assert self.loop is not None, "start() comes before submit()"
        future = self.loop.create_future()
        self._queue.put((job, args, future))
        return future

    def _work(self, at_work: list[bool]) -> None:
        _here.loop = self.loop
        while (item := self._queue.get()) is not None:
            job, args, future = item
            error: BaseException | None = None
            at_work[0] = True
            try:
                job(*args)
            except Suspended as pause:
                at_work[0] = False
                pause.waiting.park(partial(self._queue.put, (pause.go_on, (), future)))
                del item, job, args, future, pause
                continue
            except BaseException as raised:  # noqa: BLE001 - a thread outlives every job; the caller gets the error
                error = raised
            at_work[0] = False
            self._report(future, error)
            del item, job, args, future, error

    def _report(self, future: asyncio.Future[None], error: BaseException | None) -> None:
        self._done.append((future, error))
        if self._wake_scheduled:
            return
        self._wake_scheduled = True
        try:
            assert self.loop is not None
            self.loop.call_soon_threadsafe(self._deliver)
        except RuntimeError:
            self._wake_scheduled = False
            self._done.clear()  # a loop that comes later cannot end the futures of this one
            _log.warning("the event loop closed before a handler on %s had ended", threading.current_thread().name)

    def _deliver(self) -> None:
        self._wake_scheduled = False
        while self._done:
            future, error = self._done.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)


def drive(coroutine: Coroutine[Any, Any, Value]) -> Value:
    """Run a coroutine to its end on this thread, without an event loop.

    Whatever waits inside it must wait through `settle`. Raises RuntimeError when it suspends all the same.
    """
    while True:
        try:
            return step(coroutine)
        except Suspended as pause:
            pause.waiting.block()


def step(coroutine: Coroutine[Any, Any, Value]) -> Value:
    """Run a coroutine on this thread, as `drive` does, to its end or to where it waits for something.

    Then it raises Suspended, and goes on where it stood when it is stepped again.
    """
    try:
        waiting = coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration carries Any
    if isinstance(waiting, Waiting):
        raise Suspended(coroutine, waiting)
    coroutine.close()
    raise RuntimeError("a plain handler's request awaited something on its thread; await it from an async def handler")


class Waiting(ABC):
    """What a coroutine that runs on a thread yields when it can go on later."""

    @abstractmethod
    def block(self) -> None:
        """Wait on this thread."""

    @abstractmethod
    def park(self, wake: Callable[[], object]) -> None:
        """Return at once, and have `wake` called once, from any thread, when the coroutine can go on."""


class Elsewhere(Waiting, Awaitable[Value]):
    """A coroutine that runs on an event loop for a request on a thread; the thread is free meanwhile."""

    def __init__(self, coroutine: Coroutine[Any, Any, Value], loop: asyncio.AbstractEventLoop) -> None:
        self._future = asyncio.run_coroutine_threadsafe(coroutine, loop)

    def block(self) -> None:
        wait([self._future])

    def park(self, wake: Callable[[], object]) -> None:
        self._future.add_done_callback(lambda _: wake())

    def __await__(self) -> Generator[Any, Any, Value]:
        if not self._future.done():
            yield self
        return self._future.result()


class Suspended(Exception):  # noqa: N818 - no error: it leaves the thread to others
    """A coroutine waits; whoever catches this steps it again. `go_on` is what a worker thread then calls."""

    go_on: Callable[[], None]

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waiting: Waiting) -> None:
        super().__init__()
        self.coroutine = coroutine
        self.waiting = waiting

    def respond(self, request: object) -> Coroutine[Any, Any, Any]:
        """Return the rest of the answer to a request: a suspended request stands for its job."""
        return self.coroutine


class Deferred(Awaitable[Any]):
    """An answer that is still to come, as a handler may return it: whoever reads it awaits it."""


class Inline(Awaitable[Value]):
    """A coroutine of the framework's own: it goes on where its caller runs, and only what it settles moves to the loop.

    So the app's plain functions inside it may block, as everywhere else on a worker thread.
    """

    __slots__ = ("work",)

    def __init__(self, work: Coroutine[Any, Any, Value]) -> None:
        self.work = work

    def __await__(self) -> Generator[Any, Any, Value]:
        return self.work.__await__()


async def settle(awaitable: Awaitable[Value]) -> Value:
    """Await something wherever we are: on the loop directly, on a worker thread by handing it to the loop."""
    loop = getattr(_here, "loop", None)
    if loop is None or type(awaitable) is Inline:
        return await awaitable
    return asyncio.run_coroutine_threadsafe(_as_coroutine(awaitable), loop).result()


def then(outcome: Any, finish: Callable[[Any], Any]) -> Any:
    """Return `finish(outcome)`; for an outcome that is still to come, an awaitable of that.

    So a step around an app's own function stays on the thread where that function, if it is a plain one, may block.
    """
    if not isinstance(outcome, Awaitable):
        return finish(outcome)

    async def finish_later() -> Any:
        return finish(await outcome)

    return finish_later()


def loop_of_thread() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that this thread hands its waiting to, None on the loop itself."""
    return getattr(_here, "loop", None)


def adopt(loop: asyncio.AbstractEventLoop) -> None:
    """Make this thread one whose `settle` hands its waiting to `loop` (for threads that other servers own)."""
    _here.loop = loop


async def _as_coroutine(awaitable: Awaitable[Value]) -> Value:
    return await awaitable
