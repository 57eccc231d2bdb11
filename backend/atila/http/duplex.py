"""A connection that carries messages both ways, as an adapter offers it: first a handshake, then an open WebSocket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .headers import Pairs
from .response import Response

Message = str | bytes  # a text message, or a binary one


class Closed(Exception):  # noqa: N818 - no error: it is how every connection ends
    """The connection is over: with which code (RFC 6455 7.4), and the reason that was given."""

    def __init__(self, code: int, reason: str = "") -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code} {reason}".rstrip())


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take."""

    message: int = 1024 * 1024  # bytes of one message that comes in; more closes with 1009
    behind: int = 4 * 1024 * 1024  # bytes that wait for a slow client before it is let go
    timeout: float = 60.0  # seconds after which a client that answers no ping is given up; 0 waits for ever
    ping: float = 20.0  # seconds of silence after which a client is pinged
    closing: float = 5.0  # seconds a client gets to answer that the connection is closed


class Outgoing:
    """A message on its way to several connections; what it is on the wire is worked out once."""

    __slots__ = ("frame", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.frame: bytes | None = None  # the adapter's


class Duplex(Protocol):
    """One connection. Used on the event loop only; lives as long as the adapter's call for it."""

    offered: Sequence[str]  # subprotocols that the client offers, the one it likes best first
    status: int  # of the answer to the handshake: 101, or what refused it; 0 before

    @property
    def behind(self) -> int:
        """About how many bytes wait for the client."""

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        """Open the connection. Raises Closed when the client is gone."""

    async def refuse(self, response: Response) -> None:
        """Answer the handshake with something else than a connection."""

    async def receive(self) -> Message:
        """Return the next message. Raises Closed at the end of the connection."""

    def send(self, message: Message | Outgoing) -> None:
        """Send a message after those before it; nothing happens on a connection that is closed."""

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin to close the connection; `receive` raises Closed when it is over."""
