"""How often something was done lately, in shared memory, for limits that hold across workers."""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Callable

from .memory import RATE, Memory

_ENTRY = struct.Struct("16sdq")  # digest of the key; when its count ends, on the monotonic clock; the count
_WAYS = 8  # places that a key may have; the one that ends first makes room for a new key


class SharedRates:
    """A table of counts that end. It never grows: of very many keys the ones that end first are forgotten early.

    Lives as long as its process.
    """

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.tell: Callable[[str, float], None] | None = None  # digest and seconds; None when no other host need hear
        self._table = memory.rates()
        # Where keys stand is a secret: clients, who choose many of them, could else crowd out the count of one.
        self._secret = struct.pack("d", memory.get("secret"))
        self._sets = max(1, int(memory.get("rates")) // _WAYS)

    def use(self, key: str, limit: int, seconds: float) -> tuple[int, float]:
        """Count one use of a key. Return how many are left of `limit` within `seconds` after the first one.

        Beside it stand the seconds to wait when there is none: then it is -1 and nothing was counted.
        """
        digest = hashlib.blake2b(key.encode(), digest_size=16).digest()
        now = time.monotonic()
        with self.memory.locked():
            place, end, count = self._find(digest, now)
            if count >= limit:
                return -1, max(0.0, end - now)
            self._write(place, digest, end or now + seconds, count + 1)
        if self.tell is not None:
            self.tell(digest.hex(), seconds)
        return limit - count - 1, 0.0

    def count(self, key: str, uses: int, seconds: float) -> None:
        """Add uses that happened on another host, of the key with this digest in hexadecimal."""
        digest = bytes.fromhex(key)
        now = time.monotonic()
        with self.memory.locked():
            place, end, count = self._find(digest, now)
            self._write(place, digest, end or now + seconds, count + uses)

    def _find(self, digest: bytes, now: float) -> tuple[int, float, int]:
        """Return a key's place, when its count ends, and the count; end and count are 0 when it has none."""
        mixed = hashlib.blake2b(digest, digest_size=8, key=self._secret).digest()
        first = int.from_bytes(mixed, "little") % self._sets * _WAYS
        oldest, oldest_end = first, float("inf")
        for place in range(first, first + _WAYS):
            found, end, count = _ENTRY.unpack_from(self._table, place * RATE)
            if found == digest:
                return (place, end, count) if end > now else (place, 0.0, 0)
            if end < oldest_end:
                oldest, oldest_end = place, end
        return oldest, 0.0, 0

    def _write(self, place: int, digest: bytes, end: float, count: int) -> None:
        _ENTRY.pack_into(self._table, place * RATE, digest, end, count)
