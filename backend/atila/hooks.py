"""What an app runs around every request, and around one handler."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .concurrency import Inline, settle
from .events import (
    Bus,
    enter,
    request_failed,
    request_finished,
    request_starting,
    request_success,
    request_tearing_down,
)
from .routing.route import AnyHandler, Handler, declarations
from .shared import SharedKeys


class Hooks:
    """The four functions around every request; a later one takes the place of an earlier. Lives as long as the app.

    Order: before_request, the handler, then finish_request or failed_request, and always teardown_request. `before`,
    `finish`, `failed` and `teardown` are what the pipeline runs: None, the app's function, or that inside its events.
    """

    def __init__(self, keys: SharedKeys | None = None) -> None:
        self.before: Handler | None = None
        self.finish: Handler | None = None
        self.failed: Handler | None = None
        self.teardown: Handler | None = None
        self._own: dict[str, Handler] = {}
        self._observer: Observer | None = None
        self._notice: Handler | None = None
        self._keys = keys or SharedKeys()

    def before_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run first; a true result is the answer, and no handler is asked."""
        return self._set("before", hook)

    def finish_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run after a handler that succeeded."""
        return self._set("finish", hook)

    def failed_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was, exc_info)` to run after an exception; a result is the answer, else the exception goes on."""
        return self._set("failed", hook)

    def teardown_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run last, whatever happened."""
        return self._set("teardown", hook)

    def run_before(self, *steps: Handler) -> Callable[[AnyHandler], AnyHandler]:
        """Run `f(was)` each before a handler; the first result that is not None is the answer."""

        def declare(handler: AnyHandler) -> AnyHandler:
            declarations(handler).before[:0] = steps
            return handler

        return declare

    def run_after(self, *steps: Handler) -> Callable[[AnyHandler], AnyHandler]:
        """Run `f(was)` each after a handler that ran; their results do not count."""

        def declare(handler: AnyHandler) -> AnyHandler:
            declarations(handler).after[:0] = steps
            return handler

        return declare

    def if_file_modified(
        self, path: str | os.PathLike[str], step: Handler, interval: float = 1
    ) -> Callable[[AnyHandler], AnyHandler]:
        """Run `f(was, path)` before a handler, at its first call and when the file changed since.

        The file is looked at every `interval` seconds at most. A result that is not None is the answer.
        """
        return self.run_before(Watch(path, step, lambda _: _modified(path), interval))

    def if_updated(self, key: str, step: Handler, interval: float = 1) -> Callable[[AnyHandler], AnyHandler]:
        """Run `f(was, key)` before a handler, at its first call and when `was.setlu(key)` was called since."""
        self._keys.deflu(key)
        return self.run_before(Watch(key, step, lambda was: was.getlu(key), interval))

    def emit_after(self, event: str) -> Callable[[AnyHandler], AnyHandler]:
        """Emit an event, without arguments, after a handler or an event's handler has returned."""
        return self.run_after(lambda was: was.app.events.send(event, was))

    def broadcast_after(self, event: str) -> Callable[[AnyHandler], AnyHandler]:
        """Broadcast an event, without arguments, after a handler or an event's handler has returned."""
        return self.run_after(lambda was: was.broadcast(event))

    def observe(self, events: Bus) -> None:
        """Tell the app's event handlers of every request from now on. Until then requests pay nothing for events."""
        if self._observer is None:
            self._observer = Observer(events)
            for name in ("before", "finish", "failed", "teardown"):
                self._compose(name)

    def notify(self, notice: Handler | None) -> None:
        """Run `f(was)` on every finished answer, after all else; None ends that."""
        self._notice = notice
        self._compose("teardown")

    def forget(self, belongs: Callable[[Handler], bool]) -> None:
        """Drop the functions that `belongs` says yes to: those of a module that goes."""
        for name, hook in list(self._own.items()):
            if belongs(hook):
                del self._own[name]
                self._compose(name)

    def _set(self, name: str, hook: AnyHandler) -> AnyHandler:
        self._own[name] = hook
        self._compose(name)
        return hook

    def _compose(self, name: str) -> None:
        """Put together what the pipeline runs: the app's own function, events around it, a notice after it."""
        hook = self._own.get(name)
        if self._observer is not None:
            hook = getattr(self._observer, name)(hook)
        if name == "teardown" and self._notice is not None:
            hook = _followed(hook, self._notice)
        setattr(self, name, hook)


class Observer:
    """Puts the events of a request around the functions of an app, in their order. Lives as long as the app."""

    def __init__(self, events: Bus) -> None:
        self.events = events

    def before(self, own: Handler | None) -> Handler:
        return lambda was: Inline(self._before(was, own))

    def finish(self, own: Handler | None) -> Handler:
        return lambda was: Inline(self._finish(was, own))

    def failed(self, own: Handler | None) -> Handler:
        return lambda was, exc_info: Inline(self._failed(was, exc_info, own))

    def teardown(self, own: Handler | None) -> Handler:
        return lambda was: Inline(self._teardown(was, own))

    async def _before(self, was: Any, own: Handler | None) -> Any:
        enter(was)
        await self.events.tell(request_starting, was)
        return await called(own(was)) if own else None

    async def _finish(self, was: Any, own: Handler | None) -> None:
        await self.events.tell(request_success, was)
        if own:
            await called(own(was))

    async def _failed(self, was: Any, exc_info: Any, own: Handler | None) -> Any:
        await self.events.tell(request_failed, was, exc_info)
        return await called(own(was, exc_info)) if own else None

    async def _teardown(self, was: Any, own: Handler | None) -> None:
        try:
            await self.events.tell(request_tearing_down, was)
            if own:
                await called(own(was))
        finally:
            await self.events.tell(request_finished, was)
            enter(None)


class Watch:
    """A step that runs only when a mark has changed: a file's time, a key's. Lives as long as its handler.

    Threads that come while it runs go on without it; a run that fails is tried again by the next request.
    """

    def __init__(self, subject: Any, step: Handler, read: Callable[[Any], Any], interval: float) -> None:
        self.subject = subject
        self.step = step
        self.read = read
        self.interval = interval  # seconds between two looks at the mark
        self._seen: Any = self  # no mark is equal to this
        self._next_look = 0.0
        self._lock = threading.Lock()

    def __call__(self, was: Any) -> Any:
        return None if time.monotonic() < self._next_look else Inline(self._look(was))

    async def _look(self, was: Any) -> Any:
        if not self._lock.acquire(blocking=False):
            return None
        try:
            mark = self.read(was)
            outcome = None
            if mark != self._seen:
                outcome = await called(self.step(was, self.subject))
                self._seen = mark
            self._next_look = time.monotonic() + self.interval
            return outcome
        finally:
            self._lock.release()


def _followed(hook: Handler | None, notice: Handler) -> Handler:
    async def run(was: Any) -> None:
        try:
            if hook is not None:
                await called(hook(was))
        finally:
            notice(was)

    return lambda was: Inline(run(was))


def _modified(path: str | os.PathLike[str]) -> int | None:
    """Return when a file changed, in nanoseconds, None while there is none."""
    try:
        return os.stat(path).st_mtime_ns
    except FileNotFoundError:
        return None


async def called(outcome: Any) -> Any:
    """Return what a hook returned, awaited when the hook is an `async def`."""
    return await settle(outcome) if isinstance(outcome, Awaitable) else outcome
