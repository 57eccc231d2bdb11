"""Photos over WebSocket: the changes of a user's photos, as they happen.

The access token is a subprotocol, `new WebSocket(url, ["bearer", token])`, or in the head like everywhere.
"""

from __future__ import annotations

from typing import Any

from app.services.photos.access import library
from app.services.photos.photo import Owner
from atila import Atila, Was
from atila.websocket.design import WS_SIMPLE

CHANGES = "/users/<int:uid>/photos/changes"
TIMEOUT = 60  # seconds after which a page that answers no ping is given up


def __mount__(app: Atila) -> None:  # noqa: N807 - the documented name
    @app.route(CHANGES, methods=["GET"])
    @app.permission_required()
    @app.websocket(WS_SIMPLE, TIMEOUT, follow, leave, encoding="json")
    def changes(was: Was, message: Any, uid: Owner) -> None:
        """Changes from now on: `{"kind": "created", "photo": {…}}`. What clients send means nothing."""


def follow(was: Was) -> None:
    """Tells the client of every change until it leaves. Raises HTTPError 403, 404 as reading the photos does."""
    socket = was.websocket
    socket.g.leave = library(was).follow(socket.arguments["uid"], socket.send)


def leave(was: Was) -> None:
    was.websocket.g.leave()
