"""Locks by name that one process at a time holds, among all processes of an engine on one machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
import time
from pathlib import Path
from typing import Self

if sys.platform != "win32":  # there one process serves, so the thread's lock does
    import fcntl

_PAUSE = 0.005  # seconds between tries while a timeout runs


class Locks:
    """The locks of one platform. Lives as long as the process.

    With a folder each name is a file in it, locked by the system: it is free again when its holder dies, however it
    does. Without one the locks are of this process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._guard = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def get(self, name: str = "main") -> Lock:
        """Return a lock of a name, to be used once or many times."""
        with self._guard:
            inner = self._locks.setdefault(name, threading.Lock())
        if self.folder is None or sys.platform == "win32":
            return Lock(inner, None)
        return Lock(inner, self.folder / hashlib.sha256(name.encode()).hexdigest()[:32])


class Lock:
    """One use of a lock: `with was.get_lock("import"): …`, in async handlers `async with`. It does not nest."""

    def __init__(self, inner: threading.Lock, path: Path | None) -> None:
        self._inner = inner  # among the threads of this process
        self._path = path  # among processes
        self._descriptor: int | None = None

    def acquire(self, timeout: float | None = None) -> bool:
        """Wait for the lock, at most `timeout` seconds if given; return whether we have it. Raises OSError."""
        began = time.monotonic()
        if not self._inner.acquire(timeout=-1 if timeout is None else timeout):
            return False
        try:
            rest = None if timeout is None else timeout - (time.monotonic() - began)
            self._descriptor = None if self._path is None else _locked(self._path, rest)
        except BaseException:
            self._inner.release()
            raise
        if self._path is not None and self._descriptor is None:
            self._inner.release()
            return False
        return True

    def release(self) -> None:
        """Let the next one have it. Raises RuntimeError when nobody holds it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
        self._inner.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.acquire)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()


def _locked(path: Path, timeout: float | None) -> int | None:
    """Return the descriptor that holds a file's lock, None when the time is over."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if sys.platform == "win32":
        return descriptor
    try:
        if timeout is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return descriptor
        end = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    os.close(descriptor)
                    return None
                time.sleep(_PAUSE)
            else:
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise
