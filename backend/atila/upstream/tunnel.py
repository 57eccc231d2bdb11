"""A WebSocket passed on: one connection to a client, one to a member, and what either says goes to the other."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from typing import TYPE_CHECKING, Any

from atila.http.duplex import Closed, Duplex, Limits, Message
from atila.http.headers import Pairs

if TYPE_CHECKING:
    import httpcore2
    from httpcore2 import AsyncNetworkStream
    from wsproto.connection import Connection
    from wsproto.events import BytesMessage, Event, TextMessage

    from .forwarding import RawPairs

READ = 64 * 1024  # bytes read from a member at a time
TOO_BIG, GOING_AWAY, BROKEN = 1009, 1001, 1011  # RFC 6455 7.4.1
_UNSAID = frozenset({1005, 1006, 1015})  # codes that no closing frame carries
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
_OWN = frozenset({b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions"})


class Handshake:
    """The request that opens a WebSocket at a member, and the check of its answer (RFC 6455 4)."""

    def __init__(self) -> None:
        self.key = base64.b64encode(os.urandom(16))

    def fields(self, passed_on: RawPairs) -> RawPairs:
        """Return the header fields to send: the client's, with a handshake of our own."""
        mine = [
            (b"connection", b"Upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-version", b"13"),
            (b"sec-websocket-key", self.key),
        ]  # fmt: skip
        return [pair for pair in passed_on if pair[0] not in _OWN] + mine

    def accepted(self, answer: httpcore2.Response) -> bool:
        """Say whether an answer opens the connection."""
        wanted = base64.b64encode(hashlib.sha1(self.key + _GUID).digest())  # noqa: S324 - the protocol's, no secret
        said = {name.lower(): value for name, value in answer.headers}
        return answer.status == 101 and said.get(b"sec-websocket-accept") == wanted


def subprotocol_of(fields: Pairs) -> str | None:
    """Return the subprotocol that a member chose, None without one."""
    return next((value for name, value in fields if name == "sec-websocket-protocol"), None)


class Tunnel:
    """Two open connections. Lives until either of them closes."""

    def __init__(self, duplex: Duplex, stream: AsyncNetworkStream, limits: Limits) -> None:
        import httpcore2
        from wsproto.connection import Connection, ConnectionType  # loaded with the first WebSocket that is passed on

        self._duplex = duplex
        self._stream = stream
        self._limits = limits
        self._wire: Connection = Connection(ConnectionType.CLIENT)
        self._pieces: list[Any] = []  # of the message that comes in: all text, or all bytes
        self._size = 0
        self._gone = (httpcore2.NetworkError, httpcore2.TimeoutException)

    async def run(self) -> None:
        """Pass messages both ways until one side closes, and close the other with the same code."""
        ways = [asyncio.create_task(self._outwards()), asyncio.create_task(self._inwards())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await self._stream.aclose()

    async def _outwards(self) -> None:
        """From the client to the member."""
        from wsproto.events import BytesMessage, CloseConnection, TextMessage

        try:
            while True:
                message = await self._duplex.receive()
                await self._say(TextMessage(message) if isinstance(message, str) else BytesMessage(message))
        except Closed as end:
            code = GOING_AWAY if end.code in _UNSAID else end.code
            await self._say(CloseConnection(code, end.reason))
        except self._gone:
            self._duplex.close(BROKEN, "the upstream is gone")

    async def _inwards(self) -> None:
        """From the member to the client."""
        from wsproto.utilities import LocalProtocolError, RemoteProtocolError

        try:
            while data := await self._stream.read(READ):
                self._wire.receive_data(data)
                for event in self._wire.events():
                    if await self._hear(event):
                        return
            self._duplex.close(BROKEN, "the upstream is gone")
        except (*self._gone, RemoteProtocolError, LocalProtocolError):
            self._duplex.close(BROKEN, "the upstream broke off")

    async def _hear(self, event: Event) -> bool:
        """Pass on what a member said; True when it was the last."""
        from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

        if isinstance(event, (TextMessage, BytesMessage)):
            return await self._collect(event)
        if isinstance(event, Ping):
            await self._say(event.response())
        elif isinstance(event, CloseConnection):
            self._duplex.close(1000 if event.code in _UNSAID else event.code, event.reason or "")
            await self._say(event.response())
            return True
        return False

    async def _collect(self, piece: TextMessage | BytesMessage) -> bool:
        self._pieces.append(piece.data)
        self._size += len(piece.data)
        if self._size > self._limits.message:
            self._duplex.close(TOO_BIG, "a message is too big")
            return True
        if piece.message_finished:
            whole: Message = ("" if isinstance(piece.data, str) else b"").join(self._pieces)
            self._pieces, self._size = [], 0
            self._duplex.send(whole)
            await self._duplex.drain()
        return False

    async def _say(self, event: Event) -> None:
        await self._stream.write(self._wire.send(event))
