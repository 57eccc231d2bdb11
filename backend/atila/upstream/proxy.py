"""A request passed on to a member of an alias, and its answer passed back, in pieces where it is long.

It stands on httpcore2, the engine under httpx2: a proxy sends targets and fields as they came, keeps no cookies and
follows no redirections, which a client does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from atila.alias import Alias, Kind, Member
from atila.errors import HTTPError, SettingError
from atila.http.request import Request
from atila.http.response import Response, Stream

from .forwarding import origin_of, request_fields, response_fields, rewritten, target_of
from .members import Members

if TYPE_CHECKING:
    import httpcore2

WHOLE = 64 * 1024  # bytes: an answer up to this is read whole before it is passed back
KEPT = 4.0  # seconds an idle connection is kept: less than the five after which many servers close it
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
KINDS = frozenset({Kind.HTTP, Kind.HTTPS, Kind.WS, Kind.WSS})

_log = logging.getLogger("atila.proxy")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """How to treat the members of an alias."""

    timeout: float = 60.0  # seconds a member may take to begin its answer, and between two pieces of it
    connect_timeout: float = 5.0  # seconds to reach a member, and to wait for a free connection
    preserve_host: bool = False  # members get the Host that the client asked for, and not their own


class Verdict(NamedTuple):
    """What an error of the exchange means for the client, and whether another try may help."""

    status: int
    reason: str
    unreached: bool = False  # nothing was sent
    broken: bool = False  # something was sent, and the connection ended


# By the names of httpcore2's errors; the first that fits counts.
_VERDICTS = {
    "ConnectTimeout": Verdict(504, "cannot be reached", unreached=True),
    "ConnectError": Verdict(502, "cannot be reached", unreached=True),
    "PoolTimeout": Verdict(503, "has no free connection"),
    "TimeoutException": Verdict(504, "did not answer in time"),
    "NetworkError": Verdict(502, "broke off", broken=True),
    "RemoteProtocolError": Verdict(502, "gave no proper answer", broken=True),
    "ProtocolError": Verdict(502, "cannot be asked this"),
}


class Proxy:
    """Passes requests on to one alias. Lives as long as its mount, or as its process.

    It has one pool of connections for the event loop, and one for the threads of plain handlers.
    """

    def __init__(self, alias: Alias, settings: ProxySettings | None = None) -> None:
        """Open nothing yet. Raises SettingError when the alias is no HTTP upstream."""
        if alias.kind not in KINDS:
            raise SettingError(f"{alias.name} is of kind {alias.kind}: requests are passed on to HTTP upstreams only")
        import httpcore2  # here: processes without a proxy do not load it

        self.alias = alias
        self.settings = settings or ProxySettings()
        self.members = Members(alias)
        self._core = httpcore2
        self._errors = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_pool: httpcore2.AsyncConnectionPool | None = None
        self._thread_pool: httpcore2.ConnectionPool | None = None

    async def pass_on(
        self, request: Request, path: str, *, plain: bool = False, patience: float | None = None
    ) -> Response:
        """Return the answer of a member to a request for `path`, decoded; the query is the request's.

        A `plain` call blocks its thread and never suspends. `patience`, in seconds, replaces `timeout`. The next
        member is asked when one cannot be reached, and when it broke off a request that may be repeated.
        Raises HTTPError: 502 when none can be reached or answers in HTTP, 504 when none does in time, 503 when all
        connections are taken; what the client's own body raises passes through.
        """
        turns = list(self.members.order())
        repeatable = request.method in REPEATABLE and not request.body
        failure = HTTPError(502)
        for attempt, (number, member) in enumerate(turns + turns[:1] * repeatable, 1):
            try:
                return await self._ask(member, request, path, plain, patience or self.settings.timeout)
            except self._errors as error:
                verdict = self._judge(error)
                failure = self._failed(member, request, error, verdict)
            if verdict.unreached:
                self.members.down(number)
            if attempt >= len(turns) if verdict.unreached else not (verdict.broken and repeatable):
                break
        raise failure

    async def aclose(self) -> None:
        """Close the connections."""
        pool, self._loop_pool = self._loop_pool, None
        if pool is not None and self._loop is asyncio.get_running_loop():
            await pool.aclose()
        self.close()

    def close(self) -> None:
        """Close the connections of plain calls; those of an event loop end with it."""
        pool, self._thread_pool = self._thread_pool, None
        if pool is not None:
            pool.close()

    # asking

    async def _ask(self, member: Member, request: Request, path: str, plain: bool, patience: float) -> Response:
        scheme, authority = origin_of(self.alias, member)
        asked = self._request_to(member, request, path, scheme, authority)
        first = self.settings.connect_timeout
        asked.extensions["timeout"] = {"connect": first, "pool": first, "read": patience, "write": patience}
        if plain:
            answer = self._pool_of_threads().handle_request(asked)
        else:
            answer = await self._pool_of_loop().handle_async_request(asked)
        if answer.status < 200:
            await _close(answer, plain)
            raise self._core.RemoteProtocolError(f"status {answer.status} was not asked for")
        response = Response(answer.status, response_fields(answer.headers))
        self._redirect(response, member, request.root, f"{scheme}://{authority}")
        await self._fill(response, answer, request.method, plain)
        return response

    def _request_to(
        self, member: Member, request: Request, path: str, scheme: str, authority: str
    ) -> httpcore2.Request:
        host = request.host if self.settings.preserve_host and request.host else authority
        fields = request_fields(request, host, member)
        content: Any = request.body or request.incoming
        if content is not None:
            length = len(content) if isinstance(content, bytes) else int(request.source.get("content-length"))
            fields.append((b"content-length", str(length).encode()))
        elif request.method not in REPEATABLE and request.method != "DELETE":
            fields.append((b"content-length", b"0"))  # RFC 9110 8.6
        name, _, port = authority.rpartition(":") if not authority.endswith("]") else ("", "", "")
        host_name = name if port.isdecimal() else authority
        url = self._core.URL(
            scheme=scheme.encode(),
            host=host_name.strip("[]").encode("idna" if not host_name.isascii() else "ascii"),
            port=int(port) if port.isdecimal() else None,
            target=target_of(member, path, request.query_string).encode("latin-1", "replace"),
        )
        return self._core.Request(request.method, url, headers=fields, content=content)

    def _redirect(self, response: Response, member: Member, prefix: str, origin: str) -> None:
        base = f"/{member.database.strip('/')}" if member.database.strip("/") else ""
        for place, (name, value) in enumerate(response.headers):
            if name in ("location", "content-location"):
                response.headers[place] = (name, rewritten(value, origin, base, prefix))

    async def _fill(self, response: Response, answer: httpcore2.Response, method: str, plain: bool) -> None:
        length = _length_of(answer)
        if method == "HEAD" or response.status in (204, 304):
            await _close(answer, plain)
            response.body = Stream(iter(()), length=length) if method == "HEAD" else b""
        elif length is not None and length <= WHOLE:
            try:
                response.body = answer.read() if plain else await answer.aread()
            finally:
                await _close(answer, plain)
        elif plain:
            response.body = Stream(iter(answer.iter_stream()), answer.close, length=length)
        else:
            response.body = Stream(_pieces(answer), answer.aclose, length=length)

    # what went wrong

    def _judge(self, error: Exception) -> Verdict:
        return next(verdict for name, verdict in _VERDICTS.items() if isinstance(error, getattr(self._core, name)))

    def _failed(self, member: Member, request: Request, error: Exception, verdict: Verdict) -> HTTPError:
        """Write down what happened where; the client hears the alias only."""
        where = origin_of(self.alias, member)[1]
        said = f"the upstream {self.alias.name} {verdict.reason}"
        _log.warning("%s %s: %s: %s: %s", request.id, request.method, said, where, str(error) or type(error).__name__)
        return HTTPError(verdict.status, said)

    # connections

    def _options(self) -> dict[str, Any]:
        most = self.alias.max_conns
        return {"max_connections": most, "max_keepalive_connections": most, "keepalive_expiry": KEPT}

    def _pool_of_loop(self) -> httpcore2.AsyncConnectionPool:
        loop = asyncio.get_running_loop()
        if self._loop_pool is None or self._loop is not loop:  # connections of a loop that ended ended with it
            self._loop, self._loop_pool = loop, self._core.AsyncConnectionPool(**self._options())
        return self._loop_pool

    def _pool_of_threads(self) -> httpcore2.ConnectionPool:
        if self._thread_pool is None:
            self._thread_pool = self._core.ConnectionPool(**self._options())
        return self._thread_pool


def _length_of(answer: httpcore2.Response) -> int | None:
    for name, value in answer.headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None


async def _pieces(answer: httpcore2.Response) -> AsyncIterator[bytes]:
    async for piece in answer.aiter_stream():
        if piece:
            yield piece


async def _close(answer: httpcore2.Response, plain: bool) -> None:
    if plain:
        answer.close()
    else:
        await answer.aclose()
