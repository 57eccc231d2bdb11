"""Handlers of WebSockets in the older form that cannot be, and such that say nothing of themselves."""

from __future__ import annotations

import pytest

from atila import Atila, RouteError, Was
from atila.testing.sockets import RefusedError


@pytest.mark.row("12.9")
def test_a_handler_takes_a_message() -> None:
    app = Atila("tests")

    @app.route("/")
    def talk(was: Was) -> object:
        return was.wsconfig(1) if was.wsinit() else None

    with pytest.raises(RouteError, match="the second argument of a WebSocket's handler is the message"):
        app.build()


@pytest.mark.row("12.9")
def test_a_handler_that_returns_no_configuration_is_no_websocket() -> None:
    app = Atila("tests")

    @app.route("/")
    def talk(was: Was, message: str = "", open: bool = False) -> object:
        if was.wsinit():
            return was.wsconfig(1) if open else None
        return message

    with app.test_client() as client:
        with pytest.raises(RefusedError) as refused:
            client.ws("/")
        assert refused.value.answer.status_code == 426
        assert refused.value.answer.headers["upgrade"] == "websocket"
