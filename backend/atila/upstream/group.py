"""Several calls at once: `was.Tasks` to hold their replies, `was.Futures` to answer when all are there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from atila.concurrency import Deferred, Waiting

from .task import on_loop

if TYPE_CHECKING:
    from .loop import Loop

TIMEOUT = 10.0  # seconds


class Tasks:
    """Replies of calls that run side by side, in the order of the calls: iterate it, index it.

    In an `async def` handler `await tasks` gives what `fetch` returns; after `await tasks.settled()` every method
    answers at once.
    """

    def __init__(self, calls: Sequence[Any], timeout: float | None = TIMEOUT) -> None:
        """Take tasks, and groups of them; `timeout` is in seconds and counts from now, for all of them."""
        self.calls = list(calls)
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def __iter__(self) -> Iterator[Any]:
        return iter(self.dispatch())

    def __getitem__(self, index: int) -> Any:
        return self.calls[index].dispatch(self.left(None))

    def __len__(self) -> int:
        return len(self.calls)

    def __await__(self) -> Generator[Any, Any, list[Any]]:
        yield from self.settled().__await__()
        return self.fetch()

    @property
    def done(self) -> bool:
        """Whether every reply is there."""
        return all(call.done for call in self.calls)

    def when_done(self, call: Callable[[], object]) -> None:
        """Call a function once when every reply is there: at once, or later on another thread."""
        countdown = Countdown(len(self.calls), call)
        for one in self.calls:
            one.when_done(countdown.step)

    async def settled(self) -> Tasks:
        """Wait for the replies without blocking the event loop, no longer than the timeout, and return this."""
        with contextlib.suppress(TimeoutError):  # a reply then says that it is late
            async with asyncio.timeout(self.left(None)):
                await asyncio.gather(*(call.settled() for call in self.calls))
        return self

    def dispatch(
        self,
        timeout: float | None = None,
        cache: float | None = None,
        cache_if: Collection[int] = (200,),
        wait: bool = True,
        reraise: bool = False,
    ) -> list[Any]:
        """Return the replies, whatever they say; those that are late have the status STA_TIMEOUT."""
        return [call.dispatch(self.left(timeout), cache, cache_if, wait, reraise) for call in self.calls]

    def dispatch_or_throw(self, timeout: float | str | None = None, status: int | str | None = None) -> list[Any]:
        """Return the replies when all are usable, else raise as a task does."""
        if isinstance(timeout, str):
            timeout, status = None, timeout if status is None else status
        return [call.dispatch_or_throw(self.left(timeout), status) for call in self.calls]

    def fetch(
        self, timeout: float | None = None, cache: float | None = None, cache_if: Collection[int] = (200,)
    ) -> list[Any]:
        """Return the data of each. Raises what the first failed call raises."""
        return [call.fetch(self.left(timeout), cache, cache_if) for call in self.calls]

    def one(
        self, timeout: float | None = None, cache: float | None = None, cache_if: Collection[int] = (200,)
    ) -> list[Any]:
        """Return the only row of each. Raises HTTPError 404 or 409, or what the first failed call raises."""
        return [call.one(self.left(timeout), cache, cache_if) for call in self.calls]

    def wait(self, timeout: float | None = None) -> list[Any]:
        """Wait for the end of all, whatever it is."""
        return [call.wait(self.left(timeout)) for call in self.calls]

    def wait_or_throw(self, timeout: float | str | None = None, status: int | str | None = None) -> list[Any]:
        """Wait, and raise as `dispatch_or_throw` does."""
        self.dispatch_or_throw(timeout, status)
        return self.calls

    def commit(self, timeout: float | None = None) -> list[Any]:
        """Wait for writes. Raises when one failed."""
        return self.wait_or_throw(timeout)

    # The names of earlier releases.
    getwait = getswait = dispatch
    getwait_or_throw = getswait_or_throw = dispatch_or_throw

    def left(self, timeout: float | None) -> float | None:
        """Return how many seconds a wait may take."""
        if self._deadline is None:
            return timeout
        left = max(0.0, self._deadline - time.monotonic())
        return left if timeout is None else min(left, timeout)


class Futures:
    """Calls after which a function makes the answer: `return was.Futures(calls).then(respond, title="Report")`.

    The thread of a plain handler is free meanwhile: few threads serve many requests that wait.
    """

    def __init__(self, was: Any, loop: Loop, calls: Sequence[Any], timeout: float | None = TIMEOUT) -> None:
        """Take tasks, and groups of them; `timeout` is in seconds, and counts from now."""
        self._was = was
        self._loop = loop
        self._tasks = Tasks(calls, timeout)

    def then(self, respond: Callable[..., Any], /, **arguments: Any) -> Later:
        """Answer with what `respond(was, replies, **arguments)` returns: any answer, or Futures of further calls."""
        return Later(self._was, Wait(self._tasks, self._loop), respond, arguments)


class Later(Deferred):
    """An answer that is made when calls have ended. A handler returns it, or awaits it."""

    def __init__(self, was: Any, wait: Wait, respond: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._was = was
        self._wait = wait
        self._respond = respond
        self._arguments = arguments

    def __await__(self) -> Generator[Any, Any, Any]:
        tasks = self._wait.tasks
        if on_loop():
            yield from tasks.settled().__await__()
        elif not tasks.done:
            yield self._wait
        answer = self._respond(self._was, tasks.dispatch(), **self._arguments)
        if hasattr(answer, "__await__"):
            answer = yield from answer.__await__()
        return answer


class Wait(Waiting):
    """What a request on a thread waits for: tasks, or the end of the time they have."""

    def __init__(self, tasks: Tasks, loop: Loop) -> None:
        self.tasks = tasks
        self._loop = loop

    def block(self) -> None:
        self.tasks.wait()

    def park(self, wake: Callable[[], object]) -> None:
        left = self.tasks.left(None)
        if left is None:
            self.tasks.when_done(wake)
            return
        countdown = Countdown(1, wake)
        countdown.cancel = self._loop.later(left, countdown.step)
        self.tasks.when_done(countdown.step)


class Countdown:
    """Calls a function once, when `step` was called for the `count`th time; at once when there is nothing to count."""

    def __init__(self, count: int, call: Callable[[], object]) -> None:
        self.cancel: Callable[[], object] | None = None  # ends what else would have stepped
        self._left = count
        self._call = call
        self._lock = threading.Lock()
        if count == 0:
            call()

    def step(self) -> None:
        """Count down by one."""
        with self._lock:
            self._left -= 1
            if self._left != 0:
                return
        if self.cancel is not None:
            self.cancel()
        self._call()
