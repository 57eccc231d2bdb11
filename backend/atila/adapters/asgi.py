"""ASGI 3: from its scope and events to a Request, and from a Response to events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

from ..concurrency import Suspended, step
from ..errors import HTTPError
from ..http.guards import check_target
from ..http.headers import Headers, Pairs
from ..http.request import Request
from ..http.response import FileBody, Pending, Response, Stream
from ..http.site import Job, Site
from ..logs import one_line, streamed
from .asgi_sockets import ASGISockets
from .deadlines import Deadlines
from .hints import EXTENSION, EarlyHints
from .incoming import Incoming
from .settings import AdapterSettings, body_limit, expected_length, final_headers, known_length, refusal, too_large
from .streaming import arrived, send_stream

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("atila.asgi")
_CHUNK = 256 * 1024  # bytes of a file sent at a time


class ClientGoneError(Exception):
    """The client went away before its request was whole."""


class ASGI:
    """Serves a Site to an ASGI server; without lifespan it starts at first use. Lives as long as the process."""

    def __init__(self, site: Site, settings: AdapterSettings | None = None) -> None:
        self.site = site
        self.settings = settings or AdapterSettings()
        self.sockets = ASGISockets(site, self.settings)
        self._started = False
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self.start()
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            await self.start()
            await self.sockets.take(scope, receive, send)
        else:  # as its specification wants it: the server tells whoever asked
            raise ValueError(f"an ASGI server's {scope['type']!r} is none of http, websocket and lifespan")

    async def start(self) -> None:
        """Start the site and the threads, once; who comes meanwhile waits for it. Raises what the site raises."""
        if not self._started:
            async with self._starting:
                await self._start()

    async def _start(self) -> None:
        if self._started:
            return
        loop = asyncio.get_running_loop()
        if self.settings.threads is not None:
            self.settings.threads.start(loop)
        await self.site.start(loop)
        self._started = True

    async def stop(self) -> None:
        """Stop the site and the threads; the next request would start them again. Raises what the site raises."""
        self._started = False
        try:
            await self.sockets.end()
            await self.site.stop()
        finally:
            if self.settings.threads is not None:
                await asyncio.to_thread(self.settings.threads.stop)  # a handler at its end may need the loop

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            _log.exception("the application could not be started")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await self.stop()
        except Exception as error:
            _log.exception("the application could not be stopped")
            await send({"type": "lifespan.shutdown.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        settings = self.settings
        headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        peer = (scope.get("client") or ("", 0))[0]
        request = Request(
            scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers,
            version=scope["http_version"], scheme=scope.get("scheme", "http"), peer=peer,
            forwarded=peer in settings.trusted_proxies,
        )  # fmt: skip
        settings.identify(request)
        hints = EarlyHints(send) if EXTENSION in (scope.get("extensions") or ()) else None
        if hints is not None:
            request.hint = hints.give
        try:
            check_target(request.method, request.path)
            settings.hosts.check(_one_host(headers), request.version)
            job = self.site.resolve(request)
            if job.body_limit:
                request.body = await self._read_body(request, job, receive)
            response = await self._answer(job, request)
            if isinstance(response.body, Pending):
                # Only one may receive: while the body is read, its end tells that the client is gone.
                gone = _disconnected(receive) if request.incoming is None else asyncio.Event().wait()
                response = await arrived(response.body, gone) or Response(499)
        except HTTPError as error:
            response = refusal(error)
        except ClientGoneError as gone:
            _log.info("%s %s %s: %s", request.id, request.method, one_line(request.path), gone)
            return
        await self._send(request, response, receive, send, hints)
        if settings.on_answer is not None:
            settings.on_answer(request, response.status, known_length(response), time.perf_counter() - started)

    async def _answer(self, job: Job, request: Request) -> Response:
        threads = self.settings.threads
        if not job.blocking or threads is None:
            return await job.respond(request)
        answers: list[Response] = []
        await threads.submit(self._answer_on_thread, job, request, answers)
        return answers[0]

    def _answer_on_thread(self, job: Job | Suspended, request: Request, answers: list[Response]) -> None:
        try:
            answers.append(step(job.respond(request)))
        except Suspended as pause:
            pause.go_on = partial(self._answer_on_thread, pause, request, answers)
            raise

    async def _read_body(self, request: Request, job: Job, receive: Receive) -> bytes | None:
        settings = self.settings
        length = expected_length(job, request.source, request.version, unsized=True)
        if length == 0:
            return None
        if length is not None and 0 < job.stream_over < length:
            request.incoming = Incoming(_arriving(receive), length, Deadlines(settings.body_timeout))
            return None
        limit = body_limit(job, request.source)
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(settings.body_timeout):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGoneError("the body was cut off or malformed")
                    pieces.append(message.get("body", b""))
                    size += len(pieces[-1])
                    if size > limit:
                        raise too_large(limit)
                    if not message.get("more_body", False):
                        break
        except TimeoutError as error:
            raise HTTPError(
                408, f"the body took over {settings.body_timeout:g} seconds", headers=[("connection", "close")]
            ) from error
        if length is not None and size != length:
            raise HTTPError(400, f"the body has {size} bytes and not the {length} of its Content-Length")
        return b"".join(pieces)

    async def _send(
        self, request: Request, response: Response, receive: Receive, send: Send, hints: EarlyHints | None
    ) -> None:
        headers = final_headers(request, response)
        length = known_length(response)
        if length is not None and response.status not in (204, 304):
            headers = [*headers, ("content-length", str(length))]
        body = response.body
        try:
            if hints is not None:
                await hints.finish()
            await send({"type": "http.response.start", "status": response.status, "headers": _raw(headers)})
            if isinstance(body, Stream):
                await _send_stream(request, body, receive, send)
            elif isinstance(body, FileBody) and request.method != "HEAD":
                await _send_file(request, body, send)
            else:
                await _send_last(send, b"" if request.method == "HEAD" or isinstance(body, FileBody) else body)
        except OSError:
            _log.info("%s %s %s: the client went away", request.id, request.method, one_line(request.path))
        finally:
            if isinstance(body, Stream):
                await body.aclose()


async def _send_last(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_file(request: Request, body: FileBody, send: Send) -> None:
    left = body.length
    try:
        file = open(body.path, "rb")  # noqa: ASYNC230, SIM115 - a local file opens at once; closed below
    except OSError:
        _log.exception("%s %s %s: the file cannot be read", request.id, request.method, one_line(request.path))
        return  # half an answer, so the server ends the connection
    with file:
        file.seek(body.start)
        while left > 0 and (piece := await asyncio.to_thread(file.read, min(left, _CHUNK))):
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await _send_last(send, b"")


async def _send_stream(request: Request, body: Stream, receive: Receive, send: Send) -> None:
    """Send a body in pieces until it ends or the client goes away."""

    async def send_piece(piece: bytes) -> None:
        await send({"type": "http.response.body", "body": piece, "more_body": True})

    if request.method != "HEAD":
        streamed.set(request)  # for what its source logs
        try:
            await send_stream(body, send_piece, _disconnected(receive))
        except Exception:  # the source is the app's own: it may raise anything
            _log.exception("%s %s %s: the stream broke off", request.id, request.method, one_line(request.path))
            return
    await _send_last(send, b"")


async def _arriving(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more and (message := await receive())["type"] != "http.disconnect":
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _one_host(headers: Headers) -> str | None:
    hosts = headers.get_all("host")
    if len(hosts) > 1:
        raise HTTPError(400, "there is more than one Host header")
    return hosts[0] if hosts else None


def _raw(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
