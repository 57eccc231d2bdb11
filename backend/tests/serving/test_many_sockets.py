"""Many WebSockets on one worker: what an idle one costs, and a room of 200 that hears 500 messages a second."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Start
from .engine_process import EngineProcess

APP = """
from skitai import WS_GROUPCHAT, WS_NQ

@app.route("/chat")
@app.websocket(WS_GROUPCHAT)
def chat(was, message, room_id):
    return message

@app.route("/idle")
@app.websocket(WS_NQ | 1, 0)
def idle(was, message):
    return message

skitai.mount("/", app)
"""
IDLE = 2000
MEMBERS, MESSAGES, RATE = 200, 1000, 500
PING, PONG = b"\x89\x00", b"\x8a\x80\0\0\0\0"  # a machine with other work takes so long that the silent are asked


class Client(asyncio.Protocol):
    """Keeps what it receives. Lives as long as a test."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.received = bytearray()
        self.more = asyncio.Event()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport = transport
        head = f"GET {self.path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        transport.write(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.more.set()
        if not self.opened.done() and b"\r\n\r\n" in self.received:
            assert self.received.startswith(b"HTTP/1.1 101"), self.received
            self.received = self.received.partition(b"\r\n\r\n")[2]
            self.opened.set_result(None)
        elif PING in data:
            self.received = self.received.replace(PING, b"")
            self.transport.write(PONG)

    async def until(self, size: int) -> None:
        """Wait until so many bytes have come."""
        while len(self.received) < size:
            self.more.clear()
            await self.more.wait()

    def send(self, text: str) -> None:
        self.transport.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text.encode())


async def clients_of(engine: EngineProcess, path: str, count: int, together: int = 50) -> list[Client]:
    """Return so many open connections; `together` of them come at once."""
    loop = asyncio.get_running_loop()
    made: list[Client] = []
    for _ in range(0, count, together):
        group = [loop.create_connection(lambda: Client(path), "127.0.0.1", engine.port) for _ in range(together)]
        clients = [client for _, client in await asyncio.gather(*group)]
        await asyncio.wait_for(asyncio.gather(*(client.opened for client in clients)), 30)
        made += clients
    return made


def resident(pid: int) -> int:
    """Kilobytes of memory that a process holds and shares with nobody."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", rollup, re.MULTILINE))


def allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.mark.row("12.1")
def test_two_thousand_idle_connections(start: Start) -> None:
    allow_many_files()
    engine = start(APP)
    (worker,) = engine.workers

    async def measure() -> tuple[int, float]:
        first = await clients_of(engine, "/idle", 50)  # what is loaded and allocated at first
        before, started = resident(worker), time.monotonic()
        many = await clients_of(engine, "/idle", IDLE, together=IDLE)  # as after a restart
        took = time.monotonic() - started
        grown = resident(worker) - before
        for client in (many[0], many[-1], first[0]):
            client.send("still there")
        await asyncio.sleep(0.3)
        assert [bytes(client.received[2:]) for client in (many[0], many[-1], first[0])] == [b"still there"] * 3
        for client in [*first, *many]:
            client.transport.abort()
        return grown, took

    grown, took = asyncio.run(measure())
    sys.stdout.write(f"{IDLE} connections in {took:.1f} s, {grown / IDLE:.1f} kB each\n")
    assert grown / IDLE < 100
    descriptors = Path(f"/proc/{worker}/fd")
    end = time.monotonic() + 10
    while (left := len(list(descriptors.iterdir()))) > 100 and time.monotonic() < end:
        time.sleep(0.1)
    assert left <= 100, "descriptors of connections that are gone"


@pytest.mark.row("12.8")
def test_a_busy_room(start: Start) -> None:
    """Nothing is lost, nothing comes twice or out of order; a machine with other work gets more time for it."""
    allow_many_files()
    engine = start(APP)

    async def talk() -> float:
        members = await clients_of(engine, "/chat?room_id=1", MEMBERS)
        await asyncio.sleep(0.5)  # a handshake is answered a moment before its client is a member
        texts = [f"{number:08}" for number in range(MESSAGES)]
        expected = b"".join(b"\x81\x08" + text.encode() for text in texts)
        started = time.monotonic()
        for number, text in enumerate(texts):
            members[0].send(text)
            await asyncio.sleep(max(0.0, started + (number + 1) / RATE - time.monotonic()))
        await asyncio.wait_for(asyncio.gather(*(member.until(len(expected)) for member in members)), 60)
        took = time.monotonic() - started
        assert all(bytes(member.received) == expected for member in members)
        for member in members:
            member.transport.abort()
        return took

    took = asyncio.run(talk())
    sys.stdout.write(f"{MESSAGES} messages to {MEMBERS} members in {took:.2f} s, {MESSAGES / took:.0f} a second\n")


@pytest.mark.row("12.14")
def test_connections_that_come_and_go(start: Start) -> None:
    """Each client gets its own answers, however others end, and whatever plain requests go on beside."""
    engine = start(APP.replace("skitai.mount", '@app.route("/tell")\ndef tell(was, a):\n    return a\n\nskitai.mount'))
    (worker,) = engine.workers
    loop_count = 20

    async def visit(number: int) -> None:
        loop = asyncio.get_running_loop()
        for turn in range(loop_count):
            _, client = await loop.create_connection(lambda: Client("/idle"), "127.0.0.1", engine.port)
            await asyncio.wait_for(client.opened, 10)
            text = f"{number}-{turn}"
            client.send(text)
            await asyncio.wait_for(client.until(2 + len(text)), 10)
            assert client.received[2:] == text.encode()
            client.transport.abort() if turn % 2 else client.transport.close()

    async def ask(number: int) -> None:
        for turn in range(loop_count):
            reader, writer = await asyncio.open_connection("127.0.0.1", engine.port)
            writer.write(f"GET /tell?a={number}-{turn} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).endswith(f"{number}-{turn}".encode())
            writer.close()

    async def all_at_once() -> None:
        await asyncio.gather(*map(visit, range(30)), *map(ask, range(10)))

    asyncio.run(all_at_once())
    end = time.monotonic() + 10
    while (left := len(list(Path(f"/proc/{worker}/fd").iterdir()))) > 60 and time.monotonic() < end:
        time.sleep(0.05)
    assert left <= 60, "descriptors of connections that are gone"
