"""`was.proxypass`: a request answered by an upstream, from within a handler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

from atila.concurrency import Deferred, Elsewhere, loop_of_thread
from atila.errors import HTTPError
from atila.http.request import Request
from atila.http.response import Response
from atila.platform import Platform

if TYPE_CHECKING:
    from .proxy import Proxy


def open_proxies(platform: Platform) -> Proxies:
    """Return the proxies of a platform; none has a connection before it is used."""
    return Proxies(platform)


class Proxies:
    """The proxies of one process, by alias. A resource of the platform; their connections end with their event loop."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._open: dict[str, Proxy] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Proxy:
        """Return the proxy of '@name'. Raises SettingError for an unknown alias, or one that is no HTTP upstream."""
        from .proxy import Proxy  # few apps pass requests on, and it costs a start

        alias = self._platform.find_alias(name)
        with self._lock:
            proxy = self._open.get(name)
            if proxy is None or proxy.alias is not alias:
                proxy = self._open[name] = Proxy(alias)
        return proxy


class Passing:
    """What one request may have passed on. Lives as long as the request."""

    def __init__(self, platform: Platform, request: Request) -> None:
        self._proxies = platform.resource(open_proxies)
        self._request = request

    def pass_on(self, alias: str, path: str | None, timeout: float = 3.0) -> Passed:
        """Answer with what '@alias' says to a GET of `path`, decoded, with the request's query: a handler returns it.

        `timeout`: seconds in which its answer must begin. Raises HTTPError 405 for other methods than GET and HEAD, and
        SettingError for an unknown alias; what is returned raises 502 when nobody can be reached, 504 when nobody
        answers in time.
        """
        request = self._request
        if request.method not in ("GET", "HEAD"):
            raise HTTPError(405, "only GET is passed on here; a mounted '@alias' takes all methods", headers=_ALLOW)
        proxy, target = self._proxies.find(alias), "/" + (path or "").removeprefix("/")
        return Passed(lambda: proxy.pass_on(request, target, timeout))


class Passed(Deferred):
    """An upstream's answer, still to come. The thread of a plain handler is free meanwhile, and while it is sent."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, Response]]) -> None:
        self._ask = ask

    def __await__(self) -> Generator[Any, Any, Response]:
        loop = loop_of_thread()
        return (yield from (self._ask() if loop is None else Elsewhere(self._ask(), loop)).__await__())


_ALLOW = [("allow", "GET, HEAD")]
