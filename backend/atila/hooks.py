"""What an app runs around every request, and around one handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from .concurrency import settle
from .routing.route import AnyHandler, Handler, declarations


class Hooks:
    """The four functions around every request; a later one takes the place of an earlier. Lives as long as the app.

    Order: before_request, the handler, then finish_request or failed_request, and always teardown_request.
    """

    def __init__(self) -> None:
        self.before: Handler | None = None
        self.finish: Handler | None = None
        self.failed: Handler | None = None
        self.teardown: Handler | None = None

    def before_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run first; a true result is the answer, and no handler is asked."""
        self.before = hook
        return hook

    def finish_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run after a handler that succeeded."""
        self.finish = hook
        return hook

    def failed_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was, exc_info)` to run after an exception; a result is the answer, else the exception goes on."""
        self.failed = hook
        return hook

    def teardown_request(self, hook: AnyHandler) -> AnyHandler:
        """Set `f(was)` to run last, whatever happened."""
        self.teardown = hook
        return hook

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


async def called(outcome: Any) -> Any:
    """Return what a hook returned, awaited when the hook is an `async def`."""
    return await settle(outcome) if isinstance(outcome, Awaitable) else outcome
