"""A WebSocket whose handshake an RSGI server answered and whose connection we took over from it.

Granian's own transport sends no ping, closes without a code, takes no limit, no subprotocol and no header fields.
After `accept()` it touches the connection only when asked to, so another descriptor of the same socket serves it here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from typing import Any

from ..http.duplex import Closed, Limits, Message, Outgoing
from ..http.headers import Pairs, check_field
from ..http.response import Response
from ..status import REASONS
from .framed import Beat, Framed

POSSIBLE = os.name == "posix"
NEAR = 16  # descriptors that are looked at before all are

Peer = tuple[str, int]  # address and port
Ends = tuple[Peer, int]  # of a connection: the client's, and our port


class Claims:
    """The sockets that were taken over in this process. Lives as long as the adapter.

    A connection's descriptor is the one whose ends are the handshake's. It is looked for among those that were opened
    last, then among all, and what is met there is remembered: when many clients come at once, one look serves them all.
    """

    def __init__(self) -> None:
        self.beat = Beat()
        self._taken: set[int] = set()  # the server's descriptors of them
        self._seen: dict[Ends, int] = {}  # descriptors that were met while another was looked for

    def claim(self, scope: Any, proto: Any) -> Claimed | None:
        """Return the connection of a handshake, None when it cannot be had: over TLS say, or on Windows."""
        if not POSSIBLE or scope.scheme in ("https", "wss"):
            return None
        try:
            found = self.hold((_address(scope.client), _address(scope.server)[1]))
        except OSError:  # the process has too many open, or the client went away this moment
            return None
        return Claimed(self, proto, *found) if found is not None else None

    def hold(self, ends: Ends) -> tuple[socket.socket, int] | None:
        """Return the connection with these ends and the server's descriptor of it, None when it is no more."""
        descriptor = self.find(ends)
        if descriptor is None:
            return None
        held = socket.socket(fileno=os.dup(descriptor))
        if _ends_of(held.fileno()) == ends:
            return held, descriptor
        held.close()  # another's by the time it was duplicated
        return None

    def take(self, descriptor: int) -> None:
        self._taken.add(descriptor)

    def release(self, descriptor: int) -> None:
        self._taken.discard(descriptor)

    def find(self, ends: Ends) -> int | None:
        """Return the descriptor of the connection with these ends, None when it is no more."""
        descriptor = self._seen.pop(ends, None)
        if descriptor is not None and _ends_of(descriptor) == ends:
            return descriptor
        free = os.dup(0)  # the lowest that is free: new ones are right below it, while none is closed
        os.close(free)
        for descriptor in range(free - 1, max(free - NEAR, 2), -1):
            if descriptor not in self._taken and _ends_of(descriptor) == ends:
                return descriptor
        others = {int(name) for name in os.listdir("/dev/fd")} - self._taken
        self._seen = {met: descriptor for descriptor in others if (met := _ends_of(descriptor)) is not None}
        return self._seen.pop(ends, None)


def break_off(scope: Any) -> None:
    """End a client's connection in the middle of an answer whose rest will not come; from any thread.

    RSGI has no way to say so: the server would end the answer as if it were whole.
    """
    ends = _address(scope.client), _address(scope.server)[1]
    with contextlib.suppress(OSError):
        found = Claims().hold(ends) if POSSIBLE else None
        if found is not None:  # the client is still there
            with found[0] as held:
                held.shutdown(socket.SHUT_RDWR)


class Claimed:
    """One connection that was taken over, as a Duplex. Lives as long as the adapter's call for it."""

    def __init__(self, claims: Claims, proto: Any, held: socket.socket, descriptor: int) -> None:
        self.offered: Sequence[str] = ()
        self.status = 0
        self._claims = claims
        self._proto = proto
        self._held = held
        self._descriptor = descriptor
        self._transport: Any = None  # the server's, which would close the connection when it is forgotten
        self._framed: Framed | None = None

    @property
    def behind(self) -> int:
        return self._framed.behind if self._framed is not None else 0

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        held = self._held
        held.setblocking(False)
        loop = asyncio.get_running_loop()
        head = _head(subprotocol, headers)
        self.status = 101
        try:
            if head:
                await loop.sock_sendall(held, head)
            self._transport = await self._proto.accept()
            _, self._framed = await loop.connect_accepted_socket(lambda: Framed(limits, self._claims.beat), held)
        except (OSError, RuntimeError) as error:
            raise Closed(1006, "the client went away") from error
        self._claims.take(self._descriptor)

    async def refuse(self, response: Response) -> None:
        self.status = response.status
        self._held.setblocking(False)
        with contextlib.suppress(OSError):  # the client went away
            await asyncio.get_running_loop().sock_sendall(self._held, _refusal(response))
            self._held.shutdown(socket.SHUT_WR)  # the server's own answer has nowhere to go

    async def receive(self) -> Message:
        assert self._framed is not None, "accept comes before receive"
        return await self._framed.receive()

    def send(self, message: Message | Outgoing) -> None:
        if self._framed is not None:
            self._framed.send(message)

    async def drain(self) -> None:
        if self._framed is not None:
            await self._framed.drain()

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._framed is not None:
            self._framed.close(code, reason)

    def release(self) -> None:
        """Give the connection back, which is over; the server forgets it."""
        self._claims.release(self._descriptor)
        if self._framed is None:
            self._held.close()
        else:
            self._framed.drop(Closed(1006, "the app is done with it"))
        self._transport = self._proto = None


def _refusal(response: Response) -> bytes:
    """Return a whole answer, after which the connection ends."""
    body = response.body if isinstance(response.body, bytes) else b""
    ours = [("connection", "close"), ("content-length", str(len(body)))]
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, '')}"]
    for name, value in [*(pair for pair in response.headers if pair[0] not in _OURS), *ours]:
        check_field(name, value)
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


_OURS = ("connection", "content-length", "transfer-encoding")


def _head(subprotocol: str | None, headers: Pairs) -> bytes:
    """Return the begin of the answer, when it needs more than the server's: its own status line and its fields follow.

    The server's status line becomes the value of our last field.
    """
    fields = [*headers, *([("sec-websocket-protocol", subprotocol)] if subprotocol is not None else [])]
    if not fields:
        return b""
    lines = ["HTTP/1.1 101 Switching Protocols"]
    for name, value in fields:
        check_field(name, value)
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "x-upgraded-by: "]).encode("latin-1")


def _address(text: str) -> Peer:
    """Return the address and port of "10.0.0.9:5100" or "[::1]:5100", an IPv4 address in its own form."""
    host, _, port = text.rpartition(":")
    return _plain(host.strip("[]")), int(port)


def _ends_of(descriptor: int) -> Ends | None:
    """Return the client's address and port, and our port: a client may use one port of its own for several of ours."""
    with contextlib.suppress(OSError):
        held = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 0, descriptor)  # has room for either kind of address
        try:
            name = held.getpeername()
            return ((_plain(name[0]), name[1]), held.getsockname()[1]) if isinstance(name, tuple) else None
        finally:
            held.detach()
    return None


def _plain(host: str) -> str:
    if ":" not in host:
        return host
    address = ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
