"""gRPC-Web: how browsers call gRPC methods, over HTTP/1.1 or 2 and without trailers (grpc/doc/PROTOCOL-WEB.md)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import threading
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

from ..concurrency import drive
from ..errors import HTTPError
from ..http.call import Call
from ..http.headers import Pairs
from ..http.request import Request
from ..http.response import Response, Stream
from ..http.site import Job
from .grpc import Method, Received, find_method, messages_on_loop
from .grpc_status import rich_status, status_name, status_number, status_text
from .threads import StreamThreads

COMPRESSED, TRAILERS = 0x01, 0x80  # flags of a frame

_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])\Z")  # PROTOCOL-HTTP2.md: at most eight digits and a unit
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_EXPOSED = ("grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id")

_log = logging.getLogger("atila.grpc")


def web_job(job: Job, path: str, streams: StreamThreads) -> Job:
    """Return the job of a route that is a gRPC method: it answers gRPC-Web too, and else does what it did."""
    found = find_method(path)
    assert found is not None, "is_method saw it"
    method = found

    async def respond(request: Request) -> Response:
        kind = request.get_content_type() or ""
        if kind.startswith("application/grpc-web"):
            return await Exchange(job, method, request, streams).respond()
        if method.gives_stream:  # its plain handler must not run here, on the event loop
            return Response(415, [("content-type", "text/plain")], b"application/grpc-web is expected\n")
        return await job.respond(request)

    return Job(
        respond,
        perform=job.perform,
        blocking=job.blocking and not method.gives_stream,
        body_limit=job.multipart_limit,
        multipart_limit=job.multipart_limit,
    )


class WebCall(Call):
    """A gRPC-Web call, as its handler finds it. Lives as long as the call."""

    __slots__ = ("_stopping",)

    def __init__(self, deadline: float | None, stopping: threading.Event) -> None:
        super().__init__(deadline)
        self._stopping = stopping

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()


class Exchange:
    """One gRPC-Web call over HTTP. Lives as long as the call."""

    def __init__(self, job: Job, method: Method, request: Request, streams: StreamThreads) -> None:
        self.job = job
        self.method = method
        self.request = request
        self.streams = streams
        self.call = WebCall(_deadline(request.get_header("grpc-timeout")), request.app.platform.stopping)
        self.text = (request.get_content_type() or "").startswith("application/grpc-web-text")

    async def respond(self) -> Response:
        """Return the answer: its messages as frames, and last the status. Errors are statuses, too."""
        try:
            self._read()
            if self.method.gives_stream:
                return await self._stream()
            answer = self.method.write(await self._within(self._perform()))
            self._in_time()
            body = self._frame(0, answer) + self._frame(TRAILERS, self._success())
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is a status
            body = self._frame(TRAILERS, self._failure(error))
        return Response(200, self._headers(), body)

    def _read(self) -> None:
        """Make the gRPC request of the HTTP one. Raises HTTPError for a body that cannot be read."""
        request, method = self.request, self.method
        body = request.body or b""
        if self.text:
            try:
                body = base64.b64decode(body, validate=True)
            except binascii.Error as error:
                raise HTTPError(400, "the body is no base64") from error
        encoding = request.get_header("grpc-encoding", "identity")
        # One by one: as objects, messages of a few bytes are many times as large as the body.
        sent = map(method.read, read_frames(body, encoding or "", self.job.multipart_limit))
        request.message = Received(sent) if method.takes_stream else next(sent, None)
        if not method.takes_stream and (request.message is None or next(sent, None) is not None):
            raise HTTPError(400, f"{method.path} takes one message")
        request.wire, request.call = "grpc", self.call

    def _perform(self) -> Any:
        assert self.job.perform is not None, "a route's job has it"
        return self.job.perform(self.request, self.call.headers)

    async def _within(self, awaitable: Any) -> Any:
        """Await until the deadline. Raises HTTPError 504 when it is over; a plain handler goes on until it looks."""
        left = self.call.time_left()
        if left is None or self.job.blocking:  # a plain handler is driven by its thread
            return await awaitable
        try:
            return await asyncio.wait_for(awaitable, left)
        except TimeoutError as error:
            raise _late() from error

    def _in_time(self) -> None:
        if self.call.cancelled:
            raise _late()

    def _pause(self) -> None:
        self._in_time()
        if self.call.stopping:
            raise HTTPError(503, "the server is stopping")

    async def _stream(self) -> Response:
        if self.job.blocking:
            result = await self.streams.take(lambda: drive(self._perform()))
        else:
            result = await self._within(self._perform())
        return Response(200, self._headers(), Stream(self._frames(result)))

    async def _frames(self, result: Any) -> AsyncIterator[bytes]:
        try:
            messages = messages_on_loop(result, self.method, self.streams.take, self._pause)
            try:
                while (message := await self._within_stream(anext(messages, None))) is not None:
                    yield self._frame(0, message)
            finally:
                await messages.aclose()
            end = self._success()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is a status
            end = self._failure(error)
        yield self._frame(TRAILERS, end)

    async def _within_stream(self, step: Any) -> Any:
        left = self.call.time_left()
        if left is None:
            return await step
        try:
            return await asyncio.wait_for(step, left)
        except TimeoutError as error:
            raise _late() from error

    # what is written

    def _headers(self) -> Pairs:
        kind = "application/grpc-web-text+proto" if self.text else "application/grpc-web+proto"
        own = [pair for pair in self.call.headers if pair[0] != "content-type"]
        shared = any(name == "access-control-allow-origin" for name, _ in own)
        exposed = [("access-control-expose-headers", _exposed(own))] if shared else []
        return [("content-type", kind), *own, *exposed]

    def _frame(self, flag: int, data: bytes) -> bytes:
        frame = bytes([flag]) + len(data).to_bytes(4, "big") + data
        return base64.b64encode(frame) if self.text else frame

    def _success(self) -> bytes:
        return _trailers(0, "", self.call.trailers)

    def _failure(self, failure: Exception) -> bytes:
        if not isinstance(failure, HTTPError):
            _log.error("%s %s failed", self.request.id, self.request.path, exc_info=failure)
            failure = HTTPError(500)
        service = self.method.path.rpartition("/")[0].strip("/")
        details = base64.b64encode(rich_status(failure, service, self.request.id)).decode().rstrip("=")
        own = [*self.call.trailers, ("grpc-status-details-bin", details)]
        return _trailers(status_number(status_name(failure)), status_text(failure), own)


def read_frames(body: bytes, encoding: str, limit: int) -> Iterator[bytes]:
    """Yield the messages in a body; unpacked, they are `limit` bytes together at most.

    Raises HTTPError 400 for a broken frame, 413 and 501 for one that is not taken.
    """
    place, left = 0, limit
    while place < len(body):
        flag, length = body[place], int.from_bytes(body[place + 1 : place + 5], "big")
        data = body[place + 5 : place + 5 + length]
        if len(body) - place < 5 or len(data) != length:
            raise HTTPError(400, "the body ends within a frame")
        place += 5 + length
        if flag & TRAILERS:  # a client says nothing in them
            continue
        if flag & COMPRESSED:
            data = _inflated(data, encoding, left)
        left -= len(data)
        if left < 0:
            raise HTTPError(413, f"the messages are over {limit} bytes")
        yield data


def _inflated(data: bytes, encoding: str, most: int) -> bytes:
    """Unpack a message, up to one byte more than `most`."""
    if encoding != "gzip":
        raise HTTPError(501, f"a message compressed by {encoding!r}; gzip is taken")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        message = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise HTTPError(400, "the compressed message is no gzip") from error
    if not unpacker.eof and len(message) <= most:
        raise HTTPError(400, "the compressed message was cut off")
    return message


def _deadline(timeout: str | None) -> float | None:
    """Return when a `grpc-timeout` such as "500m" is over. A malformed one counts as none, as in PROTOCOL-HTTP2.md."""
    match = _TIMEOUT.match(timeout or "")
    return None if match is None else time.monotonic() + int(match[1]) * _UNITS[match[2]]


def _late() -> HTTPError:
    return HTTPError(504, "the deadline is over")


def _trailers(number: int, text: str, own: Pairs) -> bytes:
    """Return the last frame's header fields; the message is percent-encoded UTF-8 (PROTOCOL-HTTP2.md)."""
    lines = [("grpc-status", str(number)), ("grpc-message", quote(text, safe=_PRINTABLE)), *own]
    return "".join(f"{name}: {value}\r\n" for name, value in lines).encode()


def _exposed(own: Pairs) -> str:
    """Return the names of the header fields that a script of another origin may read."""
    kept = (name for name, _ in own if not name.startswith(("access-control-", "set-cookie", "vary")))
    return ", ".join(dict.fromkeys([*_EXPOSED, *kept]))


_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if code != 0x25)


async def _respond_other_port(request: Request) -> Response:
    """Answer gRPC itself, which needs trailers: a status without a message (PROTOCOL-HTTP2.md, Trailers-Only)."""
    text = quote("this port takes gRPC-Web; gRPC is served on the gRPC port", safe=_PRINTABLE)
    return Response(200, [("content-type", "application/grpc"), ("grpc-status", "12"), ("grpc-message", text)], b"")


_OTHER_PORT = Job(_respond_other_port)
DOORS = {kind: lambda request: _OTHER_PORT for kind in ("application/grpc", "application/grpc+proto")}
