"""Changes of photos, told to whoever is watching, in whichever process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import Any, Literal

import msgspec

from app.services.photos.photo import Photo
from atila.bus import Bus, LocalBus

TOPIC = "photos"
BACKLOG = 256  # changes that wait for one slow watcher; one more ends its watch
Kind = Literal["created", "updated", "deleted"]


class Change(msgspec.Struct, frozen=True):
    """One photo changed; of a deleted one this is how it was."""

    kind: Kind
    photo: Photo


class Watch:
    """One watcher's queue. Lives from `Feed.watch` until its block ends."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.overrun = False  # it was too slow, and changes were lost to it
        self.on_news: Callable[[], object] = lambda: None  # called, from any thread, when something was offered
        self._changes: Queue[Change] = Queue(BACKLOG)

    def offer(self, change: Change) -> None:
        try:
            self._changes.put_nowait(change)
        except Full:
            self.overrun = True
        self.on_news()

    def next(self, timeout: float) -> Change | None:
        """The next change, or None when none comes within `timeout` seconds; 0 does not wait."""
        try:
            return self._changes.get(timeout=timeout)
        except Empty:
            return None


class Follower:
    """Somebody who is called for each change. Lives from `Feed.follow` until the end that it returned was called."""

    def __init__(self, user_id: int, offer: Callable[[Change], None]) -> None:
        self.user_id = user_id
        self.offer = offer


class Feed:
    """Hands each change to the watchers of its user. Lives as long as the process; safe to use from all threads.

    It reaches the watchers of this process, and once it has joined a bus those of all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: set[Watch | Follower] = set()
        self._bus: Bus = LocalBus()
        self._leave = self._bus.subscribe(TOPIC, self._hear)

    def join(self, bus: Bus) -> Callable[[], None]:
        """Tells changes over a bus from now on, and hears of others' there; the result ends that."""
        self._leave()
        self._bus, self._leave = bus, bus.subscribe(TOPIC, self._hear)
        return self._leave

    def publish(self, change: Change) -> None:
        """Tells it to everybody who watches that user; never waits for anybody."""
        self._bus.publish(TOPIC, msgspec.to_builtins(change))

    def _hear(self, message: Any) -> None:
        change = msgspec.convert(message, Change)
        with self._lock:
            interested = [watch for watch in self._watches if watch.user_id == change.photo.user_id]
        for watch in interested:
            watch.offer(change)

    @contextmanager
    def watch(self, user_id: int) -> Iterator[Watch]:
        """Collects the changes of one user's photos while the block runs."""
        watch = Watch(user_id)
        with self._lock:
            self._watches.add(watch)
        try:
            yield watch
        finally:
            with self._lock:
                self._watches.discard(watch)

    def follow(self, user_id: int, tell: Callable[[Change], None]) -> Callable[[], None]:
        """Calls `tell`, which must not block, with each change of one user's photos; the result ends that."""
        follower = Follower(user_id, tell)
        with self._lock:
            self._watches.add(follower)

        def end() -> None:
            with self._lock:
                self._watches.discard(follower)

        return end

    @property
    def watchers(self) -> int:
        """How many are watching now."""
        return len(self._watches)
