"""WebSockets passed on to a server of somebody else's: pieces, pings, limits, and every way to end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from .engine_process import EngineProcess, free_ports, wait_until

SCRIPT = """
skitai.alias("@there", skitai.PROTO_WS, "127.0.0.1:{there}")
skitai.alias("@fake", skitai.PROTO_WS, "127.0.0.1:{fake}")
limited = skitai.pref()
limited.config.websocket_max_message = 100_000
skitai.mount("/there", "@there", pref=limited)
skitai.mount("/fake", "@fake")
"""


class Served(NamedTuple):
    """The engine, and what the server behind it saw."""

    engine: EngineProcess
    seen: list[str]
    fake: int  # a port where nobody listens, or a test does

    def connect(self, path: str = "there/x") -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.engine.port}/{path}", compression=None)


def answer(seen: list[str], connection: ServerConnection) -> None:
    """Do what the path says."""
    assert connection.request is not None
    path = connection.request.path
    seen.append(path)
    if path == "/pieces":
        connection.send(iter(["one ", "two ", "three"]))
        connection.send(iter([b"\x00", b"\x01"]))
    elif path == "/ping":
        connection.pong("nobody asked")
        connection.ping("are you there").wait(5)
        connection.send("the pong came")
    elif path == "/big":
        connection.send("x" * 100_001)
    elif path == "/code":
        connection.close(3456, "as agreed")
    elif path == "/abort":
        connection.socket.shutdown(socket.SHUT_RDWR)
        return
    try:
        for message in connection:
            connection.send(message)
    except ConnectionClosed:
        pass
    seen.append(f"closed {connection.close_code} {connection.close_reason}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    seen: list[str] = []
    fake = free_ports()
    with serve(lambda connection: answer(seen, connection), "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        there = server.socket.getsockname()[1]
        engine = EngineProcess(tmp_path_factory.mktemp("tunnel"), SCRIPT.format(there=there, fake=fake))
        try:
            yield Served(engine.ready(), seen, fake)
            assert engine.stop() == 0
        finally:
            engine.end()
            server.shutdown()
            thread.join()


def ended(connection: ClientConnection) -> tuple[int | None, str | None]:
    """Wait for the end of a connection, and return its code and reason."""
    with pytest.raises(ConnectionClosed):
        while True:
            connection.recv(10)
    return connection.close_code, connection.close_reason


def test_pieces_become_whole_messages(served: Served) -> None:
    with served.connect("there/pieces") as connection:
        assert connection.recv(10) == "one two three"
        assert connection.recv(10) == b"\x00\x01"
        for message in ("", b"", "grüß" * 15_000):
            connection.send(message)
            assert connection.recv(10) == message


def test_pings_of_the_other_server_are_answered(served: Served) -> None:
    with served.connect("there/ping") as connection:
        assert connection.recv(10) == "the pong came"


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [("big", 1009, "a message is too big"), ("code", 3456, "as agreed"), ("abort", 1011, "the upstream is gone")],
)
def test_what_the_other_server_ends(served: Served, path: str, code: int, reason: str) -> None:
    with served.connect(f"there/{path}") as connection:
        assert ended(connection) == (code, reason)


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (4321, "so long")])
def test_what_the_client_ends(served: Served, code: int, reason: str) -> None:
    with served.connect() as connection:
        connection.send("x")
        connection.recv(10)
        connection.close(code, reason)
    wait_for(served.seen, f"closed {code} {reason}")


def test_a_message_of_the_client_that_is_too_big(served: Served) -> None:
    with served.connect() as connection:
        connection.send("x" * 100_001)
        assert ended(connection)[0] == 1009


def test_a_client_that_is_torn_away(served: Served) -> None:
    with served.connect("there/torn") as connection:
        connection.send("x")
        connection.recv(10)
        connection.socket.shutdown(socket.SHUT_RDWR)
    wait_for(served.seen, "closed 1001 ")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n", 502),
        (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", 401),
        (b"HTTP/1.1 200 OK\r\n\r\nendless", 200),
        (b"nonsense\r\n\r\n", 502),
    ],
)  # fmt: skip
def test_a_server_that_does_not_shake_hands(served: Served, said: bytes, status: int) -> None:
    with socket.create_server(("127.0.0.1", served.fake)) as server:
        thread = threading.Thread(target=reply, args=(server, said))
        thread.start()
        with pytest.raises(InvalidStatus) as refused:
            served.connect("fake/x")
        thread.join()
    assert refused.value.response.status_code == status


def reply(server: socket.socket, said: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(said)


def wait_for(seen: list[str], line: str) -> None:
    wait_until(lambda: line in seen, 5, lambda: str(seen))
