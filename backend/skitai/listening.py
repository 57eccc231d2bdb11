"""The listening sockets: opened once by the main process, inherited by the workers, which come and go."""

from __future__ import annotations

import os
import socket
import sys

INHERITED = os.name == "posix"  # elsewhere the only worker opens the port itself
BACKLOG = 2048  # connections that wait until a worker takes them, on each socket
_DEALT = sys.platform == "linux"  # the kernel deals connections out among sockets of one port
_SILENCE = 3  # seconds that Linux waits for a connection's first bytes before it gives it to a worker nevertheless


class PortError(Exception):
    """A port cannot be listened on: one sentence that says why, and what to do."""


class Listeners:
    """The sockets of one port. They live as long as the main process, so that no connection is lost with a worker.

    A worker and the one that replaces it serve from the same socket. On Linux each place of a worker has a socket of
    its own: from a common one the quickest worker would take nearly every connection. Elsewhere they share one.
    """

    def __init__(self, sockets: list[socket.socket]) -> None:
        self._sockets = sockets

    def descriptor(self, slot: int) -> int:
        """Return the descriptor of the socket that the worker at a place serves from."""
        return self._sockets[slot % len(self._sockets)].fileno()

    def rest(self, slot: int) -> None:
        """Leave new connections to the other places until the next worker at this one listens again."""
        # One that rests already is left alone: Linux would hand its "shut down" on to every connection that the next
        # worker accepts, and each would end as soon as its request has been read.
        chosen = self._sockets[slot % len(self._sockets)]
        if len(self._sockets) > 1 and chosen.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            chosen.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Let go of the sockets; the port closes when the last worker has let go of them too."""
        for each in self._sockets:
            each.close()


def listen(address: str, port: int, workers: int) -> Listeners:
    """Open a port for a number of workers. Raises PortError when it is taken or the address is not ours."""
    many = workers > 1 and _DEALT
    refused = why_not(address, port) if many else None  # sockets that share a port would join another engine's, too
    if refused is not None:
        raise PortError(refused)
    sockets: list[socket.socket] = []
    try:
        for _ in range(workers if many else 1):
            sockets.append(_bound(address, port, shared=many))
            _open(sockets[-1])
    except OSError as error:
        Listeners(sockets).close()
        raise PortError(_sentence(address, port, error)) from error
    return Listeners(sockets)


def why_not(address: str, port: int) -> str | None:
    """Return one sentence saying why a port cannot be listened on, or None when it can."""
    try:
        _bound(address, port).close()
    except OSError as error:
        return _sentence(address, port, error)
    return None


def _bound(address: str, port: int, *, shared: bool = False) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there the option means sharing a port, not reusing a closed one
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def _open(bound: socket.socket) -> None:
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    if sys.platform == "linux":  # a worker that stops has no connection whose request is still on its way
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _SILENCE)
    bound.setblocking(False)
    bound.listen(BACKLOG)


def _sentence(address: str, port: int, error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"cannot listen on {address}, port {port}: {reason}. Stop what uses it, or choose another port"
