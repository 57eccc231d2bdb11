"""A WebSocket as a mounted ASGI app may use it, and as it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from atila.http.duplex import Closed, Limits, Message, Outgoing
from atila.http.headers import Headers, Pairs
from atila.http.request import Request
from atila.http.response import Response
from skitai.engine import Engine

App = Callable[[Any, Any, Any], Awaitable[None]]
CONNECT = {"type": "websocket.connect"}


class Line:
    """A connection in memory: a Duplex that remembers what was done with it."""

    def __init__(self, *arriving: Message) -> None:
        self.offered: Sequence[str] = ["chat", "other"]
        self.behind = 0
        self.status = 0
        self.arriving = list(arriving)
        self.done: list[Any] = []

    async def accept(self, subprotocol: str | None, headers: Pairs, limits: Limits) -> None:
        if "gone" in self.arriving:
            raise Closed(1006)
        self.status = 101
        self.done.append(("accept", subprotocol, headers, limits.message))

    async def refuse(self, response: Response) -> None:
        self.status = response.status
        self.done.append(("refuse", response.status, response.headers, response.body))

    async def receive(self) -> Message:
        if not self.arriving:
            raise Closed(4000, "so long")
        return self.arriving.pop(0)

    def send(self, message: Message | Outgoing) -> None:
        self.done.append(("send", message))

    async def drain(self) -> None: ...

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.done.append(("close", code, reason))


def serve(app: App, *arriving: Message) -> list[Any]:
    """Serve one connection, and return what was done with it."""
    engine = Engine(Path.cwd())
    engine.mount("/point", app)
    line = Line(*arriving)

    async def converse() -> None:
        job = engine.build().resolve(request := Request("GET", "/point/x", "", Headers([("host", "a")])))
        assert job.converse is not None
        await job.converse(request, line, None)

    asyncio.run(converse())
    return line.done


def saying(*events: dict[str, Any]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert await receive() == CONNECT
        for event in events:
            await send(event)

    return app


ACCEPT = {"type": "websocket.accept", "subprotocol": "chat", "headers": [(b"X-A", b"1")]}


def test_what_comes_and_goes() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        await receive()
        await send(ACCEPT)
        while (event := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"], "bytes": event["bytes"]})
        seen.append(event)
        with pytest.raises(OSError, match="is closed"):
            await send({"type": "websocket.send", "text": "late"})

    done = serve(app, "a", b"b")
    assert done == [
        ("accept", "chat", [("x-a", "1")], 1024 * 1024), ("send", "a"), ("send", b"b"),
    ]  # fmt: skip
    scope, end = seen
    assert (scope["type"], scope["scheme"], scope["subprotocols"]) == ("websocket", "ws", ["chat", "other"])
    assert (scope["path"], scope["root_path"]) == ("/point/x", "/point")
    assert "method" not in scope
    assert end == {"type": "websocket.disconnect", "code": 4000, "reason": "so long"}


@pytest.mark.parametrize(
    ("events", "done"),
    [
        ([{"type": "websocket.accept"}], [("accept", None, [], 1024 * 1024), ("close", 1000, "")]),
        ([{"type": "websocket.close"}], [("refuse", 403, [], b"")]),
        ([], [("refuse", 403, [], b"")]),
        (
            [
                {"type": "websocket.http.response.start", "status": 401, "headers": [(b"WWW-Authenticate", b"Basic")]},
                {"type": "websocket.http.response.body", "body": b"sign ", "more_body": True},
                {"type": "websocket.http.response.body", "body": b"in"},
            ],
            [("refuse", 401, [("www-authenticate", "Basic")], b"sign in")],
        ),
    ],
)
def test_a_handshake_is_refused_and_what_stays_open_is_closed(events: list[dict[str, Any]], done: list[Any]) -> None:
    assert serve(saying(*events)) == done


def test_a_close_has_code_and_reason() -> None:
    assert serve(saying({"type": "websocket.accept"}, {"type": "websocket.close", "code": 4001, "reason": "bye"})) == [
        ("accept", None, [], 1024 * 1024), ("close", 4001, "bye"),
    ]  # fmt: skip


def test_a_client_that_left_during_the_handshake() -> None:
    with pytest.raises(OSError, match="went away"):
        serve(saying(ACCEPT), "gone")


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "websocket.send", "text": "too early"}],
        [ACCEPT, ACCEPT],
        [{"type": "http.response.start", "status": 200}],
        [{"type": "websocket.http.response.body", "body": b"x"}],
        [ACCEPT, {"type": "websocket.http.response.start", "status": 200}],
    ],
)
def test_what_is_said_out_of_place(events: list[dict[str, Any]]) -> None:
    with pytest.raises(RuntimeError, match=r"wrong time|comes first"):
        serve(saying(*events))
