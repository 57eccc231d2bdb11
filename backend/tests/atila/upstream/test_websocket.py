"""The WebSocket client, against the server of the `websockets` package."""

from __future__ import annotations

import os
import socket as socketlib
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from atila.alias import Kind
from atila.config import default_config
from atila.errors import HTTPError
from atila.platform import LocalPlatform
from atila.upstream.calls import Calls
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_REQFAIL, STA_TIMEOUT
from atila.upstream.websocket import open_websocket
from tests.servers.upstream import free_port
from tests.serving.certificates import Authority


def talk(connection: ServerConnection) -> None:
    """Do what the path says, else echo."""
    assert connection.request is not None
    path = connection.request.path
    if path == "/count":
        for number in range(3):
            connection.send(str(number))
        return
    if path == "/garbled":
        os.write(connection.socket.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))  # a TLS record of another key
    if path == "/large":
        connection.send("x" * 200_000)
    for message in connection:
        connection.send(message)


def admit(connection: ServerConnection, request: Request) -> Response | None:
    if request.path == "/refused":
        return Response(403, "Forbidden", Headers(), b"no")
    if request.path == "/whoami":
        return Response(200, "OK", Headers(), request.headers["Authorization"].encode())
    return None


def choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name == "chat"), None)


@pytest.fixture
def port() -> Iterator[int]:
    with serve(talk, "127.0.0.1", 0, process_request=admit, select_subprotocol=choose) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.socket.getsockname()[1]
        server.shutdown()


@pytest.fixture
def calls(port: int) -> Iterator[Calls]:
    platform = LocalPlatform("tests")
    platform.alias("@chat", Kind.WS, [f"127.0.0.1:{free_port()} 9", f"127.0.0.1:{port}"])  # the first one is down
    config = default_config()
    config.max_upstream_answer_size = 100_000
    yield Calls.of(platform, config)
    platform.close()


@pytest.mark.row("11.17")
def test_messages_until_the_other_side_closes(calls: Calls, port: int) -> None:
    with open_websocket(calls, f"ws://127.0.0.1:{port}/count") as socket:
        assert list(socket) == ["0", "1", "2"]
        over = socket.receive().dispatch()
        assert (over.status, over.status_code) == (STA_NETERR, 706)
    with open_websocket(calls, f"ws://127.0.0.1:{port}/count") as socket:
        assert [socket.receive().fetch() for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(HTTPError, match="502"):
            socket.receive().fetch()


@pytest.mark.row("11.17")
def test_the_next_server_and_a_subprotocol(calls: Calls) -> None:
    with open_websocket(calls, "@chat/echo", subprotocols=["other", "chat"]) as socket:
        assert socket.subprotocol == "chat"
        assert socket.send("é").fetch() is None
        assert socket.receive().fetch() == "é"


def test_a_silent_server_is_waited_for_as_long_as_told(calls: Calls) -> None:
    with open_websocket(calls, "@chat/echo") as socket:
        assert socket.receive(0.05).dispatch().status == STA_TIMEOUT
        socket.send("now")
        assert socket.receive().fetch() == "now"


def test_a_connection_that_is_refused(calls: Calls, port: int) -> None:
    with pytest.raises(HTTPError, match="403"):
        open_websocket(calls, "@chat/refused").__enter__()
    reply = open_websocket(calls, "@chat/refused", "hello").dispatch()
    assert (reply.status, reply.status_code) == (STA_NORMAL, 403)
    away = open_websocket(calls, f"ws://127.0.0.1:{free_port()}/", "hello").dispatch()
    assert (away.status, away.status_code) == (STA_NETERR, 701)


def test_a_message_that_is_too_large_ends_the_connection(calls: Calls) -> None:
    with open_websocket(calls, "@chat/large") as socket:
        assert socket.receive().dispatch().status == STA_NETERR


def test_a_connection_outside_of_its_block(calls: Calls) -> None:
    socket = open_websocket(calls, "@chat/echo")
    reply = socket.send("early").dispatch()
    assert (reply.status, type(reply.error)) == (STA_REQFAIL, RuntimeError)
    with socket:
        pass
    with pytest.raises(RuntimeError, match="open inside its `with` block"):
        socket.receive().fetch()


@pytest.mark.row("11.17")
async def _talk_async(calls: Calls, port: int) -> list[Any]:
    async with open_websocket(calls, f"ws://127.0.0.1:{port}/count", auth="token") as socket:
        return [message async for message in socket]


def test_in_an_async_handler(calls: Calls, port: int) -> None:
    import asyncio

    assert asyncio.run(_talk_async(calls, port)) == ["0", "1", "2"]


@pytest.mark.row("11.17")
def test_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_alpn_protocols(["h2", "http/1.1"])  # a server that would speak HTTP/2, if it were asked to
    platform = LocalPlatform("tests")
    with serve(talk, "localhost", 0, ssl=context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        platform.alias("@chat", Kind.WSS, f"localhost:{port}?ca={authority.certificate}")
        platform.alias("@unknown", Kind.WSS, f"localhost:{port}")
        calls = Calls.of(platform, default_config())
        assert open_websocket(calls, "@chat/echo", "hello").fetch() == "hello"
        assert open_websocket(calls, "@unknown/echo", "hello").dispatch().status_code == 705
        with open_websocket(calls, "@chat/garbled") as socket:
            assert socket.receive().dispatch().error is not None
        server.shutdown()
    platform.close()


def test_a_server_that_never_shakes_hands(calls: Calls) -> None:
    with socketlib.create_server(("127.0.0.1", 0)) as silent:
        socket = open_websocket(calls, f"ws://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
        with pytest.raises(HTTPError, match="504"):
            socket.__enter__()


def test_closing_what_was_never_opened(calls: Calls) -> None:
    assert open_websocket(calls, "@chat/echo").close().fetch() is None
