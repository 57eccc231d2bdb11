"""WebSockets on an RSGI server's own transport, every message of the server in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.carried import CLOSE, TEXT, Carried
from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads
from atila.http.duplex import Closed, Duplex, Limits
from atila.http.request import Request
from atila.http.response import Response
from atila.http.site import Job, Site
from atila.testing.wires import ServerHeaders
from atila.websocket.design import WS_FAST, WS_SIMPLE, WS_THREADSAFE

BINARY = 1
OVER = SimpleNamespace(kind=CLOSE, data=None)
GONE = RuntimeError("the client is gone")


def said(message: str | bytes) -> SimpleNamespace:
    return SimpleNamespace(kind=TEXT if isinstance(message, str) else BINARY, data=message)


class Server:
    """RSGI's protocol and transport of one client. It hears what there is, and then nothing more."""

    def __init__(self, coming: list[Any], *, reads_after: float = 0, stays: bool = True) -> None:
        self.coming = list(coming)
        self.reads_after = reads_after  # seconds until the client takes a message
        self.stays = stays
        self.sent: list[str | bytes] = []
        self.closed: list[int | None] = []

    async def accept(self) -> Server:
        if GONE in self.coming[:1]:
            raise GONE
        return self

    async def receive(self) -> Any:
        if not self.coming:
            await asyncio.Event().wait()
        coming = self.coming.pop(0)
        if coming is GONE:
            raise GONE
        return coming

    async def send_str(self, message: str) -> None:
        await asyncio.sleep(self.reads_after)
        if not self.stays:
            raise GONE
        self.sent.append(message)

    async def send_bytes(self, message: bytes) -> None:
        self.sent.append(message)

    def close(self, status: int | None) -> None:
        self.closed.append(status)


Meanwhile = Callable[[RSGI], Awaitable[None]]


def visit(
    app: Site,
    server: Server,
    path: str = "/",
    meanwhile: Meanwhile | None = None,
    *,
    hosts: int = 1,
    carried: bool = True,
    **settings: Any,
) -> Server:
    """Connect, and return the server when the app is done with the connection."""

    async def serve() -> None:
        workers = WorkerThreads(1, "test")
        adapter = RSGI(app, AdapterSettings(threads=workers, **settings))
        if carried:
            adapter.sockets.connect = lambda scope, proto: Carried(proto)
        adapter.loop = asyncio.get_running_loop()
        workers.start(adapter.loop)
        await app.start(adapter.loop)
        scope = SimpleNamespace(
            proto="ws", http_version="1.1", client="127.0.0.1:5000", server="127.0.0.1:0", scheme="https", method="GET",
            path=path, query_string="", authority=None, headers=ServerHeaders([("host", "a")] * hosts),
        )  # fmt: skip
        serving = asyncio.ensure_future(adapter.__rsgi__(scope, server))
        if meanwhile is not None:
            await meanwhile(adapter)
        try:
            await asyncio.wait_for(serving, 5)
        finally:
            await app.stop()
            workers.stop()

    asyncio.run(serve())
    return server


@pytest.fixture
def ends() -> list[str]:
    """What was told when a connection was over."""
    return []


@pytest.fixture
def app(ends: list[str]) -> Atila:
    app = Atila("tests")
    app.config.websocket_max_message = 10
    app.config.websocket_max_behind = 100

    @app.route("/")
    @app.websocket(WS_SIMPLE | WS_FAST, timeout=0.3, onclose=lambda was: ends.append("left"))
    async def talk(was: Was, message: str) -> str | None:
        for number in range(int(message.partition(" ")[2] or 0)):
            was.websocket.send(f"{number:050}")
        if message == "soon":
            asyncio.get_running_loop().call_later(0.02, was.websocket.close)
        if message == "end":
            was.websocket.close()
            was.websocket.close()
            was.websocket.send("nobody hears it")
        return message

    @app.route("/plain")
    @app.websocket(WS_THREADSAFE, onclose=lambda was: ends.append("left"))
    def plain(was: Was, message: str) -> None:
        for _ in range(5):
            was.websocket.send(message * 10)

    @app.route("/bytes")
    @app.websocket(WS_SIMPLE | WS_FAST, encoding="binary")
    async def binary(was: Was, message: bytes) -> bytes:
        return message

    return app


