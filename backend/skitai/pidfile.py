"""Which process is the engine's main one: a locked file, so that a number left by a dead process means nothing."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import msgspec

if sys.platform != "win32":  # there the number alone must do
    import fcntl

_TRIES = 20  # looks at a file that somebody else reads or writes this very moment
_PAUSE = 0.01  # seconds between them


class Running(msgspec.Struct):
    """What the file tells of the process that holds it."""

    pid: int
    started: float  # seconds since 1970
    background: bool = False  # it was started with -d
    addresses: list[str] = []  # what it serves; none before it does
    workers: int = 1


class PidFile:
    """The file. Held by the main process as long as it lives; anybody who may may read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._folder: int | None = None

    def hold(self, running: Running) -> bool:
        """Lock the file and write it. Returns False when another process holds it. Raises OSError."""
        for _ in range(_TRIES):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            if _lock(descriptor) and _is_still(self.path, descriptor):
                self._descriptor = descriptor
                self._folder = _keep(self.path.parent)
                self.write(running)
                return True
            os.close(descriptor)
            time.sleep(_PAUSE)
        return False

    def write(self, running: Running) -> None:
        """Write what is told now; without a lock nothing is."""
        if self._descriptor is not None:
            data = msgspec.json.encode(running)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            os.write(self._descriptor, data)
            os.ftruncate(self._descriptor, len(data))

    def release(self) -> None:
        """Remove the file, if it is ours."""
        if self._descriptor is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def read(self) -> Running | None:
        """Return what holds the file, or None when nothing does."""
        for _ in range(_TRIES):
            try:
                descriptor = os.open(self.path, os.O_RDWR)
            except OSError:
                return None
            try:
                if sys.platform != "win32" and _lock(descriptor):
                    return None  # whoever wrote it is gone
                return msgspec.json.decode(os.read(descriptor, 65536), type=Running)
            except msgspec.DecodeError:
                time.sleep(_PAUSE)  # it is being written
            finally:
                os.close(descriptor)
        return None


def _keep(folder: Path) -> int | None:
    """Hold a folder, so that systemd-tmpfiles, which empties /tmp of what is old, leaves it alone (tmpfiles.d(5))."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def _lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_still(path: Path, descriptor: int) -> bool:
    """Say whether the path leads to the open file, and not to one that was made after this one was removed."""
    with contextlib.suppress(OSError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False
