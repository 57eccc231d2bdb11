"""What opens a WebSocket, and what does not."""

from __future__ import annotations

import pytest

from atila.adapters.sockets import check_handshake
from atila.errors import HTTPError
from atila.http.headers import Headers, Pairs
from atila.http.request import Request, Told

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 1.3


def shake(pairs: Pairs, method: str = "GET", version: str = "1.1") -> None:
    check_handshake(Request(method, "/chat", "", Headers(pairs), Told(http_version=version)))


def test_handshakes() -> None:
    shake([("sec-websocket-key", KEY)])
    shake([("sec-websocket-key", f" {KEY} "), ("content-length", "0")])
    shake([], version="2")  # a server that keeps the key to itself


@pytest.mark.parametrize(
    ("pairs", "method", "version"),
    [
        ([("sec-websocket-key", KEY)], "POST", "1.1"),
        ([("sec-websocket-key", KEY)], "GET", "1.0"),
        ([("sec-websocket-key", KEY), ("content-length", "4")], "GET", "1.1"),
        ([("sec-websocket-key", KEY), ("transfer-encoding", "chunked")], "GET", "1.1"),
        ([("sec-websocket-key", KEY), ("sec-websocket-key", KEY)], "GET", "1.1"),
        ([("sec-websocket-key", "short")], "GET", "1.1"),
        ([("sec-websocket-key", KEY.replace("Q", "R"))], "GET", "1.1"),  # bits behind the sixteenth byte
    ],
)
def test_what_is_no_handshake(pairs: Pairs, method: str, version: str) -> None:
    with pytest.raises(HTTPError, match="400"):
        shake(pairs, method, version)
