"""WebSockets of apps of other frameworks and of upstreams, through a real engine."""

from __future__ import annotations

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from ..engine_process import wait_until
from .conftest import Served


@pytest.mark.parametrize("mounted", ["stars", "up", "pair"])
def test_websockets_go_both_ways(served: Served, mounted: str) -> None:
    address = f"ws://127.0.0.1:{served.engine.port}/{mounted}/talk"
    with connect(address, subprotocols=["chat"], compression=None) as talk:  # type: ignore[list-item]  # its own str
        assert talk.subprotocol == "chat"
        for message in ("grüß", b"\x00\xff", "x" * 300_000):
            talk.send(message)
            assert talk.recv(10) == message
        talk.send("end")
        with pytest.raises(ConnectionClosed) as end:
            talk.recv(10)
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, end.value.rcvd.reason) == (4001, "as you wish")


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_a_websocket_that_the_client_ends_ends_there_too(served: Served, mounted: str) -> None:
    log = served.upstream_log if mounted == "up" else served.engine.log
    with connect(f"ws://127.0.0.1:{served.engine.port}/{mounted}/talk") as talk:
        talk.send("hello")
        talk.recv(10)
        talk.close(4123)
    wait_until(lambda: "TALK ENDED 4123" in log.read_text(), 5)


@pytest.mark.parametrize(
    ("path", "status"),
    [("stars/talk?refuse=1", 403), ("up/talk?refuse=1", 403), ("up/echo", 403), ("closed/talk", 502), ("wsgi/x", 400)],
)
def test_a_handshake_may_be_refused(served: Served, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{served.engine.port}/{path}"):
        pass
    assert refused.value.response.status_code == status
