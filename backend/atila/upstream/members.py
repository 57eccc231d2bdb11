"""Which server of an alias is next: by weight, and not one that was found down a moment ago."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from atila.alias import Alias, Member

REST = 10.0  # seconds for which a server that could not be reached is asked only when no other is left

_log = logging.getLogger("atila.upstream")


class Members:
    """The servers of one alias, in turn. Lives as long as the process; safe to use from any thread.

    A weight of 3 beside one of 1 gets three calls of four, spread evenly (the smooth weighted round robin of nginx).
    """

    def __init__(self, alias: Alias, rest: float = REST) -> None:
        self.alias = alias
        self.rest = rest
        self._scores = dict.fromkeys(range(len(alias.members)), 0)
        self._down: dict[int, float] = {}  # until when
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.alias.members)

    def order(self) -> Iterator[tuple[int, Member]]:
        """Yield the servers with their numbers: the one whose turn it is first, those to fall back on after it."""
        members = self.alias.members
        if len(members) == 1:
            yield 0, members[0]
            return
        with self._lock:
            now = time.monotonic()
            up = [number for number in self._scores if self._down.get(number, 0.0) <= now]
            first = self._next(up or list(self._scores))
        others = sorted(self._scores.keys() - {first}, key=lambda number: (number not in up, -members[number].weight))
        for number in (first, *others):
            yield number, members[number]

    def down(self, number: int) -> None:
        """Say that a server could not be reached. The first time is logged, until it answers again."""
        with self._lock:
            news = number not in self._down
            self._down[number] = time.monotonic() + self.rest
        if news:
            self._tell(logging.WARNING, number, "cannot be reached")

    def up(self, number: int) -> None:
        """Say that a server answered."""
        if number in self._down:
            with self._lock:
                self._down.pop(number, None)
            self._tell(logging.INFO, number, "answers again")

    def _tell(self, level: int, number: int, what: str) -> None:
        member = self.alias.members[number]
        if member.host:
            _log.log(level, "%s: %s port %d %s", self.alias.name, member.host, member.port, what)

    def _next(self, candidates: list[int]) -> int:
        members = self.alias.members
        for number in candidates:
            self._scores[number] += members[number].weight
        chosen = max(candidates, key=self._scores.__getitem__)
        self._scores[chosen] -= sum(members[number].weight for number in candidates)
        return chosen
