"""A mounted '@alias': every request below its point is passed on to an upstream, with all methods and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from atila.alias import Alias
from atila.errors import HTTPError
from atila.http.duplex import Duplex
from atila.http.request import Request
from atila.http.response import Pending, Response
from atila.http.site import Job
from atila.preference import Preference
from atila.upstream.proxy import Proxy, ProxySettings

from .overrides import read_overrides

WHOLE = 64 * 1024  # bytes: a body up to this is read whole first, so that it can be sent to the next member too
_SETTINGS = ("timeout", "connect_timeout", "preserve_host")

Refuse = Callable[[Request, HTTPError], Response]


class Upstream:
    """A Site that another server answers. Lives as long as the worker."""

    def __init__(self, alias: Alias, pref: Preference, refuse: Refuse) -> None:
        """Take what is passed on, with a preference's `timeout`, `connect_timeout`, `preserve_host` and body limits.

        Raises SettingError for an alias that is no HTTP upstream, or a preference that proxies do not have.
        """
        given = read_overrides(pref, _SETTINGS, f"the mounted {alias.name}")
        self.proxy = Proxy(alias, ProxySettings(**given.values))
        self._refuse = refuse
        self._limits = given.socket_limits
        self._job = Job(
            self.respond,
            body_limit=given.body_limit,
            multipart_limit=given.multipart_limit,
            stream_over=WHOLE,
            converse=self.converse,
        )

    def __repr__(self) -> str:
        return f"Upstream({self.proxy.alias.name!r})"

    def resolve(self, request: Request) -> Job:
        return self._job

    async def respond(self, request: Request) -> Response:
        """Return the upstream's answer, still to come: it is given up when the client goes away."""
        return Response(body=Pending(self._pass_on(request)))

    async def _pass_on(self, request: Request) -> Response:
        try:
            response = await self.proxy.pass_on(request, request.inner)
        except HTTPError as error:
            return self._refuse(request, error)
        response.headers.append(("x-cache-lookup", "MISS"))  # the documented field; nothing is kept here
        return response

    async def converse(self, request: Request, duplex: Duplex, _: object) -> None:
        """Pass a WebSocket on. Raises HTTPError when there is no upstream for it."""
        await self.proxy.converse(request, request.inner, duplex, self._limits)

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing to do: connections open when they are needed."""

    async def stop(self) -> None:
        await self.proxy.aclose()
