"""WebSockets over ASGI, every event of the server in the test's hands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.asgi import ASGI
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads
from atila.websocket.design import WS_FAST, WS_SIMPLE, WS_THREADSAFE

Event = dict[str, Any]
OVER: Event = {"type": "websocket.disconnect", "code": 1001}


class Server:
    """An ASGI server with one client. It tells what `events` say, and then nothing more."""

    def __init__(self, events: list[Event], *, reads_after: float = 0, stays_for: int | None = None) -> None:
        self.events = [{"type": "websocket.connect"}, *events]
        self.reads_after = reads_after  # seconds until the client takes its first message
        self.left = stays_for  # messages that the client takes
        self.sent: list[Event] = []

    async def receive(self) -> Event:
        if not self.events:
            await asyncio.Event().wait()
        return self.events.pop(0)

    async def send(self, event: Any) -> None:
        if event["type"] == "websocket.send":
            await asyncio.sleep(self.reads_after)
            self.reads_after = 0
            if self.left is not None and self.left <= 0:
                raise OSError("the client is gone")
            self.left = None if self.left is None else self.left - 1
        elif event["type"] == "websocket.close" and self.left == 0:
            raise RuntimeError("it was closed already")
        self.sent.append(event)

    def messages(self) -> list[str | bytes]:
        return [event.get("text") or event["bytes"] for event in self.sent if event["type"] == "websocket.send"]


def said(message: str | bytes) -> Event:
    return {"type": "websocket.receive", "text" if isinstance(message, str) else "bytes": message}


def visit(app: Atila, events: list[Event], path: str = "/", *, deniable: bool = True, **options: Any) -> Server:
    """Connect, say what there is to say, and return the server when the app is done with the connection."""
    server = Server(events, **options)

    async def serve() -> None:
        adapter = ASGI(app, AdapterSettings(threads=WorkerThreads(1, "test")))
        scope: Event = {
            "type": "websocket", "path": path, "query_string": b"", "scheme": "ws", "headers": [(b"host", b"a")],
            "extensions": {"websocket.http.response": {}} if deniable else None,
        }  # fmt: skip
        try:
            await asyncio.wait_for(adapter(scope, server.receive, server.send), 5)
        finally:
            await adapter.stop()

    asyncio.run(serve())
    return server


@pytest.fixture
def left() -> list[str]:
    """What was told when a connection was over."""
    return []


@pytest.fixture
def app(left: list[str]) -> Atila:
    app = Atila("tests")
    app.config.websocket_max_message = 10
    app.config.websocket_max_behind = 100

    @app.route("/")
    @app.websocket(WS_SIMPLE | WS_FAST, onclose=lambda was: left.append("left"))
    async def talk(was: Was, message: str) -> str | None:
        for number in range(int(message.partition(" ")[2] or 0)):
            was.websocket.send(f"{number:050}")
        if message == "soon":
            asyncio.get_running_loop().call_later(0.02, was.websocket.close, 3000, "done")
        if message == "end":
            was.websocket.close(3000, "done")
            was.websocket.close(3001, "again")
            was.websocket.send("nobody hears it")
        return message

    @app.route("/plain")
    @app.websocket(WS_THREADSAFE, onclose=lambda was: left.append("left"))
    def plain(was: Was, message: str) -> None:
        for _ in range(5):
            was.websocket.send(message * 10)

    return app


@pytest.mark.row("12.1")
def test_messages_and_the_end_of_a_connection(app: Atila, left: list[str]) -> None:
    server = visit(app, [said("one"), said("two"), OVER])
    assert server.sent[0]["type"] == "websocket.accept"
    assert (server.messages(), left) == (["one", "two"], ["left"])


@pytest.mark.row("12.9")
@pytest.mark.parametrize("last", ["end", "soon"])
def test_an_end_is_told_once_also_by_a_server_that_says_nothing_of_it(app: Atila, left: list[str], last: str) -> None:
    server = visit(app, [said("one"), said(last)])
    assert server.messages() == (["one"] if last == "end" else ["one", "soon"])
    assert server.sent[-1] == {"type": "websocket.close", "code": 3000, "reason": "done"}
    assert ([event["type"] for event in server.sent].count("websocket.close"), left) == (1, ["left"])


@pytest.mark.row("12.9")
def test_a_message_over_the_limit_ends_it(app: Atila, left: list[str]) -> None:
    server = visit(app, [said("x" * 10), said("x" * 11), said("more")])
    assert server.messages() == ["x" * 10]
    assert (server.sent[-1]["code"], left) == (1009, ["left"])


def test_a_client_that_does_not_read_is_let_go(app: Atila, left: list[str]) -> None:
    server = visit(app, [said("send 9")], reads_after=0.1)
    assert 2 <= len(server.messages()) <= 4
    assert (server.sent[-1]["code"], left) == (1008, ["left"])


@pytest.mark.row("12.2")
def test_a_thread_that_sends_waits_for_a_slow_client(app: Atila, left: list[str]) -> None:
    server = visit(app, [said("x" * 9), OVER], "/plain", reads_after=0.05)
    assert (server.messages(), left) == (["x" * 90] * 5, ["left"])


@pytest.mark.parametrize("last", [OVER, said("end")])
def test_a_client_that_is_gone_while_messages_wait(app: Atila, left: list[str], last: Event) -> None:
    server = visit(app, [said("send 2"), last], stays_for=0)
    assert (server.messages(), left) == ([], ["left"])
    assert [event["type"] for event in server.sent] == ["websocket.accept"]


@pytest.mark.parametrize("deniable", [True, False])
def test_a_handshake_that_is_refused(app: Atila, deniable: bool) -> None:
    sent = visit(app, [], "/nothing", deniable=deniable).sent
    if deniable:
        start, body = sent
        assert (start["status"], dict(start["headers"])[b"content-length"]) == (404, str(len(body["body"])).encode())
    else:
        assert sent == [{"type": "websocket.close", "code": 1008}]
