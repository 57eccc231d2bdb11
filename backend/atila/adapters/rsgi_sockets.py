"""WebSockets over RSGI: from its scope and protocol to a Request and a Duplex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..http.headers import Headers
from ..http.request import Request
from ..http.site import Site
from .carried import Carried
from .claimed import Claimed, Claims
from .settings import AdapterSettings
from .sockets import Sockets, offered_by

Connect = Callable[[Any, Any], Claimed | Carried]  # from scope and protocol to a connection


class RSGISockets(Sockets):
    """The WebSockets of an RSGI server's process. `connect` makes a connection of its scope and protocol."""

    def __init__(self, site: Site, settings: AdapterSettings) -> None:
        super().__init__(site, settings)
        claims = Claims()
        self.connect: Connect = lambda scope, proto: claims.claim(scope, proto) or Carried(proto)

    async def take(self, scope: Any, proto: Any) -> None:
        """Serve what comes as a WebSocket, until it is over."""
        headers = Headers(scope.headers.items())
        request = Request(scope.method, scope.path, scope.query_string, headers, scope, wire="websocket")
        duplex = self.connect(scope, proto)
        duplex.offered = offered_by(headers)
        try:
            await self.serve(request, duplex, headers.get_all("host"))
        finally:
            duplex.release()
