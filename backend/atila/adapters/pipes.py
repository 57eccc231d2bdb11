"""Bodies at their client's pace: the server reads them from a pipe as it reads files, and a full pipe waits.

Granian takes what `response_stream` is given at once, however slowly the client reads: of 300 MB that nobody read, a
worker kept 300 MB. A file it reads piece by piece, and to it the end of a pipe is one.
"""

from __future__ import annotations

import asyncio
import os
import struct
import sys

from ..http.response import Stream

MOST = 128  # at once: while its pipe is empty, each may hold one of the server's 512 threads for files
OPENING = 10.0  # seconds the server may take to open a pipe that has everything already
_SIZE = 1024 * 1024  # bytes that a pipe holds
_FOLDER = "/proc/self/fd"  # where an open pipe has a name


class Pipes:
    """The pipes of one adapter. Used on its event loop; lives as long as it."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most if os.path.isdir(_FOLDER) else 0  # Linux only
        self.count = 0

    def open(self, body: Stream) -> Pipe | None:
        """Return a new pipe for a body that asks for pace, or None where there are none, too many, or it is short."""
        if not body.paced or self.count >= self.most or (body.length is not None and body.length <= _SIZE):
            return None
        return Pipe(self)


class Pipe:
    """One pipe. Lives as long as the answer that goes through it."""

    def __init__(self, owner: Pipes) -> None:
        self._owner = owner
        self._reader, self._writer = os.pipe()
        owner.count += 1
        self._shared = True  # we have the reading end too, for the server may not have opened it yet
        self._written = 0
        os.set_blocking(self._writer, False)
        _widen(self._writer)

    @property
    def path(self) -> str:
        """The name under which the server opens the reading end."""
        return f"{_FOLDER}/{self._reader}"

    async def send(self, piece: bytes) -> None:
        """Write a piece, and wait while the pipe is full. Raises OSError when nobody reads any more."""
        rest = memoryview(piece)
        while rest:
            try:
                size = os.write(self._writer, rest)
            except BlockingIOError:
                await self._writable()
                continue
            self._written += size
            rest = rest[size:]
            self._let_go()

    async def opened(self) -> None:
        """Wait until the server reads: before that, the pipe may not be closed."""
        pause, waited = 0.001, 0.0
        while self._shared and waited < OPENING:
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 0.1)
            self._let_go()

    def close(self) -> None:
        """Close what is open of it; the server reads what is left in it."""
        self._owner.count -= 1
        os.close(self._writer)
        if self._shared:
            os.close(self._reader)

    def _let_go(self) -> None:
        """Close our reading end once the server has read from its own: so we learn when that is closed."""
        if self._shared and (_unread(self._reader) < self._written or (not self._written and self._is_held())):
            self._shared = False
            os.close(self._reader)

    def _is_held(self) -> bool:
        """Say whether a third descriptor of this process, the server's, is this pipe."""
        wanted = os.fstat(self._reader).st_ino
        return sum(_inode(name) == wanted for name in os.listdir(_FOLDER)) > 2

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._writer, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(self._writer)


def _inode(name: str) -> int:
    try:
        return os.stat(f"{_FOLDER}/{name}").st_ino
    except OSError:  # closed meanwhile
        return 0


def _unread(descriptor: int) -> int:
    import fcntl
    import termios

    size: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))[0]
    return size


def _widen(descriptor: int) -> None:
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _SIZE)
        except OSError:
            return  # the user has had enough of them; it works with the usual 64 KB too
