"""WebSockets over ASGI, served by a server that knows nothing of the engine: Granian by its own command."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from .engine_process import BACKEND, free_ports, wait_until

SITE = """
from atila import Atila
from atila.adapters.asgi import ASGI

app = Atila(__name__)
app.config.websocket_max_message = 1000

@app.route("/echo")
@app.websocket(1, 60, lambda was: was.request.path, lambda was: print("CLOSED", flush=True), subprotocols=["chat"])
def echo(was, message):
    return was.websocket.close(4000, "enough") if message == "close" else message

app.route("/room")(app.websocket(5)(lambda was, message, room_id: message))
site = ASGI(app)
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The address of a running server."""
    port = free_ports()
    (tmp_path / "site_of_asgi.py").write_text(SITE)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [*command, "site_of_asgi:site"], cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": f"{BACKEND}{os.pathsep}{tmp_path}"},
        )  # fmt: skip
    try:
        wait_until(lambda: _listens(port), 20, (tmp_path / "output.log").read_text)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.row("12.14")
def test_subprotocols_messages_and_codes(url: str, tmp_path: Path) -> None:
    with connect(f"{url}/echo", subprotocols=["mqtt", "chat"]) as client:  # type: ignore[list-item]  # plain text
        assert (client.subprotocol, client.recv(5)) == ("chat", "/echo")
        client.send("text")
        client.send(b"bytes")
        assert [client.recv(5), client.recv(5)] == ["text", b"bytes"]
        client.send("close")
        with pytest.raises(ConnectionClosed, match=r"4000.*enough"):
            client.recv(5)
    with connect(f"{url}/echo") as client:
        client.recv(5)
        client.send("x" * 1001)
        with pytest.raises(ConnectionClosed, match="1009"):
            client.recv(5)
    with connect(f"{url}/echo") as client:
        client.close(1000)
    wait_until(lambda: (tmp_path / "output.log").read_text().count("CLOSED") == 3, 5)


@pytest.mark.row("12.14")
def test_refused_handshakes(url: str) -> None:
    for path, status in (("/nothing", 404), ("/room", 400)):
        with pytest.raises(InvalidStatus) as caught, connect(url + path):
            pass
        assert caught.value.response.status_code == status
        assert b'"code":' in bytes(caught.value.response.body or b"")
