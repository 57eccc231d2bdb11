"""A WebSocket of a mounted ASGI app: its events on one side, a connection on the other."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from atila.http.duplex import Closed, Duplex, Limits
from atila.http.headers import Pairs, check_field
from atila.http.response import Response

Message = MutableMapping[str, Any]

REFUSED = 403  # what a handshake gets that the app closes (ASGI: WebSocket, close before accept)


class AppSocket:
    """One connection, as an ASGI app sees it. Lives as long as the app's call for it."""

    def __init__(self, duplex: Duplex, limits: Limits) -> None:
        self._duplex = duplex
        self._limits = limits
        self._told = False  # the app knows that somebody connects
        self._accepted = False
        self._over = False
        self._denial: Response | None = None  # an answer of the app's own to the handshake

    async def receive(self) -> Message:
        """Return the next event for the app."""
        if not self._told:
            self._told = True
            return {"type": "websocket.connect"}
        try:
            message = await self._duplex.receive()
        except Closed as end:
            self._over = True
            return {"type": "websocket.disconnect", "code": end.code, "reason": end.reason}
        if isinstance(message, str):
            return {"type": "websocket.receive", "text": message, "bytes": None}
        return {"type": "websocket.receive", "text": None, "bytes": message}

    async def send(self, event: Message) -> None:
        """Do what the app says. Raises RuntimeError for an event out of place, OSError when nobody listens."""
        kind = event["type"]
        action = _OPEN.get(kind) if self._accepted else _SHAKING.get(kind)
        if action is None:
            raise RuntimeError(f"{kind!r} comes at the wrong time, or is not among what this server takes")
        if self._over and kind == "websocket.send":
            raise OSError("the WebSocket is closed")
        await action(self, event)

    async def finish(self) -> None:
        """End what the app left open."""
        if self._over:
            return
        if self._accepted:
            self._duplex.close(1000)
        elif not self._duplex.status:
            await self._duplex.refuse(Response(REFUSED))

    async def _accept(self, event: Message) -> None:
        try:
            await self._duplex.accept(event.get("subprotocol"), fields_of(event.get("headers", ())), self._limits)
        except Closed as end:
            self._over = True
            raise OSError("the client went away") from end
        self._accepted = True

    async def _refuse(self, _: Message) -> None:
        await self._duplex.refuse(Response(REFUSED))

    async def _begin_denial(self, event: Message) -> None:
        self._denial = Response(event["status"], fields_of(event.get("headers", ())))

    async def _deny(self, event: Message) -> None:
        if self._denial is None:
            raise RuntimeError("websocket.http.response.start comes first")
        self._denial.body += bytes(event.get("body", b""))
        if not event.get("more_body", False):
            await self._duplex.refuse(self._denial)

    async def _send(self, event: Message) -> None:
        text = event.get("text")
        self._duplex.send(bytes(event["bytes"]) if text is None else text)
        await self._duplex.drain()

    async def _close(self, event: Message) -> None:
        self._over = True
        self._duplex.close(event.get("code", 1000), event.get("reason") or "")


_SHAKING = {
    "websocket.accept": AppSocket._accept,  # noqa: SLF001 - its own table
    "websocket.close": AppSocket._refuse,  # noqa: SLF001
    "websocket.http.response.start": AppSocket._begin_denial,  # noqa: SLF001
    "websocket.http.response.body": AppSocket._deny,  # noqa: SLF001
}
_OPEN = {
    "websocket.send": AppSocket._send,  # noqa: SLF001
    "websocket.close": AppSocket._close,  # noqa: SLF001
}


def fields_of(raw: Any) -> Pairs:
    """Return an app's header fields as text. Raises ValueError for one that would break the message."""
    pairs = [(bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1")) for name, value in raw]
    for name, value in pairs:
        check_field(name, value)
    return pairs
