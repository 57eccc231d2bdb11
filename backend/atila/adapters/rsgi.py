"""RSGI (Granian's interface, 1.5): from its scope and protocol to a Request, and from a Response to its calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from ..concurrency import Elsewhere, Suspended, step
from ..errors import HTTPError
from ..http.guards import METHODS
from ..http.headers import Headers
from ..http.request import HeaderSource, Request
from ..http.response import FileBody, Pending, Response, Stream
from ..http.site import Job, Site
from ..logs import one_line, streamed
from .deadlines import Deadlines
from .incoming import Incoming
from .pipes import Pipe, Pipes
from .rsgi_sockets import RSGISockets
from .settings import AdapterSettings, body_limit, expected_length, final_headers, known_length, refusal, too_large
from .streaming import arrived, send_stream

_log = logging.getLogger("atila.rsgi")


class RSGI:
    """Serves a Site to an RSGI server. Lives as long as the server's process."""

    def __init__(self, site: Site, settings: AdapterSettings | None = None) -> None:
        self.site = site
        self.settings = settings or AdapterSettings()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.pipes = Pipes()
        self.deadlines = Deadlines(self.settings.body_timeout)
        self.sockets = RSGISockets(site, self.settings)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        if self.settings.threads is not None:
            self.settings.threads.start(loop)
        loop.run_until_complete(self.site.start(loop))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self.sockets.end())
            loop.run_until_complete(self.site.stop())
        finally:
            if self.settings.threads is not None:
                self.settings.threads.stop()

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        if scope.proto != "http":
            await self.sockets.take(scope, proto)
            return
        settings = self.settings
        started = time.perf_counter() if settings.on_answer is not None else 0.0
        pairs = scope.headers.items()
        first: Headers | dict[str, str] = dict(pairs)
        if len(first) != len(pairs):  # a name came twice
            first = Headers(pairs)
        request = Request(scope.method, scope.path, scope.query_string, first, scope)
        if settings.trusted_proxies and request.peer in settings.trusted_proxies:
            request.forwarded = True
            settings.identify(request)
        else:
            request.id = settings.ids()
        try:
            if request.path not in settings.targets.good or request.method not in METHODS:
                settings.targets.check(request.method, request.path)
            if first.get("host") not in settings.hosts.good or type(first) is Headers:
                settings.hosts.check(_one_host(scope, first), request.version)
            job = self.site.resolve(request)
            if job.body_limit and (request.method != "GET" or _announces_body(first)):
                await self._take_body(request, job, proto)
        except HTTPError as error:
            self._send(proto, request, refusal(error), started)
            return
        if job.blocking and settings.threads is not None:
            await settings.threads.submit(self._answer_on_thread, job, request, proto, started)
            return
        response = await job.respond(request)
        if isinstance(response.body, Stream):
            await self._stream(proto, request, response, started)
        else:
            self._send(proto, request, response, started)

    def _answer_on_thread(self, job: Job | Suspended, request: Request, proto: Any, started: float) -> None:
        try:
            response: Response = step(job.respond(request))
        except Suspended as pause:
            pause.go_on = partial(self._answer_on_thread, pause, request, proto, started)
            raise
        if not isinstance(response.body, Stream):
            self._send(proto, request, response, started)
        elif response.body.asynchronous:
            assert self.loop is not None, "__rsgi_init__ comes first"
            rest = self._stream(proto, request, response, started)
            sending = Suspended(rest, Elsewhere(rest, self.loop))  # the thread is free while the loop sends it
            sending.go_on = _nothing
            raise sending
        else:
            self._stream_from_thread(proto, request, response, started)

    async def _take_body(self, request: Request, job: Job, proto: Any) -> None:
        length = expected_length(job, request.source, request.version, self.settings.unsized_bodies)
        if length != 0:
            await self._read_body(request, job, proto, length)

    async def _read_body(self, request: Request, job: Job, proto: Any, length: int | None) -> None:
        settings = self.settings
        if length is not None and 0 < job.stream_over < length:
            request.incoming = Incoming(aiter(proto), length, self.deadlines)
            return
        try:
            whole = length is not None or settings.unsized_bodies
            body = await self.deadlines.keep(proto() if whole else _empty_body(proto))
        except TimeoutError as error:
            raise HTTPError(408, f"the body took over {settings.body_timeout:g} seconds", headers=_CLOSE) from error
        except RuntimeError as error:  # RSGIProtocolClosed: the body ended before its end; the client may still listen
            raise HTTPError(400, "the body was cut off or malformed", headers=_CLOSE) from error
        if len(body) > body_limit(job, request.source):
            raise too_large(body_limit(job, request.source))
        request.body = body

    def _send(self, proto: Any, request: Request, response: Response, started: float) -> None:
        """Send an answer whose length is known; callable from any thread."""
        body = response.body
        headers = final_headers(request, response)
        try:
            if request.method == "HEAD":
                proto.response_empty(response.status, headers + _sized(response))
            elif not body:
                proto.response_empty(response.status, headers)
            elif type(body) is bytes:
                proto.response_bytes(response.status, headers, body)
            else:
                self._send_file(proto, response.status, headers, body)
        except RuntimeError:
            _log.info("%s %s %s: the client went away", request.id, request.method, one_line(request.path))
        if self.settings.on_answer is not None:
            self._tell(request, response, started)

    def _send_file(self, proto: Any, status: int, headers: list[tuple[str, str]], body: FileBody) -> None:
        headers = [*headers, ("content-length", str(body.length))]
        if body.end is None and body.start == 0:
            proto.response_file(status, headers, body.path)
        else:
            proto.response_file_range(status, headers, body.path, body.start, body.start + body.length)

    async def _stream(self, proto: Any, request: Request, response: Response, started: float) -> None:
        """Send a body in pieces from the event loop; its source is closed once, also when the client goes away."""
        body: Stream = response.body
        if isinstance(body, Pending):
            await self._send_pending(proto, request, body, started)
            return
        streamed.set(request)  # for what its source logs
        pipe = self.pipes.open(body) if request.method != "HEAD" else None
        try:
            if pipe is not None:
                await self._send_through(pipe, proto, request, response)
            elif (transport := self._begin(proto, request, response)) is not None:
                await send_stream(body, transport.send_bytes, proto.client_disconnect())
        except Exception:  # the source is the app's own: it may raise anything
            _log.exception("%s %s %s: the stream broke off", request.id, request.method, one_line(request.path))
            _break_off(request)
        finally:
            await body.aclose()
            if pipe is not None:
                pipe.close()
            self._tell(request, response, started)

    async def _send_pending(self, proto: Any, request: Request, body: Pending, started: float) -> None:
        response = await arrived(body, proto.client_disconnect())
        if response is None:
            _log.info("%s %s %s: the client went away", request.id, request.method, one_line(request.path))
            response = Response(499)
            self._send(proto, request, response, started)
        elif isinstance(response.body, Stream):
            await self._stream(proto, request, response, started)
        else:
            self._send(proto, request, response, started)

    async def _send_through(self, pipe: Pipe, proto: Any, request: Request, response: Response) -> None:
        headers = final_headers(request, response) + _promised(response)
        try:
            proto.response_file(response.status, headers, pipe.path)
        except RuntimeError:
            _log.info("%s %s %s: the client went away", request.id, request.method, one_line(request.path))
            return
        await send_stream(response.body, pipe.send, proto.client_disconnect())
        await pipe.opened()

    def _stream_from_thread(self, proto: Any, request: Request, response: Response, started: float) -> None:
        body: Stream = response.body
        assert isinstance(body.chunks, Iterator)
        try:
            transport = self._begin(proto, request, response)
            for chunk in body.chunks if transport is not None else ():
                if not self._sent(transport, chunk):
                    _log.info("%s %s %s: the client went away", request.id, request.method, one_line(request.path))
                    break
        except Exception:  # the source is the app's own: it may raise anything
            _log.exception("%s %s %s: the stream broke off", request.id, request.method, one_line(request.path))
            _break_off(request)
        finally:
            body.close()
            self._tell(request, response, started)

    def _begin(self, proto: Any, request: Request, response: Response) -> Any:
        """Begin an answer in pieces; return their transport, or None when nobody takes them."""
        headers = final_headers(request, response)
        try:
            if request.method == "HEAD":
                proto.response_empty(response.status, headers + _promised(response))
                return None
            return proto.response_stream(response.status, headers + _promised(response))
        except RuntimeError:
            _log.info("%s %s %s: the client went away", request.id, request.method, one_line(request.path))
            return None

    def _sent(self, transport: Any, chunk: bytes) -> bool:
        """Send a piece from a thread. Returns False when nobody listens any more."""
        try:
            self._wait(_send_one(transport, chunk))
        except RuntimeError:
            return False
        return True

    def _wait(self, coroutine: Coroutine[Any, Any, None]) -> None:
        assert self.loop is not None, "__rsgi_init__ comes first"
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def _tell(self, request: Request, response: Response, started: float) -> None:
        if self.settings.on_answer is not None:
            self.settings.on_answer(request, response.status, known_length(response), time.perf_counter() - started)


