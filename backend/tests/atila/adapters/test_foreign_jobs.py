"""Jobs that take bodies in pieces and answer later, over ASGI; the serving tests have them over RSGI."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from atila.adapters.asgi import ASGI
from atila.adapters.settings import AdapterSettings
from atila.http.request import Request
from atila.http.response import Pending, Response
from atila.http.site import Job


class Counting:
    """A Site that says how it got a body and how long it was."""

    def __init__(self, *, waits: bool = False) -> None:
        self.job = Job(self.respond, body_limit=1000, stream_over=10)
        self.waits = waits
        self.cancelled = False

    def resolve(self, request: Request) -> Job:
        return self.job

    async def respond(self, request: Request) -> Response:
        return Response(body=Pending(self.count(request)))

    async def count(self, request: Request) -> Response:
        if self.waits:
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled = True
        if request.incoming is None:
            return Response(200, [], f"whole {len(request.body or b'')}".encode())
        pieces = [piece async for piece in request.incoming]
        return Response(200, [], f"pieces {sum(map(len, pieces))}".encode())

    async def start(self, loop: asyncio.AbstractEventLoop) -> None: ...

    async def stop(self) -> None: ...


def call(site: Counting, messages: list[dict[str, Any]], length: int | None = None) -> list[dict[str, Any]]:
    """Send a POST in these messages and return what is sent back."""
    framing = (b"transfer-encoding", b"chunked") if length is None else (b"content-length", str(length).encode())
    headers = [(b"host", b"a"), framing]
    scope: dict[str, Any] = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/", "query_string": b"", "headers": headers,
    }  # fmt: skip
    arriving = iter(messages)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        message = next(arriving, None)
        if message is None:
            await asyncio.Event().wait()
        assert message is not None
        return message

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> None:
        await asyncio.wait_for(ASGI(site, AdapterSettings(unsized_bodies=True))(scope, receive, send), 5)

    asyncio.run(serve())
    return sent


def piece(size: int, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "length", "said"),
    [
        ([piece(10, more=False)], 10, b"whole 10"),
        ([piece(10), piece(10, more=False)], 20, b"pieces 20"),
        ([piece(10), piece(10, more=False)], None, b"whole 20"),
        ([piece(0, more=False)], 0, b"whole 0"),
    ],
)
def test_bodies_come_whole_or_in_pieces(messages: list[dict[str, Any]], length: int | None, said: bytes) -> None:
    start, body = call(Counting(), messages, length)
    assert (start["status"], body["body"]) == (200, said)


def test_a_client_that_leaves_gets_no_answer() -> None:
    site = Counting(waits=True)
    start, *_ = call(site, [piece(0, more=False), {"type": "http.disconnect"}], 0)
    assert site.cancelled
    assert start["status"] == 499
