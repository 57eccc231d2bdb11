"""The server's side of a test: what Granian or an ASGI server hands to an adapter, made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import unquote

from ..adapters.asgi import ASGI, Message
from ..adapters.rsgi import RSGI
from ..http.headers import Pairs
from .answer import Answer


class ServerCall(NamedTuple):
    """What a server would read off the wire."""

    method: str
    path: str  # as sent, percent-encoded
    query: str
    headers: Pairs
    body: bytes | None
    scheme: str = "http"
    peer: str = "127.0.0.1"


async def call_rsgi(adapter: RSGI, call: ServerCall) -> Answer:
    """Send a request through the RSGI adapter and return the answer."""
    scope = SimpleNamespace(
        proto="http", http_version="1.1", client=f"{call.peer}:50000", server="127.0.0.1:0",
        scheme=call.scheme, method=call.method, path=unquote(call.path, errors="replace"),
        query_string=call.query, authority=None, headers=ServerHeaders(call.headers),
    )  # fmt: skip
    protocol = ServerProtocol(call.body or b"")
    await adapter.__rsgi__(scope, protocol)
    return protocol.answer()


class ServerHeaders:
    """Header fields as RSGI gives them: every pair in `items`, each name once in `keys`."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def get(self, name: str, default: Any = None) -> Any:
        return next((value for key, value in self._pairs if key == name), default)

    def items(self) -> Pairs:
        return self._pairs

    def keys(self) -> list[str]:
        return list(dict(self._pairs))


class ServerProtocol:
    """RSGI's HTTP protocol for one request; keeps what was sent."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.status = 0
        self.headers: Pairs = []
        self.content = bytearray()

    async def __call__(self) -> bytes:
        return self._body

    async def client_disconnect(self) -> None:
        await asyncio.Event().wait()

    def response_empty(self, status: int, headers: Pairs) -> None:
        self.status, self.headers = status, headers

    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None:
        self.status, self.headers = status, headers
        self.content += body

    def response_file(self, status: int, headers: Pairs, path: str) -> None:
        with open(path, "rb") as file:
            self.response_bytes(status, headers, file.read())

    def response_file_range(self, status: int, headers: Pairs, path: str, start: int, end: int) -> None:
        with open(path, "rb") as file:
            file.seek(start)
            self.response_bytes(status, headers, file.read(end - start))

    def response_stream(self, status: int, headers: Pairs) -> ServerProtocol:
        self.status, self.headers = status, headers
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.content += data

    def answer(self) -> Answer:
        if not self.status:
            raise ConnectionError("the connection was closed without an answer")
        return Answer(self.status, self.headers, bytes(self.content))


async def call_asgi(adapter: ASGI, call: ServerCall) -> Answer:
    """Send a request through the ASGI adapter and return the answer."""
    scope: Message = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": call.method,
        "scheme": call.scheme, "path": unquote(call.path, errors="replace"), "raw_path": call.path.encode(),
        "query_string": call.query.encode(), "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in call.headers],
        "client": (call.peer, 50000), "server": ("testserver", 80),
    }  # fmt: skip
    sent: list[Message] = []
    requests: Iterator[Message] = iter([{"type": "http.request", "body": call.body or b"", "more_body": False}])

    async def receive() -> Message:
        message = next(requests, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None, "the wait above does not end"
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    await adapter(scope, receive, send)
    if not sent:
        raise ConnectionError("the connection was closed without an answer")
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], pairs, b"".join(message.get("body", b"") for message in sent[1:]))