def _break_off(request: Request) -> None:
    """Let the client see that an answer is not whole; not over HTTP/2, where others share the connection."""
    if request.version in ("1.0", "1.1"):
        from .claimed import break_off  # a megabyte with WebSockets, and hardly ever needed

        break_off(request.connection)


def _nothing() -> None:
    """All is done."""


def _announces_body(source: HeaderSource) -> bool:
    return "content-length" in source or "transfer-encoding" in source


_CLOSE = [("connection", "close")]


def _one_host(scope: Any, source: Headers | dict[str, str]) -> str | None:
    """Return the request's host. Raises HTTPError 400 when it has several Host headers (RFC 9112 3.2)."""
    if isinstance(source, Headers) and len(source.get_all("host")) > 1:
        raise HTTPError(400, "there is more than one Host header")
    host: str | None = source.get("host")
    if host is None and scope.authority:  # HTTP/2 says it as :authority (RFC 9113 8.3.1); who asks for Host gets it
        host = str(scope.authority)
        if isinstance(source, Headers):
            source.lead("host", host)
        else:
            source["host"] = host
    return host


def _sized(response: Response) -> list[tuple[str, str]]:
    """Return the Content-Length that an answer to HEAD tells; 204 and 304 tell none (RFC 9110 8.6)."""
    return [] if response.status in (204, 304) else [("content-length", str(known_length(response)))]


def _promised(response: Response) -> list[tuple[str, str]]:
    """Return the Content-Length of a stream whose maker told it."""
    return [] if response.body.length is None else _sized(response)


async def _empty_body(proto: Any) -> bytes:
    async for chunk in proto:
        if chunk:
            raise HTTPError(411, "a body needs a Content-Length here")
    return b""


async def _send_one(transport: Any, chunk: bytes) -> None:
    await transport.send_bytes(chunk)
