"""Numbers by name in shared memory: reading one is as cheap as reading a list."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Literal

from atila.errors import SettingError
from atila.platform import unknown_key

from .memory import Memory

Told = Callable[[str, str, float], None]  # what, name, value: a change that other hosts must hear of


class SharedCells:
    """A table of numbers; a name keeps its place as long as the engine runs. Lives as long as its process.

    Reading takes no lock: a number is eight bytes at an even place, which processors read and write in one piece.
    """

    code: Literal["d", "q"]
    table: int

    def __init__(self, memory: Memory, initial: float) -> None:
        self.memory = memory
        self.initial = initial
        self.tell: Told | None = None  # None when no other host need hear
        self._digests = memory.digests(self.table)
        self._values = memory.values(self.table, self.code)
        self._count = memory.count(self.table)
        self._places: dict[str, int] = {}

    def declare(self, *names: str) -> None:
        """Make names usable; what they hold already stays. Raises SettingError when the table is full."""
        with self.memory.locked():
            for name in names:
                self._places[name] = self._place(_digest(name))

    def read(self, name: str) -> float:
        """Return a number. Raises SettingError for a name that was not declared."""
        try:
            value: float = self._values[self._places[name]]
        except KeyError:
            raise unknown_key(name, self._places) from None
        return value

    @property
    def names(self) -> list[str]:
        """The names that this process knows."""
        return list(self._places)

    def _known(self, name: str) -> int:
        try:
            return self._places[name]
        except KeyError:
            raise unknown_key(name, self._places) from None

    def _place(self, digest: bytes) -> int:
        taken = self._count[0]
        for place in range(taken):
            if self._digests[place * 16 : place * 16 + 16] == digest:
                return place
        if taken == len(self._values):
            raise SettingError(f"there is room for {taken} shared keys; make more with run(shared_keys=…)")
        self._digests[taken * 16 : taken * 16 + 16] = digest
        self._values[taken] = self.initial
        self._count[0] = taken + 1
        return int(taken)

    def _say(self, what: str, name: str, value: float) -> None:
        if self.tell is not None:
            self.tell(what, name, value)


class SharedUpdates(SharedCells):
    """Times of the last update. A time only ever grows: whoever saw the one before sees that something changed."""

    code = "d"
    table = 0

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory, memory.get("started"))

    def write(self, name: str, value: float) -> None:
        """Set a time, to the next possible one when it is not later. Raises SettingError for an undeclared name."""
        self._say("stamp", name, self.grow(name, value))

    def put(self, name: str, value: float) -> None:
        """Set a time to just this one."""
        place = self._known(name)
        with self.memory.locked():
            self._values[place] = value

    def grow(self, name: str, value: float) -> float:
        """Set a time that came from elsewhere, to the next possible one when it is not later; return what it is now."""
        place = self._known(name)
        with self.memory.locked():
            grown: float = max(value, math.nextafter(self._values[place], math.inf))
            self._values[place] = grown
        return grown


class SharedNumbers(SharedCells):
    """Whole numbers of 64 bits."""

    code = "q"
    table = 1

    def __init__(self, memory: Memory) -> None:
        super().__init__(memory, 0)

    def write(self, name: str, value: float) -> None:
        """Set a number. Raises SettingError for an undeclared name, OverflowError for more than 64 bits."""
        self.put(name, value)
        self._say("set", name, value)

    def add(self, name: str, value: int) -> int:
        """Add to a number while nobody else can change it; return the sum. Raises SettingError, OverflowError."""
        place = self._known(name)
        with self.memory.locked():
            total = self._values[place] + value
            self._store(place, name, total)
        self._say("add", name, value)
        return int(total)

    def put(self, name: str, value: float) -> None:
        """Set a number that came from elsewhere."""
        place = self._known(name)
        with self.memory.locked():
            self._store(place, name, value)

    def _store(self, place: int, name: str, value: float) -> None:
        try:
            self._values[place] = value
        except ValueError:
            raise OverflowError(f"the shared number {name!r} has 64 bits; {value} needs more") from None


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()
