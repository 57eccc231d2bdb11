"""What waits to be told to other hosts: messages in their order, changes of one key made into one."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from .frames import Change

NUMBERS = ("set", "add")  # changes of numbers


@dataclass(eq=False, slots=True)
class Item:
    """One thing to tell. Lives until Redis has it."""

    what: str  # "message", or as in a Change
    name: str
    value: bytes | float | int
    seconds: float = 0.0  # of a "use"
    number: int = 0  # counts what this host tells, from 1; given when it is taken
    made: float = field(default_factory=time.monotonic)

    @property
    def stale(self) -> bool:
        """A use whose time has run out."""
        return self.what == "use" and time.monotonic() - self.made > self.seconds


class Outbox:
    """A queue. Lives as long as the main process; safe for threads.

    Of messages the oldest are dropped when more than `limit` bytes wait. Changes wait in any case, as they never are
    more than there are keys.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.lost = 0  # messages dropped
        self._waiting: deque[Item] = deque()
        self._open: dict[tuple[str, str], Item] = {}  # changes that may still take in another
        self._taken: list[Item] = []
        self._bytes = 0
        self._number = 0
        self._stopped = False
        self._change = threading.Condition()

    def message(self, body: bytes) -> None:
        """Add a message."""
        with self._change:
            self._waiting.append(Item("message", "", body))
            self._bytes += len(body)
            while self._bytes > self.limit and self._drop_oldest():
                self.lost += 1
            self._change.notify()

    def change(self, change: Change) -> bool:
        """Add a change; say whether it is told separately, not as part of one that waits."""
        with self._change:
            kind = "number" if change.what in NUMBERS else change.what
            item = self._open.get((kind, change.name))
            if item is not None:
                _merge(item, change)
                return False
            item = Item(change.what, change.name, change.value, change.seconds)
            self._open[kind, change.name] = item
            self._waiting.append(item)
            self._change.notify()
            return True

    def take(self, most: int, timeout: float) -> list[Item]:
        """Return the next items, in their order, and keep them as taken; empty when none comes in time."""
        with self._change:
            if not (self._waiting or self._taken or self._stopped):
                self._change.wait(timeout)
            while self._waiting and len(self._taken) < most:
                item = self._waiting.popleft()
                if isinstance(item.value, bytes):
                    self._bytes -= len(item.value)
                else:
                    self._open.pop(("number" if item.what in NUMBERS else item.what, item.name), None)
                if item.stale:
                    continue
                self._number += 1
                item.number = self._number
                self._taken.append(item)
            return list(self._taken)

    def done(self) -> None:
        """What was taken is told."""
        with self._change:
            self._taken.clear()

    def untold(self, name: str) -> list[Item]:
        """Return the changes of a number that Redis may not have."""
        with self._change:
            return [item for item in self._all() if item.name == name and item.what in NUMBERS]

    def wake(self) -> None:
        """Let `take` return at once from now on."""
        with self._change:
            self._stopped = True
            self._change.notify_all()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._taken)

    def _all(self) -> Iterator[Item]:
        yield from self._taken
        yield from self._waiting

    def _drop_oldest(self) -> bool:
        for place, item in enumerate(self._waiting):
            if isinstance(item.value, bytes):
                del self._waiting[place]
                self._bytes -= len(item.value)
                return True
        return False


def _merge(item: Item, change: Change) -> None:
    """Make a change part of one of the same key that waits."""
    assert not isinstance(item.value, bytes)
    if change.what in ("add", "use"):
        item.value += change.value
    else:
        item.what, item.value = change.what, change.value
