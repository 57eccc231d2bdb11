"""The end of a WebSocket that a test holds."""

from __future__ import annotations

import pytest

from atila import Atila, Was
from atila.http.duplex import Closed


@pytest.mark.row("12.1")
@pytest.mark.parametrize("adapter", ["rsgi", "asgi"])
def test_what_came_is_read_after_the_client_closed(adapter: str) -> None:
    app = Atila("tests")

    @app.route("/echo")
    @app.websocket()
    def echo(was: Was, message: str) -> str:
        return message

    with app.test_client(adapter=adapter) as client:
        socket = client.ws("/echo")
        socket.send("hello")
        assert socket.receive() == "hello"
    with pytest.raises(Closed):
        socket.receive()
    socket.close()
