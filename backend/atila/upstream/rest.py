"""HTTP to upstreams: pooled connections of one process, and the next server when one is down. On httpx2."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import ssl
import time
from collections.abc import Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, unquote

import httpx2

from atila.alias import Alias, Kind, Member
from atila.metrics import Histogram

from . import message
from .forwarding import base_of, has_dots, origin_of
from .loop import Loop
from .members import Members
from .message import Call, Failure, HTTPReply, Pairs, as_bytes, basic
from .surplus import Guarded

CONNECTIONS = 100  # of one process to all servers that are called by URL
_WAITING = 0.9  # of a call's time that it may wait for a connection: so the reply can say that there was none
_PATH_END = re.compile("[?#]")
_ACCEPT = "application/json, */*;q=0.8"
UNREACHED = (httpx2.ConnectError, httpx2.ConnectTimeout)  # nothing was sent
_LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)

# Looked through in this order.
_FAILURES: tuple[tuple[type[Exception], Failure], ...] = (
    (TimeoutError, message.LATE),
    (httpx2.PoolTimeout, message.CROWDED),
    (httpx2.ConnectTimeout, message.UNCONNECTED),
    (httpx2.TimeoutException, message.LATE),
    (httpx2.ConnectError, message.UNREACHABLE),
    (httpx2.UnsupportedProtocol, message.UNSENDABLE),
    (httpx2.LocalProtocolError, message.UNSENDABLE),
    (httpx2.RemoteProtocolError, message.CUT_OFF),
    (httpx2.NetworkError, message.CUT_OFF),
    (httpx2.DecodingError, message.MALFORMED),
    (httpx2.TooManyRedirects, message.ASTRAY),
)

_log = logging.getLogger("atila.upstream")


class TooLargeError(Exception):
    """An answer's body went over its limit."""