@pytest.mark.row("12.1")
@pytest.mark.parametrize("last", [OVER, GONE, said("end")])
def test_messages_and_the_end_of_a_connection(app: Atila, ends: list[str], last: Any) -> None:
    server = visit(app, Server([said("one"), said("two"), last]))
    assert (server.sent, server.closed, ends) == (["one", "two"], [None], ["left"])


def test_bytes(app: Atila) -> None:
    assert visit(app, Server([said(b"\0\xff"), OVER]), "/bytes").sent == [b"\0\xff"]


@pytest.mark.row("12.9")
@pytest.mark.parametrize("last", [said("x" * 11), said("é" * 6), said("soon")])
def test_the_server_ends_it(app: Atila, ends: list[str], last: Any) -> None:
    server = visit(app, Server([said("one"), last]))
    assert server.sent == ["one", *(["soon"] if last.data == "soon" else [])]
    assert (server.closed, ends) == ([None], ["left"])


def test_silence_ends_it(app: Atila, ends: list[str]) -> None:
    assert visit(app, Server([said("one")])).sent == ["one"]
    assert ends == ["left"]


def test_a_client_that_does_not_read_is_let_go(app: Atila, ends: list[str]) -> None:
    assert len(visit(app, Server([said("send 9")], reads_after=0.05)).sent) <= 4
    assert ends == ["left"]


def test_a_client_that_is_gone_while_messages_wait(app: Atila, ends: list[str]) -> None:
    assert visit(app, Server([said("send 2"), OVER], stays=False)).sent == []
    assert ends == ["left"]


@pytest.mark.row("12.2")
def test_a_thread_that_sends_waits_for_a_slow_client(app: Atila, ends: list[str]) -> None:
    assert visit(app, Server([said("x" * 9), OVER], reads_after=0.02), "/plain").sent == ["x" * 90] * 5


def test_handshakes_that_come_to_nothing(app: Atila, ends: list[str]) -> None:
    assert visit(app, Server([]), "/nothing").closed == [404]
    assert visit(app, Server([GONE])).sent == []
    assert visit(app, Server([]), hosts=2).closed == [400]
    assert ends == []


@pytest.mark.row("12.9")
def test_a_server_that_stops_ends_its_connections_and_takes_no_new_ones(app: Atila, ends: list[str]) -> None:
    async def stop(adapter: RSGI) -> None:
        await asyncio.sleep(0.05)
        await adapter.sockets.end()
        assert ends == ["left"]

    assert visit(app, Server([said("one")]), meanwhile=stop).sent == ["one"]

    async def leave(adapter: RSGI) -> None:
        adapter.sockets.leave()

    assert visit(app, Server([said("one")]), meanwhile=leave).closed == [503]


class Failing:
    """A Site whose WebSockets fail, before their handshake is answered or after it."""

    def __init__(self, accepts: bool) -> None:
        self.accepts = accepts

    def resolve(self, request: Request) -> Job:
        return Job(self.respond, converse=self.converse)

    async def respond(self, request: Request) -> Response:
        return Response(400)

    async def converse(self, request: Request, duplex: Duplex, threads: WorkerThreads | None) -> None:
        if self.accepts:
            await duplex.accept(None, [], Limits())
        raise LookupError("no table")

    async def start(self, loop: asyncio.AbstractEventLoop) -> None: ...

    async def stop(self) -> None: ...


@pytest.mark.parametrize(("accepts", "closed", "status"), [(True, [None], 101), (False, [500], 500)])
def test_a_failure_of_ours_ends_a_connection(
    accepts: bool, closed: list[int | None], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[int] = []
    site = Failing(accepts)
    server = visit(site, Server([]), on_answer=lambda *facts: told.append(facts[1]), trusted_proxies=frozenset("a"))
    assert (server.closed, told) == (closed, [status])
    assert "WebSocket / broke off" in caplog.text


def test_a_connection_that_cannot_be_taken_over_is_carried(app: Atila) -> None:
    assert visit(app, Server([said("one"), OVER]), carried=False).sent == ["one"]


def test_the_end_is_told_to_who_asks_again() -> None:
    async def ask() -> None:
        carried = Carried(Server([]))
        carried.send("not open yet")
        carried.close(1000, "done")
        for _ in range(2):
            with pytest.raises(Closed, match="done"):
                await carried.receive()

    asyncio.run(ask())
