"""Broadcasts: events for every app of every process of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .bus import Bus
from .concurrency import adopt
from .events import Bus as Events

TOPIC = "atila:broadcast"


class Broadcaster:
    """Tells an event to every app, on behalf of one request or of what runs outside of them.

    The apps of this process are told before `send` returns, those of other processes soon after.
    """

    __slots__ = ("apps", "bus", "view")

    def __init__(self, apps: Mapping[str, Any], view: Callable[[Any], Any], bus: Bus) -> None:
        self.apps = apps
        self.view = view  # from an app to the was that its handlers get
        self.bus = bus

    def send(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Run what `on_broadcast` set for an event, in every app of every process.

        Raises TypeError for arguments that cannot travel, which are told in atila.bus.Bus.
        """
        self.bus.publish(TOPIC, (event, args, kwargs), here=False)
        for app in list(self.apps.values()):
            app.broadcasts.send(event, self.view(app), *args, **kwargs)


class Audience:
    """Runs one app's handlers of what other processes broadcast, one after the other, on a thread of their own.

    Lives as long as the app; listens from its start to its stop.
    """

    def __init__(self, events: Events, make_was: Callable[[], Any]) -> None:
        self.events = events
        self.make_was = make_was
        self._thread: ThreadPoolExecutor | None = None
        self._leave: Callable[[], None] = lambda: None

    def start(self, bus: Bus, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to listen."""
        self.stop()
        self._thread = ThreadPoolExecutor(1, "broadcasts", initializer=adopt, initargs=(loop,))
        self._leave = bus.subscribe(TOPIC, self._hear)

    def stop(self) -> None:
        """Stop listening; what was heard already is not run any more, except what runs now."""
        self._leave()
        self._leave = lambda: None
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    def _hear(self, message: Any) -> None:
        event, args, kwargs = message
        if self._thread is not None and self.events.handlers(event):
            self._thread.submit(self._run, event, args, kwargs)

    def _run(self, event: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        self.events.send(event, self.make_was(), *args, **kwargs)
