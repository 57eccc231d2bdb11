"""Jobs that are no route's: they take bodies in pieces, answer later, and send long bodies at their client's pace."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from atila.adapters.asgi import ASGI
from atila.adapters.settings import AdapterSettings
from atila.errors import HTTPError
from atila.http.headers import Pairs
from atila.http.request import Request
from atila.http.response import Pending, Response, Stream
from atila.http.site import Job
from tests.atila.adapters.exchange import HOST, Protocol, over_rsgi

LONG = 3_000_000  # bytes; more than a pipe holds


class Counting:
    """A Site that says how it got a body and how long it was."""

    def __init__(self, *, waits: bool = False, length: int | None = None) -> None:
        self.job = Job(self.respond, body_limit=1000, stream_over=10)
        self.waits = waits
        self.length = length  # of the body that /long promises
        self.cancelled = False
        self.closed = 0

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
        if request.path == "/long":
            return Response(200, [], Stream(self.pieces(), self.close, self.length, paced=True))
        if request.incoming is None:
            return Response(200, [], f"whole {len(request.body or b'')}".encode())
        try:
            pieces = [piece async for piece in request.incoming]
        except HTTPError as error:
            return Response(error.status.code, [], (error.detail or "").encode())
        return Response(200, [], f"pieces {sum(map(len, pieces))}".encode())

    async def pieces(self) -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * (LONG // 10)

    def close(self) -> None:
        self.closed += 1

    async def start(self, loop: asyncio.AbstractEventLoop) -> None: ...

    async def stop(self) -> None: ...


class FileServer(Protocol):
    """A server that opens files at once, reads them on a thread, and gives up after `most` bytes."""

    def __init__(self, most: int = LONG * 2, **options: Any) -> None:
        super().__init__(b"", options.get("takes"))
        self.most = most
        self.reading: asyncio.Future[bytes] | None = None

    def response_file(self, status: int, headers: Pairs, path: str) -> None:
        self.take("file")
        self.status, self.headers = status, headers
        file = os.open(path, os.O_RDONLY)
        self.reading = asyncio.get_running_loop().run_in_executor(None, self._read, file)

    def _read(self, file: int) -> bytes:
        read = b""
        try:
            while len(read) < self.most and (piece := os.read(file, 65536)):
                read += piece
        finally:
            os.close(file)
        return read


def call(site: Counting, messages: list[dict[str, Any]], length: int | None = None) -> list[dict[str, Any]]:
    """Send a POST in these messages over ASGI and return what is sent back."""
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
    ("messages", "length", "status", "said"),
    [
        ([piece(10, more=False)], 10, 200, b"whole 10"),
        ([piece(10), piece(10, more=False)], 20, 200, b"pieces 20"),
        ([piece(10), piece(10, more=False)], None, 200, b"whole 20"),
        ([piece(0, more=False)], 0, 200, b"whole 0"),
        ([piece(10), {"type": "http.disconnect"}], 20, 400, b"the body was cut off or malformed"),
        ([piece(10, more=False)], 20, 400, b"the body was cut off or malformed"),
        ([piece(21)], 20, 400, b"the body is longer than its Content-Length"),
    ],
)
def test_bodies_come_whole_or_in_pieces(
    messages: list[dict[str, Any]], length: int | None, status: int, said: bytes
) -> None:
    start, body = call(Counting(), messages, length)
    assert (start["status"], body["body"]) == (status, said)


@pytest.mark.parametrize(("size", "said"), [(10, b"whole 10"), (20, b"pieces 20"), (0, b"whole 0")])
def test_the_same_over_rsgi(size: int, said: bytes) -> None:
    protocol = asyncio.run(over_rsgi(Counting(), [HOST, ("content-length", str(size))], b"x" * size))
    assert (protocol.status, bytes(protocol.content)) == (200, said)


def test_a_client_that_leaves_gets_no_answer() -> None:
    site = Counting(waits=True)
    start, *_ = call(site, [piece(0, more=False), {"type": "http.disconnect"}], 0)
    assert site.cancelled
    assert start["status"] == 499


def test_a_client_that_leaves_rsgi_is_noted(caplog: pytest.LogCaptureFixture) -> None:
    class Leaving(Protocol):
        async def client_disconnect(self) -> None:
            await asyncio.sleep(0)

    site, told = Counting(waits=True), []
    with caplog.at_level(logging.INFO):
        serve(site, Leaving(b"", 0), "POST", on_answer=lambda *facts: told.append(facts[1]))
    assert site.cancelled
    assert told == [499]
    assert {record.getMessage().partition(": ")[2] for record in caplog.records} == {"the client went away"}


def serve(site: Counting, protocol: Protocol, method: str = "GET", **settings: Any) -> bytes:
    """Ask over RSGI for the long body; return what the server read of its file."""

    async def ask() -> bytes:
        await over_rsgi(site, path="/long", method=method, threads=0, protocol=protocol, **settings)
        reading = getattr(protocol, "reading", None)
        return b"" if reading is None else await reading

    return asyncio.run(asyncio.wait_for(ask(), 10))


paced = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="pipes have names on Linux only")


@paced
@pytest.mark.parametrize("length", [None, LONG])
def test_a_long_body_goes_at_its_readers_pace(length: int | None) -> None:
    site, protocol, told = Counting(length=length), FileServer(), []
    assert serve(site, protocol, on_answer=lambda *facts: told.append(facts[1:3])) == b"x" * LONG
    assert (protocol.calls, site.closed) == (["file"], 1)
    assert dict(protocol.headers).get("content-length") == (None if length is None else str(length))
    assert told == [(200, length)]


@paced
def test_a_client_that_leaves_a_long_body_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with caplog.at_level(logging.INFO):
        site = Counting()
        assert len(serve(site, FileServer(most=100_000))) >= 100_000
        assert site.closed == 1
        assert caplog.records == []
        serve(site, FileServer(takes=0))  # it left before
    assert site.closed == 2
    assert [record.getMessage().partition(": ")[2] for record in caplog.records] == ["the client went away"]
    assert len(os.listdir("/proc/self/fd")) == before


@paced
def test_head_of_a_long_body_opens_no_pipe() -> None:
    site, protocol = Counting(length=LONG), FileServer()
    assert serve(site, protocol, "HEAD") == b""
    assert (protocol.calls, dict(protocol.headers)["content-length"], site.closed) == (["empty"], str(LONG), 1)
