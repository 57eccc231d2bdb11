"""A call to an upstream that has been fired, and the reply it came back with."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import Awaitable, Callable, Collection, Generator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from copy import deepcopy
from typing import Any, Generic, Protocol, TypeVar, cast

from atila.errors import HTTPError

# What became of the exchange (`reply.status`); NORMAL only says that it completed.
STA_REQFAIL = -1
STA_UNSENT = 0
STA_TIMEOUT = 1
STA_NETERR = 2
STA_NORMAL = 3

REASONS = {
    STA_REQFAIL: (700, "Request Failure"),
    STA_TIMEOUT: (702, "Timeout"),
    STA_NETERR: (701, "Network Error"),
}

Data = TypeVar("Data")
Result_co = TypeVar("Result_co", covariant=True)

_log = logging.getLogger("atila.upstream")


class Reply(Generic[Data]):
    """What came back. Its `data` is None when nothing usable did; `error` then is the exception, as a rule."""

    __slots__ = ("data", "error", "reason", "rowcount", "status", "status_code")

    def __init__(
        self,
        data: Data | None = None,
        *,
        status: int = STA_NORMAL,
        status_code: int = 200,
        reason: str = "OK",
        error: Exception | None = None,
        rowcount: int = -1,
    ) -> None:
        self.data = data
        self.status = status
        self.status_code = status_code
        self.reason = reason
        self.error = error
        self.rowcount = rowcount  # rows a statement changed or returned; -1 when that means nothing

    @classmethod
    def failed(cls, status: int, error: Exception | None = None) -> Reply[Data]:
        """Return the reply of an exchange that did not complete."""
        code, reason = REASONS[status]
        return cls(status=status, status_code=code, reason=reason, error=error)

    @property
    def size(self) -> int:
        """About how many bytes it takes to keep the data."""
        return len(repr(self.data))

    def again(self) -> Reply[Data]:
        """Return the same reply for another caller, who may change its data."""
        return Reply(deepcopy(self.data), status_code=self.status_code, reason=self.reason, rowcount=self.rowcount)

    @property
    def usable(self) -> bool:
        """Whether the exchange completed with a status below 300."""
        return self.status == STA_NORMAL and self.status_code < 300

    def check(self, status: int | str | None = None) -> None:
        """Raise when the reply is not usable: HTTPError(`status`) if one is given, else what `failure` says."""
        if self.usable:
            return
        if status is not None:
            raise HTTPError(status) from self.error
        failure = self.failure()
        raise failure from (None if failure is self.error else self.error)

    def failure(self) -> Exception:
        """Return what stands for a reply that is not usable: the driver's error, or an HTTPError."""
        return self.error or bad_gateway(self.status, self.status_code, self.reason)

    def fetch(self) -> Data:
        """Return the data. Raises the driver's error, or HTTPError."""
        self.check()
        return self.data  # type: ignore[return-value]  # a usable reply has its data

    def one(self) -> Any:
        """Return the only row. Raises HTTPError 404 when there is none, 409 when there are more, and as `fetch`."""
        data: Any = self.fetch()
        if not isinstance(data, list):
            return data
        if not data:
            raise HTTPError(404)
        if len(data) > 1:
            raise HTTPError(409, f"{len(data)} rows where one was expected")
        return data[0]

    def value(self) -> Any:
        """Return the only value of the only row: `db.select("photo").count().execute().value()`."""
        (value,) = self.one().values()
        return value


def bad_gateway(status: int, status_code: int, reason: str) -> HTTPError:
    """Return the error that an upstream's failure is for our client: its 4xx, 504 when it was late, else 502."""
    if status == STA_NORMAL and 400 <= status_code < 500:
        return HTTPError(status_code, reason)
    return HTTPError(504 if status == STA_TIMEOUT else 502, reason)


class Running(Protocol[Result_co]):
    """What a task asks of a call that runs, as a Future does."""

    def done(self) -> bool: ...
    def result(self, timeout: float | None = None) -> Result_co: ...
    def add_done_callback(self, call: Callable[[Any], object], /) -> None: ...


class Keeper(Protocol):
    """What keeps a reply for later calls of the same kind."""

    def keep(self, reply: Reply[Any], seconds: float) -> None: ...


