"""Events: what an app tells of itself, and what its parts tell each other (a bus on blinker)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from blinker import ANY, Namespace

from .concurrency import drive, settle

AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])

# of an app; the handler gets what stands in brackets
app_starting = "app:starting"  # (wac)
app_started = "app:started"  # (wac)
app_restarting = "app:restarting"  # (wac)
app_restarted = "app:restarted"  # (wac)
app_mounted = "app:mounted"  # (was)
app_unmounting = "app:unmounting"  # (was)

# of a request
request_starting = "request:started"  # (was)
request_success = "request:success"  # (was)
request_failed = "request:failed"  # (was, exc_info)
request_tearing_down = "request:teardown"  # (was)
request_finished = "request:finished"  # (was)

template_rendering = "template:rendering"  # (was, template, params)

_current: ContextVar[Any] = ContextVar("was", default=None)  # the was of the request that runs here


class Bus:
    """Handlers by event. A handler that fails is logged with its name and stops nothing. Lives as long as its app.

    Handlers run where the event is emitted, in the order they were set. An `async def` handler is awaited when a plain
    handler emits, and runs as a task of its own when an `async def` handler emits.
    """

    def __init__(self, logger: logging.Logger, outside: Callable[[], Any]) -> None:
        self.logger = logger
        self.on_first: Callable[[], None] = lambda: None  # called when the first handler is set
        self._outside = outside  # makes the was of what runs outside a request
        self._signals = Namespace()
        self._tasks: set[asyncio.Task[None]] = set()

    def on(self, *events: str) -> Callable[[AnyHandler], AnyHandler]:
        """Set `f(was, *args)` to run when one of the events is emitted. Raises TypeError without an event's name."""
        if not events or not all(isinstance(event, str) for event in events):
            raise TypeError("@app.on takes the names of events: @app.on(atila.request_failed, 'user-updated')")

        def declare(handler: AnyHandler) -> AnyHandler:
            for event in events:
                self._signals.signal(event).connect(handler, weak=False)
            self.on_first()
            return handler

        return declare

    def emit(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Run the handlers of an event, with the was of the request that runs here."""
        self.send(event, self.subject(), *args, **kwargs)

    def send(self, event: str, subject: Any, /, *args: Any, **kwargs: Any) -> None:
        """Run the handlers of an event with this was or wac."""
        for handler in self.handlers(event):
            rest = self._run(handler, event, subject, args, kwargs)
            if rest is None:
                continue
            if not _on_loop():
                drive(rest)
                continue
            task = asyncio.get_running_loop().create_task(rest)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def tell(self, event: str, subject: Any, /, *args: Any) -> None:
        """Run the handlers of an event with this was or wac, and wait for the `async def` ones."""
        for handler in self.handlers(event):
            rest = self._run(handler, event, subject, args, {})
            if rest is not None:
                await rest

    def handlers(self, event: str) -> list[Callable[..., Any]]:
        """Return the handlers of an event, in the order they were set."""
        signal = self._signals.get(event)
        return list(signal.receivers_for(ANY)) if signal is not None else []

    def forget(self, belongs: Callable[[Callable[..., Any]], bool]) -> None:
        """Drop the handlers that `belongs` says yes to: those of a module that goes."""
        for signal in self._signals.values():
            for handler in list(signal.receivers_for(ANY)):
                if belongs(handler):
                    signal.disconnect(handler)

    def subject(self) -> Any:
        """Return the was of the request that runs here, or one that has no request."""
        was = _current.get()
        return self._outside() if was is None else was

    def _run(
        self, handler: Callable[..., Any], event: str, subject: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Coroutine[Any, Any, None] | None:
        """Run a handler; return what is still to be waited for when it is an `async def`."""
        try:
            outcome = handler(subject, *args, **kwargs)
            if isinstance(outcome, Awaitable):
                return self._wait(outcome, handler, event, subject)
            _follow(handler, subject)
        except Exception:  # one handler that fails stops nobody else
            self.logger.exception("event %s: its handler %s failed", event, _name(handler))
        return None

    async def _wait(self, outcome: Awaitable[Any], handler: Callable[..., Any], event: str, subject: Any) -> None:
        try:
            await settle(outcome)
            _follow(handler, subject)
        except Exception:  # one handler that fails stops nobody else
            self.logger.exception("event %s: its handler %s failed", event, _name(handler))


def enter(was: Any) -> None:
    """Make this the was that emitted events carry here, until the request's end calls it with None."""
    _current.set(was)


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", None) or repr(handler)


def _follow(handler: Callable[..., Any], subject: Any) -> None:
    """Run what `emit_after` and `broadcast_after` set on an event's handler."""
    for step in getattr(getattr(handler, "__atila__", None), "after", ()):
        step(subject)


def _on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
