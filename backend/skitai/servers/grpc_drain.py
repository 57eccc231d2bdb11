"""Leaving without losing a call: clients are asked to go elsewhere before grpcio stops.

grpcio, told to stop, cancels the calls it has not begun and those that come until its clients heard of it (grpc/grpc
issue 41785). So they hear of it before: by the frame that HTTP/2 has for that, GOAWAY, whose "last stream" lets
everything under way go on (RFC 9113, section 6.8). grpcio has no call for it; the frame is written beside it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator

from .grpc_threads import CallThreads

if sys.platform == "linux":
    import fcntl
    import termios

POSSIBLE = sys.platform == "linux"
PATIENCE = 1.0  # seconds that clients get to go: those with running calls stay as long as these last
CROWD = 0.5  # seconds within which there should be a moment in which nobody waits at the port
ROUND = 0.02  # seconds between two looks at who is there; grpcio has greeted a new connection by then
PAUSE = 0.05  # seconds within which running calls should end, so that no answer is being written
QUIET = 0.005  # seconds after which what they wrote has left

GOAWAY = b"\0\0\x08\x07\0" + bytes(4) + b"\x7f\xff\xff\xff" + bytes(4)  # 8 bytes; every stream goes on; no error


class Drain:
    """The way out of one plain port. Lives until its clients went or the time is over."""

    def __init__(self, port: int, threads: CallThreads, patience: float = PATIENCE) -> None:
        self._port = port
        self._threads = threads
        self._end = time.monotonic() + patience
        self._told: set[str] = set()  # clients by their addresses

    def run(self, told: Callable[[], None]) -> None:
        """Take no new connection and see the others off; `told` is called when all of them have been asked."""
        self._close_port()
        known: set[str] = set()
        while time.monotonic() < self._end:
            time.sleep(ROUND)
            here = {client for client, _ in self._connections()}
            if new := (here & known) - self._told:
                self._tell(new)
            if here <= self._told:
                told()
            if not here:
                return
            known = here

    def _close_port(self) -> None:
        """Give grpcio a socket that nobody knows for the one it listens on: others at the port get what comes now."""
        listening = [fd for fd, held in self._sockets() if held.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
        for descriptor in listening:
            with socket.socket(socket.AF_UNIX) as unknown:
                unknown.bind("")  # to a name that Linux chooses
                unknown.listen(1)
                unknown.setblocking(False)  # so grpcio, when it looks just now, finds that nobody has come
                _when_all_are_in(descriptor)
                os.dup2(unknown.fileno(), descriptor, inheritable=False)

    def _connections(self) -> Iterator[tuple[str, socket.socket]]:
        for _, held in self._sockets():
            with contextlib.suppress(OSError):  # it has just gone
                yield str(held.getpeername()), held

    def _tell(self, clients: set[str]) -> None:
        """Send the frame where no other can be half written; who is left out is asked in the next round."""
        with self._threads.paused(PAUSE):
            time.sleep(QUIET)
            for client, held in self._connections():
                if client in clients and _flows(held):
                    with contextlib.suppress(OSError):  # the next round shows whether it has gone
                        held.send(GOAWAY, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                        self._told.add(client)

    def _sockets(self) -> Iterator[tuple[int, socket.socket]]:
        """Yield this process's descriptors at the port, each with a socket to look at it until the next one."""
        for name in os.listdir("/dev/fd"):
            with contextlib.suppress(OSError):  # it was closed this moment
                if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                    continue
                with socket.socket(fileno=os.dup(int(name))) as held:
                    if held.type == socket.SOCK_STREAM and _port_of(held) == self._port:
                        yield int(name), held


def _when_all_are_in(descriptor: int) -> None:
    """Return the moment in which a listening socket has let everybody in: who waits at its door would be thrown out."""
    listening, end = socket.socket(fileno=descriptor), time.monotonic() + CROWD
    try:
        while any(listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)[24:]) and time.monotonic() < end:
            time.sleep(0)
    finally:
        listening.detach()  # it is grpcio's


def _port_of(held: socket.socket) -> int | None:
    """Return our port, None where it is of another kind: a UNIX socket has a name."""
    return held.getsockname()[1] if held.family in (socket.AF_INET, socket.AF_INET6) else None


def _flows(held: socket.socket) -> bool:
    """Return whether the send buffer has room: a frame is cut in two only where it was full."""
    waiting = int.from_bytes(fcntl.ioctl(held, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    return waiting * 4 < held.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