class Rest:
    """Sends calls. Lives as long as the process; its clients live on its loop.

    Cookies of upstreams are never kept: calls of several users share connections.
    """

    def __init__(self, loop: Loop, keep_alive: float, seconds: Histogram) -> None:
        """`keep_alive` is for how many seconds a connection that nobody uses stays open; `seconds` counts calls."""
        self.loop = loop
        self.keep_alive = keep_alive
        self.seconds = seconds  # by alias and status
        self._hosts: dict[str, Host] = {}
        self._leaving: set[asyncio.Future[None]] = set()
        loop.when_closing(self._close)
        library = logging.getLogger("httpx2")
        if library.level == logging.NOTSET:
            library.setLevel(logging.WARNING)  # it tells of every call, with whatever its URL holds

    async def send(self, call: Call, alias: Alias | None = None) -> HTTPReply:
        """Send a call to a server of `alias`, or to its URL, and return what became of it. Never raises."""
        began = time.perf_counter()
        reply = await self._send(call, alias)
        name = alias.name.partition("#")[0] if alias is not None else ""  # `map` calls one server of an alias
        self.seconds.observe(time.perf_counter() - began, (name, str(reply.status_code)))
        return reply

    async def _send(self, call: Call, alias: Alias | None) -> HTTPReply:
        host = self.host(alias)
        try:
            async with asyncio.timeout(call.timeout):
                return await host.send(call)
        except TooLargeError as error:
            return HTTPReply.of_failure(message.TOO_LARGE, error)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            return HTTPReply.of_failure(failure_of(error), error)
        except ssl.SSLError as error:  # as TLS 1.3 refuses a certificate of ours: while its answer is read
            return HTTPReply.of_failure(message.UNTRUSTED, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits gets it
            place = call.url.partition("?")[0].rpartition("@")  # without the user that a URL may name
            _log.exception("a call to %s could not be made", f"@{place[2]}" if place[1] else place[2])
            return HTTPReply.of_failure(message.UNSENDABLE, error)

    def usage(self) -> dict[str, int]:
        """Return how many calls run at the moment, by alias; "@" stands for those to URLs."""
        return {host.members.alias.name: host.running for host in list(self._hosts.values())}

    def host(self, alias: Alias | None) -> Host:
        """Return the servers of an alias, or for None those that are called by URL."""
        name = "" if alias is None else alias.name
        host = self._hosts.get(name)
        if host is None or host.members.alias != (alias or ANYWHERE):
            if host is not None:
                self._leaving.add(leaving := asyncio.ensure_future(host.close()))  # the alias was named anew
                leaving.add_done_callback(self._leaving.discard)
            host = self._hosts[name] = Host(alias or ANYWHERE, self.keep_alive)
        return host

    async def _close(self) -> None:
        while self._hosts:
            await self._hosts.popitem()[1].close()


class Host:
    """The servers of one alias and the connections to them. Lives on the loop, as long as the process."""

    def __init__(self, alias: Alias, keep_alive: float) -> None:
        self.members = Members(alias)
        self.keep_alive = keep_alive
        self.running = 0  # calls that wait for their answer
        self._clients: dict[tuple[bool, bool], httpx2.AsyncClient] = {}  # by whether they speak TLS, and upgrade

    async def send(self, call: Call) -> HTTPReply:
        """Send a call to the server whose turn it is, and to the next one when it is down.

        Raises httpx2.HTTPError, InvalidURL, TooLargeError.
        """
        self.running += 1
        try:
            return await self._send_to_members(call)
        finally:
            self.running -= 1

    async def _send_to_members(self, call: Call) -> HTTPReply:
        lost: httpx2.TransportError | None = None
        patience = call.timeout / len(self.members)
        for number, member in self._attempts():
            try:
                reply = await self._send_once(call, member, patience)
            except UNREACHED as error:
                self.members.down(number)
                if len(self.members) == 1:
                    raise
                lost = error
            except _LOST as error:
                if not call.repeatable:
                    raise
                lost = error
            else:
                self.members.up(number)
                return reply
        raise lost or RuntimeError("an alias has a member")

    def _attempts(self) -> Iterator[tuple[int, Member]]:
        yield from self.members.order()
        if len(self.members) == 1:
            yield 0, self.members.alias.members[0]  # a connection that was idle may have been closed meanwhile

    async def _send_once(self, call: Call, member: Member, patience: float) -> HTTPReply:
        url, headers = self.address(call.url, call.headers, member)
        client = self.client(url.startswith("https:") or call.redirects)  # which lead to HTTPS, as a rule
        timeout = httpx2.Timeout(None, connect=patience, pool=call.timeout * _WAITING)
        request = client.build_request(
            call.method, url, headers=as_bytes(headers), content=call.content or None, timeout=timeout
        )
        response = await client.send(request, stream=True, follow_redirects=call.redirects)
        try:
            content = await _read(response, call.max_size)
        finally:
            await response.aclose()
        return HTTPReply(
            response.status_code,
            response.reason_phrase,
            response.headers.multi_items(),
            content,
            url=str(response.url),
            version=response.http_version,
            decode=call.decode,
        )

    def address(self, url: str, headers: Pairs, member: Member) -> tuple[str, Pairs]:
        """Return the URL and the headers of a call to one server. Raises InvalidURL for one that leaves its path."""
        alias = self.members.alias
        if not url.startswith("@"):
            return url, headers
        rest = url.partition("/")[2]
        if ("." in rest or "%" in rest) and has_dots(unquote(_PATH_END.split(rest, 1)[0]).replace("\\", "/")):
            raise httpx2.InvalidURL("dot segments would lead out of the alias's path")
        if member.user and not any(name.lower() == "authorization" for name, _ in headers):
            headers = [*headers, ("authorization", basic(member.user, member.password))]
        base = quote(base_of(member), safe="/")
        return f"{origin_of(alias, member)}{base}/{rest}", headers

    def client(self, secure: bool, upgrading: bool = False) -> httpx2.AsyncClient:
        """Return the client for plain or for TLS connections; for `upgrading` to WebSockets, which HTTP/1.1 does."""
        client = self._clients.get((secure, upgrading))
        if client is None:
            client = self._clients[secure, upgrading] = self._make_client(secure, upgrading)
        return client

    async def close(self) -> None:
        """Close the connections that nobody uses; the others end with their calls."""
        while self._clients:
            await self._clients.popitem()[1].aclose()

    def _make_client(self, secure: bool, upgrading: bool) -> httpx2.AsyncClient:
        alias = self.members.alias
        options = alias.members[0].options
        context = tls_context(options) if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        transport = Transport(
            http1=upgrading or options.get("http") != "2",  # ?http=2 is HTTP/2 without TLS too (RFC 9113 3.3)
            http2=not upgrading,
            verify=context,
            trust_env=False,
            limits=httpx2.Limits(
                max_connections=alias.max_conns,
                max_keepalive_connections=alias.max_conns,
                keepalive_expiry=self.keep_alive,
            ),
        )
        return httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            headers={"user-agent": "atila", "accept": _ACCEPT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=None,
            max_redirects=10,
        )


class Transport(httpx2.AsyncHTTPTransport):
    """Connections, of which none is used again after a server has said more than its answer."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.status_code != 101:
            response.stream = _Body(response.stream, response.extensions.get("network_stream"))
        return response


class _Body(Guarded, httpx2.AsyncByteStream):
    """The same, as httpx2 knows it."""


ANYWHERE = Alias("@", Kind.HTTP, (Member(),), max_conns=CONNECTIONS)  # stands for URLs


def tls_context(options: Any) -> ssl.SSLContext:
    """Return how TLS is spoken to an alias whose members say `?ca=ca.pem&cert=us.pem&key=us.key&verify=no`."""
    context = ssl.create_default_context(cafile=options.get("ca"))
    if options.get("verify") == "no":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.get("cert"):
        context.load_cert_chain(options["cert"], options.get("key"))
    return context


def failure_of(error: Exception) -> Failure:
    """Return what an exception of httpx2 means."""
    if isinstance(error, httpx2.ConnectError):
        causes = list(_causes(error))
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return message.UNTRUSTED
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            return message.UNNAMED
    return next((failure for kind, failure in _FAILURES if isinstance(error, kind)), message.UNSENDABLE)


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


async def _read(response: httpx2.Response, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > limit:
            raise TooLargeError(f"the answer of {response.url.host} has over {limit} bytes")
        pieces.append(piece)
    return b"".join(pieces)
