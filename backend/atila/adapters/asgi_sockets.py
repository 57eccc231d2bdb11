"""WebSockets over ASGI 3: from its scope and events to a Request and a Duplex. Pings are the server's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from ..http.duplex import Closed, Limits, Message, Outgoing
from ..http.headers import Headers, Pairs
from ..http.request import Request
from ..http.response import Response
from .outbox import Outbox
from .sockets import Sockets, offered_by

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

DENIAL = "websocket.http.response"  # the extension that lets a refused handshake have a status and a body
TOO_BIG = 1009  # RFC 6455 7.4.1


class ASGISockets(Sockets):
    """The WebSockets of an ASGI server's process."""

    async def take(self, scope: Event, receive: Receive, send: Send) -> None:
        """Serve one connection, until it is over."""
        headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        request = Request(
            "GET", scope["path"], scope["query_string"].decode("latin-1"), headers,
            version=scope.get("http_version", "1.1"), scheme="https" if scope.get("scheme") == "wss" else "http",
            peer=(scope.get("client") or ("", 0))[0], wire="websocket",
        )  # fmt: skip
        await receive()  # websocket.connect
        duplex = Evented(receive, send, DENIAL in (scope.get("extensions") or ()))
        duplex.offered = offered_by(headers)
        await self.serve(request, duplex, headers.get_all("host"))
        await duplex.end()


class Evented:
    """One connection of events, as a Duplex. Lives as long as the adapter's call for it."""

    def __init__(self, receive: Receive, send: Send, deniable: bool) -> None:
        self.offered: Sequence[str] = ()
        self.status = 0
        self._receive = receive
        self._send = send
        self._deniable = deniable
        self._limits = Limits()
        self._outbox = Outbox(self._send_message)
        self._over: Closed | None = None
        self._closing: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def behind(self) -> int:
        return self._outbox.behind

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        self._limits = limits
        self.status = 101
        await self._send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": _raw(headers)})

    async def refuse(self, response: Response) -> None:
        self.status = response.status
        self._over = Closed(1006, "refused")
        if not self._deniable:
            await self._send({"type": "websocket.close", "code": 1008})  # which the server tells as 403
            return
        body = response.body if isinstance(response.body, bytes) else b""
        headers = [pair for pair in response.headers if pair[0] != "content-length"]
        headers.append(("content-length", str(len(body))))
        await self._send({"type": f"{DENIAL}.start", "status": response.status, "headers": _raw(headers)})
        await self._send({"type": f"{DENIAL}.body", "body": body})

    async def receive(self) -> Message:
        if self._over is not None:
            raise self._over
        receiving = asyncio.ensure_future(self._receive())
        either: set[asyncio.Future[Any]] = {receiving, self._ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():  # not every server tells an app that it has closed a connection itself
            receiving.cancel()
            raise self._over or Closed(1006)
        event = receiving.result()
        if event["type"] == "websocket.disconnect":
            self._over = Closed(event.get("code") or 1005, event.get("reason") or "")
            raise self._over
        text = event.get("text")
        message: Message = text if text is not None else event["bytes"]
        if len(message) > self._limits.message:
            self.close(TOO_BIG, f"a message has {self._limits.message} bytes at most")
            return await self.receive()  # which raises Closed
        return message

    def send(self, message: Message | Outgoing) -> None:
        if self._over is not None or not self.status:
            return
        if self._outbox.behind > self._limits.behind:
            self.close(1008, "the client does not read")
        else:
            self._outbox.put(message.message if isinstance(message, Outgoing) else message)

    async def drain(self) -> None:
        await self._outbox.drain()

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._over is None and self.status:
            self._over = Closed(code, reason)
            self._closing = asyncio.ensure_future(self._close(code, reason))

    async def end(self) -> None:
        """Wait until the end was told to the server."""
        if self._closing is not None:
            await asyncio.wait({self._closing})

    async def _close(self, code: int, reason: str) -> None:
        await self._outbox.drain()
        with contextlib.suppress(OSError, RuntimeError):  # the client closed it meanwhile
            await self._send({"type": "websocket.close", "code": code, "reason": reason})
        self._ended.set_result(None)

    async def _send_message(self, message: Message) -> None:
        kind = "text" if isinstance(message, str) else "bytes"
        await self._send({"type": "websocket.send", kind: message})


def _raw(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
