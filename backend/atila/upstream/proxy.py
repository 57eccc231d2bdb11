"""A request passed on to a member of an alias, and its answer passed back, in pieces where it is long.

It stands on httpcore2, the engine under httpx2: a proxy sends targets and fields as they came, keeps no cookies and
follows no redirections, which a client does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from atila.alias import Alias, Kind, Member
from atila.errors import HTTPError, SettingError
from atila.http.duplex import Closed, Duplex, Limits
from atila.http.request import Request
from atila.http.response import Response, Stream, is_paced

from .forwarding import RawPairs, base_of, origin_of, request_fields, response_fields, rewritten, target_of
from .members import Members
from .surplus import Guarded
from .tunnel import Handshake, Tunnel, subprotocol_of

if TYPE_CHECKING:
    import httpcore2

WHOLE = 64 * 1024  # bytes: an answer up to this is read whole before it is passed back
KEPT = 4.0  # seconds an idle connection is kept: less than the five after which many servers close it
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
KINDS = frozenset({Kind.HTTP, Kind.HTTPS, Kind.WS, Kind.WSS})

Answer = TypeVar("Answer")

_log = logging.getLogger("atila.proxy")


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """How to treat the members of an alias."""

    timeout: float = 60.0  # seconds a member may take to begin its answer, and between two pieces of it
    connect_timeout: float = 5.0  # seconds to reach a member, and to wait for a free connection
    preserve_host: bool = False  # members get the Host that the client asked for, and not their own


class LoopPool:
    """Connections of one event loop; those of a loop that ended ended with it. Lives as long as its proxy."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: httpcore2.AsyncConnectionPool | None = None

    def get(self) -> httpcore2.AsyncConnectionPool:
        """Return the pool of the running loop."""
        loop = asyncio.get_running_loop()
        if self._pool is None or self._loop is not loop:
            import httpcore2  # processes without a proxy do not load it

            self._loop, self._pool = loop, httpcore2.AsyncConnectionPool(**pool_options(self._most))
        return self._pool

    async def aclose(self) -> None:
        """Close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None and self._loop is asyncio.get_running_loop():
            await pool.aclose()


def pool_options(most: int | None) -> dict[str, Any]:
    """Return the options of a pool of `most` connections at most."""
    return {"max_connections": most, "max_keepalive_connections": most, "keepalive_expiry": KEPT}


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
    """Passes requests on to one alias. Used on an event loop; lives as long as its mount, or as its process."""

    def __init__(self, alias: Alias, settings: ProxySettings | None = None) -> None:
        """Open nothing yet. Raises SettingError when the alias is no HTTP upstream."""
        if alias.kind not in KINDS:
            raise SettingError(f"{alias.name} is of kind {alias.kind}: requests are passed on to HTTP upstreams only")
        import httpcore2  # processes without a proxy do not load it

        self.alias = alias
        self.settings = settings or ProxySettings()
        self.members = Members(alias)
        self._core = httpcore2
        self._errors = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)
        self._requests = LoopPool(alias.max_conns)
        self._sockets = LoopPool(None)  # beside the other, which a hundred open WebSockets would fill up

    async def pass_on(self, request: Request, path: str, patience: float | None = None) -> Response:
        """Return the answer of a member to a request for `path`, decoded; the query is the request's.

        `patience`, in seconds, replaces `timeout`. The next member is asked when one cannot be reached, and when it
        broke off a request that may be repeated.
        Raises HTTPError: 502 when none can be reached or answers in HTTP, 504 when none does in time, 503 when all
        connections are taken; what the client's own body raises passes through.
        """
        waits = patience or self.settings.timeout
        repeatable = request.method in REPEATABLE and not request.body and request.incoming is None
        return await self._first_answer(
            request, lambda member: self._exchange(member, request, path, waits), repeatable
        )

    async def converse(self, request: Request, path: str, duplex: Duplex, limits: Limits) -> None:
        """Pass a WebSocket on, from its handshake to its end. A member that refuses it refuses it to the client.

        Raises HTTPError like `pass_on`.
        """
        handshake = Handshake()
        answer, response = await self._first_answer(
            request, lambda member: self._shake_hands(member, request, path, handshake), repeatable=False
        )
        try:
            if answer.status != 101:
                await duplex.refuse(response)
            elif not handshake.accepted(answer):
                raise HTTPError(502, f"the upstream {self.alias.name} gave no proper answer")
            else:
                fields = [pair for pair in response.headers if not pair[0].startswith("sec-websocket-")]
                await duplex.accept(subprotocol_of(response.headers), fields, limits)
                await Tunnel(duplex, answer.extensions["network_stream"], limits).run()
        except Closed:
            _log.info("%s WebSocket: the client went away", request.id)
        finally:
            await answer.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._requests.aclose()
        await self._sockets.aclose()

    # asking

    async def _first_answer(
        self, request: Request, ask: Callable[[Member], Awaitable[Answer]], repeatable: bool
    ) -> Answer:
        """Ask one member after the other, as long as nothing was sent or it may be sent again."""
        turns = deque(self.members.order())
        failure = HTTPError(502)
        while turns:
            number, member = turns.popleft()
            try:
                answer = await ask(member)
            except self._errors as error:
                verdict = self._judge(error)
                failure = self._failed(member, request, error, verdict)
            else:
                self.members.up(number)
                return answer
            if verdict.unreached:
                self.members.down(number)
            elif verdict.broken and repeatable:
                repeatable = False  # once: the next member, or this one when there is no other
                turns.append((number, member))
            else:
                break
        raise failure

    async def _exchange(self, member: Member, request: Request, path: str, patience: float) -> Response:
        fields = self._fields(member, request)
        content: Any = request.body or request.incoming
        if content is not None:
            length = len(content) if isinstance(content, bytes) else int(request.source.get("content-length"))
            fields.append((b"content-length", str(length).encode()))
        elif request.method not in REPEATABLE and request.method != "DELETE":
            fields.append((b"content-length", b"0"))  # RFC 9110 8.6
        asked = self._request_to(member, request, path, fields, patience, content)
        answer = await self._requests.get().handle_async_request(asked)
        answer.stream = Guarded(answer.stream, answer.extensions.get("network_stream"))
        response = self._begin(answer, member, request)
        await self._fill(response, answer, request.method)
        return response

    async def _shake_hands(
        self, member: Member, request: Request, path: str, handshake: Handshake
    ) -> tuple[httpcore2.Response, Response]:
        fields = handshake.fields(self._fields(member, request))
        asked = self._request_to(member, request, path, fields, self.settings.timeout, None)
        answer = await self._sockets.get().handle_async_request(asked)
        response = self._begin(answer, member, request)
        if answer.status != 101:
            length = _length_of(answer)
            response.body = await answer.aread() if length is not None and length <= WHOLE else b""
        return answer, response

    def _fields(self, member: Member, request: Request) -> RawPairs:
        kept = request.host if self.settings.preserve_host else ""
        return request_fields(request, kept or origin_of(self.alias, member).authority, member)

    def _request_to(
        self, member: Member, request: Request, path: str, fields: RawPairs, patience: float, content: Any
    ) -> httpcore2.Request:
        origin = origin_of(self.alias, member)
        url = self._core.URL(
            scheme=origin.scheme.encode(),
            host=origin.host.encode("ascii" if origin.host.isascii() else "idna"),
            port=origin.port,
            target=target_of(member, path, request.query_string).encode("latin-1", "replace"),
        )
        first = self.settings.connect_timeout
        waits = {"timeout": {"connect": first, "pool": first, "read": patience, "write": patience}}
        return self._core.Request(request.method, url, headers=fields, content=content, extensions=waits)

    def _begin(self, answer: httpcore2.Response, member: Member, request: Request) -> Response:
        """Return the response without its body; a redirection leads where our client gets on."""
        response = Response(answer.status, response_fields(answer.headers))
        origin, base = origin_of(self.alias, member), base_of(member)
        for place, (name, value) in enumerate(response.headers):
            if name in ("location", "content-location"):
                response.headers[place] = (name, rewritten(value, origin, base, request.root))
        return response

    async def _fill(self, response: Response, answer: httpcore2.Response, method: str) -> None:
        length = _length_of(answer)
        if method == "HEAD" or response.status in (204, 304):
            await answer.aclose()
            response.body = Stream(iter(()), length=length) if method == "HEAD" else b""
        elif length is not None and length <= WHOLE:
            try:
                response.body = await answer.aread()
            finally:
                await answer.aclose()
        else:
            response.body = Stream(answer.aiter_stream(), answer.aclose, length, paced=is_paced(response))

    # what went wrong

    def _judge(self, error: Exception) -> Verdict:
        return next(verdict for name, verdict in _VERDICTS.items() if isinstance(error, getattr(self._core, name)))

    def _failed(self, member: Member, request: Request, error: Exception, verdict: Verdict) -> HTTPError:
        """Write down what happened where; the client hears the alias only."""
        where = origin_of(self.alias, member).authority
        said = f"the upstream {self.alias.name} {verdict.reason}"
        _log.warning("%s %s: %s: %s: %s", request.id, request.method, said, where, str(error) or type(error).__name__)
        return HTTPError(verdict.status, said)


def _length_of(answer: httpcore2.Response) -> int | None:
    for name, value in answer.headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None
