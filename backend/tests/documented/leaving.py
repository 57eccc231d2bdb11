"""Clients that go away while an answer is sent to them, over either adapter."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from atila import Atila
from atila.adapters.asgi import ASGI, Message
from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads
from atila.testing.wires import ServerHeaders, ServerProtocol

PATIENCE = 10.0  # seconds until a test gives up


def receive_some(app: Atila, adapter: str, pieces: int) -> bytes:
    """Ask for "/", take some pieces of the answer, then go away; return what came. The app is stopped afterwards."""
    return asyncio.run(asyncio.wait_for(_CALLS[adapter](app, pieces), PATIENCE))


class _LeavingProtocol(ServerProtocol):
    """RSGI's protocol for a client that leaves after some pieces."""

    def __init__(self, pieces: int) -> None:
        super().__init__(b"")
        self.left = pieces
        self.gone = asyncio.Event()

    async def client_disconnect(self) -> None:
        await self.gone.wait()

    async def send_bytes(self, data: bytes) -> None:
        if self.gone.is_set():
            raise RuntimeError("the transport is closed")
        self.content += data
        self.left -= 1
        if self.left <= 0:
            self.gone.set()


async def _over_rsgi(app: Atila, pieces: int) -> bytes:
    threads = WorkerThreads(1, "test")
    adapter = RSGI(app, AdapterSettings(threads=threads))
    adapter.loop = asyncio.get_running_loop()
    threads.start(adapter.loop)
    await app.start(adapter.loop)
    scope = SimpleNamespace(
        proto="http", http_version="1.1", client="127.0.0.1:5000", scheme="http", method="GET", path="/",
        query_string="", authority=None, headers=ServerHeaders([("host", "testserver")]),
    )  # fmt: skip
    protocol = _LeavingProtocol(pieces)
    try:
        await adapter.__rsgi__(scope, protocol)
    finally:
        await app.stop()
        threads.stop()
    return bytes(protocol.content)


async def _over_asgi(app: Atila, pieces: int) -> bytes:
    threads = WorkerThreads(1, "test")
    adapter = ASGI(app, AdapterSettings(threads=threads))
    came: list[bytes] = []
    gone = asyncio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if gone.is_set():
            raise OSError("the client is gone")
        body = message.get("body", b"")
        if body:
            came.append(body)
        if len(came) >= pieces:
            gone.set()

    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/", "query_string": b"",
        "headers": [(b"host", b"testserver")], "client": ("127.0.0.1", 5000),
    }  # fmt: skip
    try:
        await adapter(scope, receive, send)
    finally:
        await app.stop()
        threads.stop()
    return b"".join(came)


_CALLS = {"rsgi": _over_rsgi, "asgi": _over_asgi}
