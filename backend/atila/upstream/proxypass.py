"""`was.proxypass`: a request answered by an upstream, from within a handler."""

from __future__ import annotations

import threading
from collections.abc import Awaitable

from atila.concurrency import drive
from atila.errors import HTTPError
from atila.http.request import Request
from atila.http.response import Response
from atila.platform import Platform

from .proxy import Proxy


def open_proxies(platform: Platform) -> Proxies:
    """Return the proxies of a platform; none has a connection before it is used."""
    return Proxies(platform)


class Proxies:
    """The proxies of one process, by alias. A resource of the platform: closed with it."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._open: dict[str, Proxy] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Proxy:
        """Return the proxy of '@name'. Raises SettingError for an unknown alias, or one that is no HTTP upstream."""
        alias = self._platform.find_alias(name)
        proxy = self._open.get(name)
        if proxy is None or proxy.alias is not alias:
            with self._lock:
                proxy = self._open[name] = Proxy(alias)
        return proxy

    def close(self) -> None:
        """Close the connections of plain handlers; those of an event loop end with it."""
        while self._open:
            self._open.popitem()[1].close()


class Passing:
    """What one request may have passed on. Lives as long as the request."""

    def __init__(self, platform: Platform, request: Request) -> None:
        self._proxies = platform.resource(open_proxies)
        self._request = request

    def pass_on(self, alias: str, path: str | None, timeout: float = 3.0) -> Response | Awaitable[Response]:
        """Return the answer of '@alias' to a GET of `path`, decoded, with the request's query; awaited in `async def`.

        `timeout`: seconds in which the answer must begin. Raises HTTPError: 405 for other methods than GET and HEAD,
        502 when nobody can be reached, 504 when nobody answers in time; SettingError for an unknown alias.
        """
        request = self._request
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "only GET is passed on here; a mounted '@alias' takes all methods", headers=_ALLOW)
        plain = request.route is None or not request.route.asynchronous
        target = "/" + (path or "").removeprefix("/")
        answer = self._proxies.find(alias).pass_on(request, target, plain=plain, patience=timeout)
        return drive(answer) if plain else answer


_ALLOW = [("allow", "GET, HEAD")]
