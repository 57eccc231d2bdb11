"""Replies of upstreams, kept in memory for the same call."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from .task import Reply


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply, when it was kept, and until when it may be used: seconds since 1970."""

    reply: Reply[Any]
    size: int
    since: float
    until: float


class Cache:
    """Replies by what was asked. Lives as long as the process; the ones used longest ago give way."""

    def __init__(self) -> None:
        self.size = 0  # bytes of the bodies
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: Hashable, use: bool | float) -> Reply[Any] | None:
        """Return the reply of a key. `use` is False for none, or a time: it must have been kept after that."""
        if use is False or not self._kept:
            return None
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            if kept.until < time.time():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
        return kept.reply if use is True or kept.since > use else None

    def keep(self, key: Hashable, reply: Reply[Any], size: int, seconds: float, limit: int) -> None:
        """Keep a reply of `size` bytes for some seconds, in `limit` bytes for all; one larger than that is not kept."""
        if size > limit or seconds <= 0:
            return
        now = time.time()
        with self._lock:
            if key in self._kept:
                self._drop(key)
            while self._kept and self.size + size > limit:
                self._drop(next(iter(self._kept)))
            self._kept[key] = Kept(reply, size, now, now + seconds)
            self.size += size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.size = 0

    def _drop(self, key: Hashable) -> None:
        self.size -= self._kept.pop(key).size


@dataclass(frozen=True, slots=True)
class Place:
    """Where the reply of one call is kept: a task's keeper."""

    cache: Cache
    key: Hashable
    limit: int  # bytes for all replies

    def keep(self, reply: Reply[Any], seconds: float) -> None:
        """Keep the reply of this call."""
        self.cache.keep(self.key, reply, reply.size, seconds, self.limit)
