"""A WebSocket in a test: what a client and a server's side of it would do, in process."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import SimpleNamespace, TracebackType
from typing import Any, Self
from urllib.parse import unquote

import msgspec

from ..adapters.asgi import ASGI
from ..adapters.rsgi import RSGI
from ..http.duplex import Closed, Limits, Message, Outgoing
from ..http.headers import Pairs
from ..http.response import Response
from .answer import Answer
from .wires import ServerCall, ServerHeaders

Sent = Message | Closed


class RefusedError(Exception):
    """The handshake was answered with something else than a connection: `answer` tells what."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"the handshake was answered with {answer.status_code}: {answer.content[:200]!r}")


class SocketEnd(ABC):
    """A test's end of a WebSocket; a context manager, which closes it. Raises RefusedError when it is made.

    `receive` raises Closed, with a code and a reason, when the connection is over. Lives as long as the block.
    """

    answer: Answer  # to the handshake

    @property
    @abstractmethod
    def subprotocol(self) -> str | None:
        """The one that the app chose."""

    @abstractmethod
    def send(self, message: Message) -> None:
        """Send a text or a binary message."""

    @abstractmethod
    def receive(self, timeout: float = 5.0) -> Message:
        """Return the next message. Raises Closed at the end, TimeoutError when nothing comes for `timeout` seconds."""

    @abstractmethod
    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection, and wait until the app has noticed."""

    def send_json(self, value: Any) -> None:
        """Send a value as JSON."""
        self.send(msgspec.json.encode(value).decode())

    def receive_json(self, timeout: float = 5.0) -> Any:
        """Return what the next message holds, decoded. Raises what `receive` raises."""
        return msgspec.json.decode(self.receive(timeout))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()


class ClientSocket(SocketEnd):
    """An end in process: what it sends goes through an adapter, as from a server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, adapter: RSGI | ASGI, call: ServerCall) -> None:
        self._loop = loop
        self._line = RSGILine(loop) if isinstance(adapter, RSGI) else ASGILine(loop)
        self._task = loop.create_task(self._line.run(adapter, call))
        self.answer: Answer = loop.run_until_complete(self._line.answered)
        if self.answer.status_code != 101:
            loop.run_until_complete(self._task)
            raise RefusedError(self.answer)

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of the offered subprotocols, or None."""
        chosen: str | None = self.answer.headers.get("sec-websocket-protocol")
        return chosen

    def send(self, message: Message) -> None:
        """Send a message: text or bytes."""
        self._line.to_app.put_nowait(message)

    def receive(self, timeout: float = 5.0) -> Message:
        """Return the next message. Raises Closed at the end, TimeoutError after `timeout` seconds of silence."""
        box = self._line.from_app
        ended = self._loop.is_closed()  # with the client: what came until then is still there
        sent: Sent = box.get_nowait() if ended else self._loop.run_until_complete(asyncio.wait_for(box.get(), timeout))
        if isinstance(sent, Closed):
            box.put_nowait(sent)
            raise sent
        return sent

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection with a code and a reason (RFC 6455 7.4), and wait until the server is done."""
        self._line.to_app.put_nowait(Closed(code, reason))
        if not self._loop.is_closed():
            self._loop.run_until_complete(self._task)


class Line(ABC):
    """Both ends of a connection. Lives as long as the ClientSocket."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.to_app: asyncio.Queue[Sent] = asyncio.Queue()
        self.from_app: asyncio.Queue[Sent] = asyncio.Queue()
        self.answered: asyncio.Future[Answer] = loop.create_future()

    def end(self, code: int, reason: str) -> None:
        """Tell both ends that the connection is over."""
        for queue in (self.to_app, self.from_app):
            queue.put_nowait(Closed(code, reason))

    @abstractmethod
    async def run(self, adapter: Any, call: ServerCall) -> None:
        """Be the server of one connection."""


class RSGILine(Line):
    """An RSGI server's connection, as a Duplex."""

    offered: Sequence[str] = ()
    status = 0
    behind = 0

    async def run(self, adapter: Any, call: ServerCall) -> None:
        scope = SimpleNamespace(
            proto="ws", http_version="1.1", client=f"{call.peer}:50000", scheme=call.scheme, method="GET",
            path=unquote(call.path, errors="replace"), query_string=call.query, authority=None,
            headers=ServerHeaders(call.headers),
        )  # fmt: skip
        adapter.sockets.connect = lambda scope, proto: proto
        await adapter.__rsgi__(scope, self)

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        self.status = 101
        chosen = [("sec-websocket-protocol", subprotocol)] if subprotocol is not None else []
        self.answered.set_result(Answer(101, [*headers, *chosen], b""))

    async def refuse(self, response: Response) -> None:
        self.status = response.status
        body = response.body if isinstance(response.body, bytes) else b""
        self.answered.set_result(Answer(response.status, response.headers, body))

    async def receive(self) -> Message:
        sent = await self.to_app.get()
        if isinstance(sent, Closed):
            raise sent
        return sent

    def send(self, message: Message | Outgoing) -> None:
        self.from_app.put_nowait(message.message if isinstance(message, Outgoing) else message)

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.end(code, reason)

    def release(self) -> None:
        self.end(1006, "the app is done with it")


class ASGILine(Line):
    """An ASGI server's connection, as events."""

    async def run(self, adapter: Any, call: ServerCall) -> None:
        scope = {
            "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1",
            "scheme": "wss" if call.scheme == "https" else "ws", "path": unquote(call.path, errors="replace"),
            "raw_path": call.path.encode(), "query_string": call.query.encode(), "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in call.headers],
            "client": (call.peer, 50000), "server": ("testserver", 80), "extensions": {"websocket.http.response": {}},
        }  # fmt: skip
        self._connected = False
        self._refusal: tuple[int, Pairs] = (403, [])
        await adapter(scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        sent = await self.to_app.get()
        if isinstance(sent, Closed):
            return {"type": "websocket.disconnect", "code": sent.code, "reason": sent.reason}
        return {"type": "websocket.receive", "text" if isinstance(sent, str) else "bytes": sent}

    async def _send(self, event: Any) -> None:
        kind = event["type"]
        if kind == "websocket.accept":
            chosen = event.get("subprotocol")
            headers = [*_text(event["headers"]), *([("sec-websocket-protocol", chosen)] if chosen is not None else [])]
            self.answered.set_result(Answer(101, headers, b""))
        elif kind == "websocket.send":
            self.from_app.put_nowait(event["text"] if event.get("text") is not None else event["bytes"])
        elif kind == "websocket.close":
            self.end(event["code"], event.get("reason", ""))
        elif kind == "websocket.http.response.start":
            self._refusal = event["status"], _text(event["headers"])
        else:
            self.answered.set_result(Answer(*self._refusal, event["body"]))


def _text(headers: Any) -> Pairs:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
