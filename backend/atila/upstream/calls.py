"""A request's calls to upstreams: `was.get("@shop/orders")`, `was.rpc("@books/rpc2").find("Emma")` and their kin."""

from __future__ import annotations

import itertools
import logging
import re
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from atila.alias import Alias, Kind, Member
from atila.config import Config
from atila.errors import SettingError
from atila.http.headers import check_field
from atila.http.request import Request
from atila.platform import Platform

from .cache import Place
from .clients import Clients, open_clients
from .message import Call, Pairs, basic
from .task import Reply, Task

HTTP_KINDS = (Kind.HTTP, Kind.HTTPS, Kind.WS, Kind.WSS)
Callback = Callable[[Any], object]
Auth = tuple[str, str] | str  # user and password, or a bearer token
Use = bool | float  # whether a kept reply will do, or since when it must have been kept

_TRANSACTION = re.compile(r"[A-Za-z0-9._:/+=-]{1,100}\Z")
_log = logging.getLogger("atila.upstream")


class Origin:
    """On whose behalf calls are made; upstreams learn it from header fields. Lives as long as the request.

    X-Gtxn-Id is the same for all calls of a request and of those it causes, X-Ltxn-Id counts the calls from 1000.
    """

    def __init__(self, request: Request | None = None) -> None:
        self._request = request
        self._numbers = itertools.count(1000)
        given = request.get_header("x-gtxn-id", "") if request is not None else ""
        self.transaction = given if given and _TRANSACTION.match(given) else _id_of(request)

    def fields(self) -> Pairs:
        """Return the header fields of one more call."""
        fields = [("x-gtxn-id", self.transaction), ("x-ltxn-id", str(next(self._numbers)))]
        return fields + self._request.trace.headers() if self._request is not None else fields


def _id_of(request: Request | None) -> str:
    return (request.id if request is not None else "") or uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Limits:
    """What an app's settings say of its calls."""

    timeout: float  # seconds
    answer_size: int  # bytes
    cache_size: int  # bytes

    @classmethod
    def of(cls, config: Config) -> Limits:
        return cls(config.upstream_timeout, config.max_upstream_answer_size, config.max_cache_size)


class Calls:
    """The calls of one request. Lives as long as the request, or as a step of the app's life outside one."""

    def __init__(self, clients: Clients, limits: Limits, request: Request | None = None) -> None:
        self.clients = clients
        self.limits = limits
        self.origin = Origin(request)
        self.inline = request is None or request.route is None or not request.route.asynchronous

    @classmethod
    def of(cls, platform: Platform, config: Config, request: Request | None = None) -> Calls:
        """Return the calls of a request, or of code outside one."""
        return cls(platform.resource(open_clients), Limits.of(config), request)

    def alias(self, url: str, *kinds: Kind) -> Alias | None:
        """Return the alias that "@alias/path" names, None for another URL.

        Raises SettingError when there is none of that name, or when it is of another kind.
        """
        if not url.startswith("@"):
            return None
        alias = self.clients.platform.find_alias(url.partition("/")[0])
        if alias.kind not in kinds:
            raise SettingError(f"{alias.name} is of kind {alias.kind}; this call takes {', '.join(kinds)}")
        return alias

    def members(self, url: str, *kinds: Kind) -> tuple[Member, ...]:
        """Return the servers of an alias. Raises SettingError for a URL that names none."""
        alias = self.alias(url, *kinds)
        if alias is None:
            raise SettingError(f"map() calls every server of an alias, and {url!r} names none")
        return alias.members

    def call(
        self, method: str, url: str, headers: Pairs, content: bytes, *, timeout: float | None = None, **options: Any
    ) -> Call:
        """Return a call with the app's limits. Raises ValueError for a header that would break the message."""
        for name, value in headers:
            check_field(name, value)
        patience = self.limits.timeout if timeout is None else timeout
        return Call(method, url, headers, content, patience, self.limits.answer_size, **options)

    def fire(
        self, call: Call, *, callback: Callback | None = None, use: Use = True, member: Member | None = None
    ) -> Task[Any]:
        """Send a call, or take the reply that was kept for it. Raises SettingError for a wrong alias."""
        alias = self.alias(call.url, *HTTP_KINDS)
        if alias is not None and member is not None:
            alias = only(alias, member)
        place = Place(
            self.clients.cache,
            (call.method, call.url, member, tuple(call.headers), call.content, call.decode),
            self.limits.cache_size,
        )
        kept = self.kept(place, use)
        if kept is not None:
            return self.told(Task(kept), callback)
        call.headers.extend(self.origin.fields())
        return self.told(Task(self.run(self.clients.rest.send(call, alias)), place, self.inline), callback)

    def kept(self, place: Place, use: Use) -> Reply[Any] | None:
        """Return the reply that was kept for a call, as the caller's own."""
        reply = place.cache.find(place.key, use)
        return None if reply is None else reply.again()

    def run(self, work: Coroutine[Any, Any, Reply[Any]]) -> Future[Reply[Any]]:
        """Run an exchange on the loop of upstreams."""
        return self.clients.loop.submit(work)

    def task(self, work: Coroutine[Any, Any, Reply[Any]], callback: Callback | None = None) -> Task[Any]:
        """Return the task of an exchange that runs on the loop of upstreams."""
        return self.told(Task(self.run(work), inline=self.inline), callback)

    def told(self, task: Task[Any], callback: Callback | None) -> Task[Any]:
        """Return a task of which a function is told the reply: at once, or on another thread when it comes."""
        if callback is not None:
            task.when_done(partial(self._tell, callback, task))
        return task

    def _tell(self, callback: Callback, task: Task[Any]) -> None:
        loop = self.clients.loop.running
        loop.call_soon_threadsafe(loop.run_in_executor, None, _tell, callback, task)


def _tell(callback: Callback, task: Task[Any]) -> None:
    try:
        callback(task.dispatch())
    except Exception:  # noqa: BLE001 - nobody waits for a callback
        _log.exception("the callback of a call to an upstream failed")


def only(alias: Alias, member: Member) -> Alias:
    """Return an alias that has just one of the servers."""
    return replace(alias, name=f"{alias.name}#{member.host}:{member.port}{member.database}", members=(member,))


def authorization(auth: Auth | None) -> Pairs:
    """Return the header field that tells who calls (RFC 7617, RFC 6750)."""
    if auth is None:
        return []
    return [("authorization", f"Bearer {auth}" if isinstance(auth, str) else basic(*auth))]
