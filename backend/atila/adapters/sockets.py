"""The WebSockets of an adapter: who asks for one, what answers the handshake, and their end with the server's."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence

from ..errors import HTTPError
from ..http.duplex import Duplex
from ..http.guards import check_target
from ..http.headers import Headers
from ..http.request import Request
from ..http.response import Response
from ..http.site import Site
from ..logs import one_line
from .settings import AdapterSettings, refusal

GOING_AWAY, FAILED = 1001, 1011  # RFC 6455 7.4.1

LONGEST_END = 10.0  # seconds in which all connections can end when the server does

_log = logging.getLogger("atila.websocket")


def offered_by(headers: Headers) -> list[str]:
    """Return the subprotocols that a client offers (RFC 6455 11.3.4), in its order."""
    lines = headers.get_all("sec-websocket-protocol")
    return [name for name in (part.strip() for line in lines for part in line.split(",")) if name]


def check_handshake(request: Request) -> None:
    """Raise HTTPError 400 for a request that opens no WebSocket (RFC 6455 4.2.1), whatever the server makes of it.

    One with a body is none: a proxy before us could take what follows it for another request.
    """
    keys = request.headers.get_all("sec-websocket-key")  # some servers keep it to themselves
    if request.method != "GET" or request.version == "1.0":
        raise HTTPError(400, "a WebSocket begins with a GET of HTTP/1.1 or later")
    if request.get_header("content-length", "0") != "0" or request.get_header("transfer-encoding") is not None:
        raise HTTPError(400, "a WebSocket's handshake has no body")
    if len(keys) > 1 or not all(_KEY.match(key.strip()) for key in keys):
        raise HTTPError(400, "Sec-WebSocket-Key is one of 16 bytes, in base64")


_KEY = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==\Z")


class Sockets:
    """Every WebSocket that a server's process serves. Lives as long as it; used on its event loop."""

    def __init__(self, site: Site, settings: AdapterSettings) -> None:
        self.site = site
        self.settings = settings
        self.open: set[Duplex] = set()
        self.leaving = False
        self._ended: asyncio.Future[None] | None = None

    async def serve(self, request: Request, duplex: Duplex, hosts: Sequence[str]) -> None:
        """Answer a handshake, and serve the connection to its end. Raises nothing that the app causes."""
        settings, started = self.settings, time.perf_counter()
        if settings.trusted_proxies:
            request.forwarded = request.peer in settings.trusted_proxies
        settings.identify(request)
        self.open.add(duplex)
        try:
            await self._converse(request, duplex, hosts)
        except HTTPError as error:
            answer = refusal(error)
            answer.headers.append(("x-request-id", request.id))
            await duplex.refuse(answer)
        except Exception:  # handlers are the app's own: they may raise anything
            _log.exception("%s WebSocket %s broke off", request.id, one_line(request.path))
            if not duplex.status:
                await duplex.refuse(Response(500))
            duplex.close(FAILED)
        finally:
            self.open.discard(duplex)
            if self._ended is not None and not self.open and not self._ended.done():
                self._ended.set_result(None)
            if settings.on_answer is not None:
                settings.on_answer(request, duplex.status, None, time.perf_counter() - started)

    async def _converse(self, request: Request, duplex: Duplex, hosts: Sequence[str]) -> None:
        check_target(request.method, request.path)
        check_handshake(request)
        if len(hosts) > 1:
            raise HTTPError(400, "there is more than one Host header")
        self.settings.hosts.check(hosts[0] if hosts else None, request.version)
        if self.leaving:
            raise HTTPError(503, "this process is about to end; try again")
        job = self.site.resolve(request)
        if job.converse is None:
            raise HTTPError(400 if job.found else 404, "no WebSocket is served here")
        await job.converse(request, duplex, self.settings.threads)

    def leave(self) -> None:
        """Close every connection with 1001, and refuse new ones: the server is about to end."""
        self.leaving = True
        for duplex in list(self.open):
            duplex.close(GOING_AWAY, "the server is going away")

    async def end(self) -> None:
        """Leave, and wait until every connection is over and its `onclose` has run."""
        self.leave()
        if self.open:
            self._ended = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._ended}, timeout=LONGEST_END)
        self.leaving = False  # some servers begin anew
