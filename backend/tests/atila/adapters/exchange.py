"""One request through an adapter, every detail of it in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from atila.adapters.asgi import ASGI, Message
from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads
from atila.http.headers import Pairs
from atila.http.site import Site
from atila.testing.answer import Answer
from atila.testing.wires import ServerHeaders, ServerProtocol

HOST = ("host", "testserver")
Body = Callable[[], Awaitable[bytes]] | bytes


class Protocol(ServerProtocol):
    """RSGI's protocol; the body may take its time or break off, sending may fail, a connection may be closed."""

    def __init__(self, body: Body, takes: int | None) -> None:
        super().__init__(body if isinstance(body, bytes) else b"")
        self.read = body
        self.left = takes  # messages until the client goes away; None: it stays
        self.closed = False
        self.calls: list[str] = []  # what was called to answer

    def take(self, call: str) -> None:
        if self.left == 0:
            raise RuntimeError("the protocol is closed")
        self.left = None if self.left is None else self.left - 1
        self.calls.append(call)

    async def __call__(self) -> bytes:
        return self.read if isinstance(self.read, bytes) else await self.read()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b""
        yield await self()

    def close(self, status: int | None) -> None:
        self.closed = True

    def response_empty(self, status: int, headers: Pairs) -> None:
        self.take("empty")
        super().response_empty(status, headers)

    def response_bytes(self, status: int, headers: Pairs, body: bytes) -> None:
        self.take("bytes")
        super().response_bytes(status, headers, body)

    def response_stream(self, status: int, headers: Pairs) -> ServerProtocol:
        self.take("stream")
        return super().response_stream(status, headers)

    async def send_bytes(self, data: bytes) -> None:
        self.take("piece")
        await super().send_bytes(data)


async def over_rsgi(
    app: Site,
    headers: Pairs = (HOST,),  # type: ignore[assignment]  # a tuple will do here
    body: Body = b"",
    *,
    method: str = "POST",
    path: str = "/",
    version: str = "1.1",
    proto: str = "http",
    authority: str | None = None,
    gone: bool = False,
    takes: int | None = None,
    threads: int = 1,
    protocol: Protocol | None = None,
    **settings: Any,
) -> Protocol:
    """Send a request; return the protocol with what was answered. The client is gone after `takes` messages.

    A `protocol` of the test's own is used in place of one that has the body and the patience.
    """
    workers = WorkerThreads(threads, "test")
    adapter = RSGI(app, AdapterSettings(threads=workers if threads else None, **settings))
    adapter.loop = asyncio.get_running_loop()
    workers.start(adapter.loop)
    await app.start(adapter.loop)
    scope = SimpleNamespace(
        proto=proto, http_version=version, client="127.0.0.1:5000", server="127.0.0.1:0", scheme="http", method=method,
        path=path, query_string="", authority=authority, headers=ServerHeaders(list(headers)),
    )  # fmt: skip
    protocol = protocol or Protocol(body, 0 if gone else takes)
    try:
        await adapter.__rsgi__(scope, protocol)
    finally:
        await app.stop()
        workers.stop()
    return protocol


async def over_asgi(
    app: Site,
    headers: Pairs = (HOST,),  # type: ignore[assignment]  # a tuple will do here
    messages: list[Message] | None = None,
    *,
    method: str = "POST",
    path: str = "/",
    version: str = "1.1",
    gone: bool = False,
    takes: int | None = None,
    threads: int = 1,
    extensions: dict[str, Any] | None = None,
    **settings: Any,
) -> list[Message]:
    """Send a request whose body comes in messages, then silence; return the messages of the answer.

    The client is gone after `takes` messages.
    """
    workers = WorkerThreads(threads, "test")
    adapter = ASGI(app, AdapterSettings(threads=workers if threads else None, **settings))
    patience = 0 if gone else takes
    coming = list(messages or [{"type": "http.request", "body": b"", "more_body": False}])
    sent: list[Message] = []

    async def receive() -> Message:
        if not coming:
            await asyncio.Event().wait()
        return coming.pop(0)

    async def send(message: Message) -> None:
        if len(sent) == patience:
            raise OSError("the client is gone")
        sent.append(message)

    scope = {
        "type": "http", "http_version": version, "method": method, "path": path, "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers], "extensions": extensions,
    }  # fmt: skip
    try:
        await adapter(scope, receive, send)
    finally:
        await adapter.stop()
    return sent


def answer_of(sent: list[Message]) -> Answer:
    """Read the messages of an ASGI answer."""
    pairs = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], pairs, b"".join(message.get("body", b"") for message in sent[1:]))
