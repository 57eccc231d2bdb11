"""A WebSocket on an RSGI server's own transport (RSGI 1.5), for connections that cannot be taken over: those over TLS.

The transport sends no pings and no codes, so silence ends a connection at its timeout, and codes do not reach clients.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from ..http.duplex import Closed, Limits, Message, Outgoing
from ..http.headers import Pairs
from ..http.response import Response
from .outbox import Outbox

CLOSE, TEXT = 0, 2  # kinds of RSGI's messages; 1 is bytes
NORMAL, GOING_AWAY, TOO_BIG = 1000, 1001, 1009  # RFC 6455 7.4.1


class Carried:
    """One connection on the server's transport, as a Duplex. Lives as long as the adapter's call for it."""

    def __init__(self, proto: Any) -> None:
        self.offered: Sequence[str] = ()
        self.status = 0
        self._proto = proto
        self._limits = Limits()
        self._transport: Any = None
        self._over: Closed | None = None
        self._ended = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(self._send)

    @property
    def behind(self) -> int:
        return self._outbox.behind

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        """Open the connection; the server's transport takes no subprotocol and no header fields."""
        self._limits = limits
        self.status = 101
        try:
            self._transport = await self._proto.accept()
        except RuntimeError as error:
            raise Closed(1006, "the client went away") from error

    async def refuse(self, response: Response) -> None:
        self.status = response.status
        self._proto.close(response.status)

    async def receive(self) -> Message:
        if self._over is not None:
            raise self._over
        receiving = asyncio.ensure_future(self._transport.receive())
        done, _ = await asyncio.wait(
            {receiving, self._ended}, timeout=self._limits.timeout or None, return_when=asyncio.FIRST_COMPLETED
        )
        if receiving not in done:
            receiving.cancel()
            if not done:
                self.close(GOING_AWAY, "silent for too long")
            raise self._over or Closed(NORMAL)
        return self._read(receiving)

    def _read(self, receiving: asyncio.Future[Any]) -> Message:
        try:
            message = receiving.result()
        except RuntimeError as error:  # RSGIProtocolClosed
            self._over = Closed(1006, str(error))
            raise self._over from error
        if message.kind == CLOSE:
            self._over = Closed(NORMAL)
            raise self._over
        data: Message = message.data
        if len(data if isinstance(data, bytes) else data.encode()) > self._limits.message:
            self.close(TOO_BIG, f"a message has {self._limits.message} bytes at most")
            raise self._over or Closed(TOO_BIG)
        return data

    def send(self, message: Message | Outgoing) -> None:
        if self._over is not None or self._transport is None:
            return
        if self._outbox.behind > self._limits.behind:
            self.close(NORMAL, "the client does not read")
        else:
            self._outbox.put(message.message if isinstance(message, Outgoing) else message)

    async def drain(self) -> None:
        await self._outbox.drain()

    async def _send(self, message: Message) -> None:
        send = self._transport.send_str if isinstance(message, str) else self._transport.send_bytes
        await send(message)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        if self._over is None:
            self._over = Closed(code, reason)
            self._ended.set_result(None)

    def release(self) -> None:
        """End the connection, which the server then closes."""
        self.close()
        accepted, self._transport = self._transport is not None, None  # the connection lives as long as its transport
        if accepted:
            self._proto.close(None)
