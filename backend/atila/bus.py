"""What processes tell each other: messages by topic, and the same inside one process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

Callback = Callable[[Any], None]

_log = logging.getLogger("atila.bus")


class Bus(Protocol):
    """Messages by topic, to every process of an engine and of the engines it is joined with.

    A message is what MessagePack carries: None, booleans, whole numbers of 64 bits, floats, text, bytes, times with a
    zone, lists and dictionaries of these; tuples and sets arrive as lists. The messages of one publisher arrive in
    their order, each once.
    """

    def publish(self, topic: str, message: Any, *, here: bool = True) -> None:
        """Send a message to all subscribers of a topic; with `here=False` only to those of other processes.

        Returns at once, from any thread. Raises TypeError for a message that cannot travel, ValueError for one that is
        too long.
        """

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Call `callback(message)` on the event loop of this process; it must not block. The result ends it."""

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which loop callbacks run on. Until then they run where a message is published."""

    def health(self) -> dict[str, Any]:
        """Tell how the bus is: "status" is "ok" or "away", "kind" is "local", "embedded" or "redis"."""


class Subscriptions:
    """Who is called for which topic. Lives as long as its bus; safe for threads."""

    def __init__(self) -> None:
        self._callbacks: dict[str, tuple[Callback, ...]] = {}
        self._lock = threading.Lock()

    def add(self, topic: str, callback: Callback) -> Callable[[], None]:
        """Add a callback; the result takes it out again, also when it is called twice."""

        def called(message: Any) -> None:
            callback(message)

        def end() -> None:
            with self._lock:
                left = tuple(each for each in self._callbacks.get(topic, ()) if each is not called)
                if left:
                    self._callbacks[topic] = left
                else:
                    self._callbacks.pop(topic, None)

        with self._lock:
            self._callbacks[topic] = (*self._callbacks.get(topic, ()), called)
        return end

    def __contains__(self, topic: str) -> bool:
        return topic in self._callbacks

    def call(self, topic: str, message: Any) -> None:
        """Call those of a topic; one that fails is logged and stops nothing."""
        for callback in self._callbacks.get(topic, ()):
            try:
                callback(message)
            except Exception:  # noqa: BLE001 - whatever a subscriber raises: it is said, and the others are called
                _log.exception("bus: a subscriber of %r failed", topic)


class LocalBus:
    """A Bus inside one process. What it delivers was encoded and decoded, as elsewhere. Lives as long as its
    platform."""

    def __init__(self) -> None:
        self.subscriptions = Subscriptions()
        self.loop: asyncio.AbstractEventLoop | None = None

    def publish(self, topic: str, message: Any, *, here: bool = True) -> None:
        encoded = encode(topic, message)
        if here:
            self.deliver(encoded)

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        return self.subscriptions.add(topic, callback)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def health(self) -> dict[str, Any]:
        return {"status": "ok", "kind": "local", "members": 1}

    def deliver(self, encoded: bytes) -> None:
        """Call the subscribers of an encoded message, soon when there is a loop, else now."""
        topic, message = decode(encoded)
        if topic not in self.subscriptions:
            return
        if self.loop is None or self.loop.is_closed():
            self.subscriptions.call(topic, message)
        else:
            self.loop.call_soon_threadsafe(self.subscriptions.call, topic, message)


def encode(topic: str, message: Any) -> bytes:
    """Return a topic and its message as bytes. Raises TypeError for a message that cannot travel."""
    try:
        return msgspec.msgpack.encode((topic, message))
    except (TypeError, OverflowError, ValueError) as error:
        raise TypeError(f"bus: a message of {topic!r} cannot be sent: {error}") from error


def decode(encoded: bytes) -> tuple[str, Any]:
    """Return the topic and the message that `encode` was given."""
    topic, message = msgspec.msgpack.decode(encoded)
    return topic, message
