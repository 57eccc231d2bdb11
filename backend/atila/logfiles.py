"""Files that lines are written to by several processes at once, begun anew each day or when they grow large."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

if sys.platform != "win32":  # there one process writes
    import fcntl

Period = Literal["hourly", "daily", "weekly", "never"]

# The number of the hour, day or week (from Monday) that a time in seconds lies in, in UTC as the lines' own times.
PERIODS: dict[str, Callable[[float], int]] = {
    "hourly": lambda seconds: int(seconds // 3600),
    "daily": lambda seconds: int(seconds // 86400),
    "weekly": lambda seconds: int((seconds // 86400 + 3) // 7),
    "never": lambda seconds: 0,
}
LOOK = 1.0  # seconds between looks at whether a file is to be begun anew, or was by another process


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is begun anew, and how many old ones stay: `request.log.1` is the newest of them."""

    period: Period = "daily"
    size: int = 100_000_000  # bytes; 0 is no limit
    keep: int = 14

    def due(self, state: os.stat_result, began: int) -> bool:
        """Say whether a file that was begun in a period has had its time or is full; never on Windows, where a file
        that is open cannot be renamed."""
        if not state.st_size or sys.platform == "win32":
            return False
        return PERIODS[self.period](time.time()) != began or 0 < self.size <= state.st_size


class LogFile:
    """One file, open for appending. Lives as long as the process; every process that writes has one of its own.

    A line is one write to a descriptor opened with O_APPEND, so lines of several processes do not mix. Whoever sees
    first that the file is due renames it; the others notice within a second and follow, and what they wrote meanwhile
    is in the renamed file. So does everybody when another program (logrotate) renames it.
    """

    def __init__(self, path: Path, rotation: Rotation | None = None, *, standard: bool = False) -> None:
        self.path = path
        self.rotation = rotation or Rotation()
        self.descriptors = (1, 2) if standard else ()  # those that mean this file too: standard output and error
        path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = _opened(path)
        self._began = PERIODS[self.rotation.period](os.fstat(self.descriptor).st_mtime)
        self._next_look = 0.0
        self.tend()

    def write(self, line: bytes) -> None:
        """Write a line, from any thread. Raises OSError."""
        os.write(self.descriptor, line)

    def tend(self) -> None:
        """Begin the file anew when that is due, and follow when another process has. Raises OSError."""
        self._next_look = time.monotonic() + LOOK
        if self._is_current(state := os.fstat(self.descriptor)) and self.rotation.due(state, self._began):
            with _alone(self.descriptor):
                if self._is_current(state):  # nobody else was quicker
                    self._shift()
        if not self._is_current(os.fstat(self.descriptor)):
            self._follow()
        self._began = PERIODS[self.rotation.period](time.time())

    def tend_at_times(self) -> None:
        """The same, once a second at most; for whoever has no clock. Raises OSError."""
        if time.monotonic() >= self._next_look:
            self.tend()

    def close(self) -> None:
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _is_current(self, state: os.stat_result) -> bool:
        try:
            return os.path.samestat(self.path.stat(), state)
        except FileNotFoundError:
            return False

    def _shift(self) -> None:
        """Rename the file to `.1`, `.1` to `.2` and so on; the last one goes."""
        old = [self.path.with_name(f"{self.path.name}.{number}") for number in range(1, self.rotation.keep + 1)]
        for before, after in reversed(list(pairwise(old))):
            if before.exists():
                before.replace(after)
        if old:
            self.path.replace(old[0])
        else:
            self.path.unlink()

    def _follow(self) -> None:
        """Let the descriptors that are in use lead to the file that has the name now."""
        fresh = _opened(self.path)
        for each in (self.descriptor, *self.descriptors):
            os.dup2(fresh, each, inheritable=each in self.descriptors)
        os.close(fresh)


class LogFileHandler(logging.Handler):
    """Writes records to a LogFile, each with one write."""

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.file.tend_at_times()
            self.file.write(self.format(record).encode("utf-8", "backslashreplace") + b"\n")
        except Exception:  # noqa: BLE001 - as every handler of logging: a full disk must not fail requests
            self.handleError(record)

    def close(self) -> None:
        super().close()
        with contextlib.suppress(OSError):
            self.file.close()


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


@contextlib.contextmanager
def _alone(descriptor: int) -> Iterator[None]:
    """Let one process at a time rename the file that a descriptor leads to."""
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
