"""One block of memory that the main process and its workers share, and the lock that guards it."""

from __future__ import annotations

import mmap
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from typing import Any, Literal, cast

try:
    import fcntl
except ImportError:  # Windows: there is one worker, and nothing to share
    fcntl = None  # type: ignore[assignment]  # not on Windows

_FIELDS = (
    "keys",  # places of each table of cells
    "rates",  # places of the table of rates
    "started",  # when the engine started, seconds since 1970
    "members",  # workers on the bus
    "joined",  # 1 when other hosts are on it too
    "away_since",  # since when Redis cannot be reached, seconds since 1970; 0 while it can
    "away_times",  # how often it could not
    "away_last",  # how many seconds it was away the last time
    "lost",  # messages that somebody was too slow for
    "secret",  # 53 bits that no client can guess
)
_PLACE = {name: number for number, name in enumerate(_FIELDS)}
_HEADER = 256  # bytes
_DIGEST, _NUMBER = 16, 8  # bytes
CELL = _DIGEST + _NUMBER
RATE = _DIGEST + 2 * _NUMBER


class Memory:
    """The block: a header, two tables of cells, a table of rates. Lives as long as its process.

    The main process makes it, workers open it by the descriptor that they inherit, so what it holds outlives every
    worker. The kernel frees the lock of a process that dies.
    """

    def __init__(self, descriptor: int | None, size: int = 0) -> None:
        self.descriptor = descriptor
        self.block = mmap.mmap(-1 if descriptor is None else descriptor, size)
        self._header = memoryview(self.block)[:_HEADER].cast("d")
        self._thread_lock = threading.Lock()

    @classmethod
    def make(cls, keys: int, rates: int, *, shared: bool = True) -> Memory:
        """Make a block for as many keys of each kind, and as many rates; `shared` with workers, or for this process."""
        size = _HEADER + 2 * (_NUMBER + keys * CELL) + rates * RATE
        descriptor = _file(size) if shared else None
        made = cls(descriptor, size)
        made.put("keys", keys)
        made.put("rates", rates)
        made.put("started", time.time())
        made.put("secret", secrets.randbits(53))
        return made

    def get(self, field: str) -> float:
        """Return a number of the header."""
        return self._header[_PLACE[field]]

    def put(self, field: str, value: float) -> None:
        """Set a number of the header; only the main process does."""
        self._header[_PLACE[field]] = value

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep all other threads and processes from changing the block."""
        with self._thread_lock:
            if fcntl is None or self.descriptor is None:
                yield
                return
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX, 1)
            try:
                yield
            finally:
                fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1)

    def digests(self, table: int) -> memoryview:
        """Return the digests of a table of cells' names."""
        start = self._table(table) + _NUMBER
        return memoryview(self.block)[start : start + self._keys * _DIGEST]

    def values(self, table: int, code: Literal["d", "q"]) -> MutableSequence[Any]:
        """Return the values of a table of cells, as doubles or as whole numbers."""
        start = self._table(table) + _NUMBER + self._keys * _DIGEST
        return cast("MutableSequence[Any]", memoryview(self.block)[start : start + self._keys * _NUMBER].cast(code))

    def count(self, table: int) -> memoryview:
        """Return the one number that says how many places of a table of cells are taken."""
        start = self._table(table)
        return memoryview(self.block)[start : start + _NUMBER].cast("q")

    def rates(self) -> memoryview:
        """Return the table of rates."""
        return memoryview(self.block)[self._table(2) :]

    @property
    def _keys(self) -> int:
        return int(self.get("keys"))

    def _table(self, number: int) -> int:
        return _HEADER + number * (_NUMBER + self._keys * CELL)


def _file(size: int) -> int:
    """Return the descriptor of a file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("skitai")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.truncate(descriptor, size)
    return descriptor