class Task(Generic[Data]):
    """A call that has been fired. It runs while the handler does other things; asking for its reply waits for it.

    In an `async def` handler `await task` gives what `fetch` returns and raises what it raises; after that, or after
    `await task.settled()`, all methods answer at once. Before, they block, which on an event loop is a RuntimeWarning.
    """

    __slots__ = ("_future", "_inline", "_keeper", "_reply", "_seen")

    def __init__(
        self, running: Reply[Data] | Running[Reply[Data]], keeper: Keeper | None = None, inline: bool = False
    ) -> None:
        self._reply: Reply[Data] | None = running if isinstance(running, Reply) else None
        self._future: Running[Reply[Data]] | None = None if isinstance(running, Reply) else running
        self._keeper = keeper  # takes the reply when `dispatch` is given `cache`
        self._inline = inline  # a plain handler's, which may block also where there are no threads
        self._seen = False

    @property
    def done(self) -> bool:
        """Whether the reply is there."""
        return self._reply is not None or self._running.done()

    def when_done(self, call: Callable[[], object]) -> None:
        """Call a function once when the reply is there: at once, or later on another thread."""
        if self._reply is not None:
            call()
        else:
            self._running.add_done_callback(lambda _: call())

    async def settled(self) -> Task[Data]:
        """Wait for the reply without blocking the event loop, and return this task."""
        on = on_loop()  # else a worker thread steps the coroutine, and may block
        if on and self._reply is None and not self._running.done():
            # Shielded: whoever stops waiting does not stop the call. What it raised comes from `_wait`.
            with contextlib.suppress(Exception):
                await _arrival(self._running)
        if self._reply is None:
            self._reply = self._wait(0 if on else None)
        self._seen = True
        return self

    def __await__(self) -> Generator[Any, Any, Data]:
        yield from self.settled().__await__()
        return self.fetch()

    def dispatch(
        self,
        timeout: float | None = None,
        cache: float | None = None,
        cache_if: Collection[int] = (200,),
        wait: bool = True,
        reraise: bool = False,
    ) -> Reply[Data]:
        """Return the reply, whatever it says; after `timeout` seconds one whose status is STA_TIMEOUT.

        Without a timeout the call's own one ends the wait. `cache` keeps the reply so many seconds for the same call,
        when its status code is one of `cache_if`. With `wait=False` a reply that is not there yet is one whose status
        is STA_UNSENT. With `reraise`, an exception in the exchange is raised.
        """
        self._seen = True
        if not wait and not self.done:
            return Reply(status=STA_UNSENT, status_code=0, reason="Not Answered Yet")
        reply = self._reply or self._wait(timeout)
        if reraise and reply.error is not None:
            raise reply.error
        if cache and self._keeper is not None and reply.status == STA_NORMAL and reply.status_code in cache_if:
            self._keeper.keep(reply, cache)
        return reply

    def dispatch_or_throw(self, timeout: float | str | None = None, status: int | str | None = None) -> Reply[Data]:
        """Return the reply when it is usable, else raise: HTTPError(`status`) if given, or the error itself.

        A status line is also taken as the first argument: `dispatch_or_throw("500 Server Error")`.
        """
        if isinstance(timeout, str):
            timeout, status = None, timeout if status is None else status
        reply = self.dispatch(timeout)
        reply.check(status)
        return reply

    def fetch(
        self, timeout: float | None = None, cache: float | None = None, cache_if: Collection[int] = (200,)
    ) -> Data:
        """Return the data, and keep the reply as `dispatch` does. Raises the driver's error or HTTPError."""
        return self.dispatch(timeout, cache, cache_if).fetch()

    def one(self, timeout: float | None = None, cache: float | None = None, cache_if: Collection[int] = (200,)) -> Any:
        """Return the only row. Raises HTTPError 404 without one, 409 with more, and what `fetch` raises."""
        return self.dispatch(timeout, cache, cache_if).one()

    def value(self, timeout: float | None = None) -> Any:
        """Return the only value of the only row."""
        return self.dispatch(timeout).value()

    def wait(self, timeout: float | None = None) -> Task[Data]:
        """Wait for the end, whatever it is."""
        self.dispatch(timeout)
        return self

    def wait_or_throw(self, timeout: float | str | None = None, status: int | str | None = None) -> Task[Data]:
        """Wait, and raise as `dispatch_or_throw` does."""
        self.dispatch_or_throw(timeout, status)
        return self

    def commit(self, timeout: float | None = None) -> Task[Data]:
        """Wait for a write. Raises when it failed. Inside a `with` block the block's end makes it last."""
        return self.wait_or_throw(timeout)

    @property
    def data(self) -> Data | None:
        """What the reply holds, None after a failure."""
        return self.dispatch().data

    # The names of earlier releases.
    getwait = getswait = dispatch
    getwait_or_throw = getswait_or_throw = dispatch_or_throw

    @property
    def _running(self) -> Running[Reply[Data]]:
        assert self._future is not None, "a task without a reply has a future"
        return self._future

    def _wait(self, timeout: float | None) -> Reply[Data]:
        future = self._running
        if timeout != 0 and not self._inline and on_loop() and not future.done():
            warnings.warn("this blocks the event loop: await the task first", RuntimeWarning, stacklevel=4)
        try:
            reply = self._reply = future.result(timeout)
        except FutureTimeout as error:
            if future.done():
                raise  # the call itself raised it
            return Reply.failed(STA_TIMEOUT, error)
        except CancelledError:
            reply = self._reply = Reply.failed(STA_REQFAIL)  # the process ends
        return reply

    def __del__(self) -> None:
        if getattr(self, "_seen", True):
            return
        if self._reply is not None:
            _complain(self._reply)
        else:
            self._running.add_done_callback(_complain_later)


def _arrival(running: Running[Any]) -> Awaitable[Any]:
    arrived = getattr(running, "arrived", None)  # what waits on a loop by itself says how
    if arrived is not None:
        return cast("Awaitable[Any]", arrived())
    if isinstance(running, Future):
        return asyncio.shield(asyncio.wrap_future(running))
    return asyncio.to_thread(running.result)


def _complain_later(future: Future[Reply[Any]]) -> None:
    if not future.cancelled() and future.exception() is None:
        _complain(future.result())


def _complain(reply: Reply[Any]) -> None:
    if reply.error is not None:
        _log.error("a call to an upstream failed and nobody looked", exc_info=reply.error)


def on_loop() -> bool:
    """Say whether this thread is running an event loop, which nothing may block."""
    return asyncio._get_running_loop() is not None  # noqa: SLF001 - get_running_loop() raises, which costs 10x
