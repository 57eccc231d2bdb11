"""WebSockets over RSGI: from its scope and protocol to a Request and a Duplex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..http.duplex import Duplex
from ..http.headers import Headers
from ..http.request import Request
from ..http.site import Site
from .settings import AdapterSettings
from .sockets import Sockets, offered_by


class Released(Duplex, Protocol):
    """A connection that is given back to the server."""

    def release(self) -> None: ...


Connect = Callable[[Any, Any], Released]  # from scope and protocol to a connection


class RSGISockets(Sockets):
    """The WebSockets of an RSGI server's process. `connect` makes a connection of its scope and protocol."""

    def __init__(self, site: Site, settings: AdapterSettings) -> None:
        super().__init__(site, settings)
        self.connect: Connect | None = None  # made with the first handshake

    async def take(self, scope: Any, proto: Any) -> None:
        """Serve what comes as a WebSocket, until it is over."""
        headers = Headers(scope.headers.items())
        request = Request(scope.method, scope.path, scope.query_string, headers, scope, wire="websocket")
        if self.connect is None:
            self.connect = connector()
        duplex = self.connect(scope, proto)
        duplex.offered = offered_by(headers)
        try:
            await self.serve(request, duplex, headers.get_all("host"))
        finally:
            duplex.release()


def connector() -> Connect:
    """Return what takes connections over where that can be, and else uses the server's own transport."""
    from .carried import Carried  # a megabyte with the claims, and most processes serve no WebSocket
    from .claimed import Claims

    claims = Claims()
    return lambda scope, proto: claims.claim(scope, proto) or Carried(proto)
