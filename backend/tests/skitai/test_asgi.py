"""Mounted ASGI apps: what they may say, when, and what becomes of those that say something else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import FileBody, Pending, Response, Stream
from skitai.asgi import Lifespan
from skitai.engine import Engine

App = Callable[[Any, Any, Any], Awaitable[None]]


def ask(app: App, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes | str]:
    """Return status and body; of a stream, its pieces joined by '|'."""
    engine = Engine(Path.cwd())
    engine.mount("/point", app)

    async def respond() -> tuple[int, bytes | str]:
        request = Request(method, "/point/x", "q=1", Headers([("host", "a:81")]), body=body)
        pending: Response = await engine.build().resolve(request).respond(request)
        assert isinstance(pending.body, Pending)
        response = await pending.body.coming
        if isinstance(response.body, Stream):
            pieces = [piece async for piece in response.body.chunks]  # type: ignore[union-attr]  # an asynchronous one
            await response.body.aclose()
            return response.status, b"|".join(pieces)
        if isinstance(response.body, FileBody):
            return response.status, response.body.path
        return response.status, response.body

    return asyncio.run(respond())


def saying(*messages: dict[str, Any]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)

    return app


START = {"type": "http.response.start", "status": 201, "headers": [(b"X-A", b"1")]}


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def test_whole_answers_and_streams() -> None:
    assert ask(saying(START, piece(b"all", more=False))) == (201, b"all")
    assert ask(saying(START, {"type": "http.response.body"})) == (201, b"")
    assert ask(saying(START, piece(b"a"), piece(b""), piece(b"b"), piece(b"", more=False))) == (201, b"a|b")
    assert ask(saying(START, {"type": "http.response.pathsend", "path": __file__})) == (201, __file__)


@pytest.mark.parametrize(
    "app",
    [
        saying(), saying(START), saying(piece(b"first")), saying(START, START), saying({"type": "http.response.push"}),
        saying({**START, "headers": [(b"X", b"a\r\nb")]}, piece(b"x", more=False)),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_500(app: App) -> None:
    assert ask(app)[0] == 500


def test_an_answer_that_ends_early_breaks_off() -> None:
    with pytest.raises(RuntimeError, match="before its answer was whole"):
        ask(saying(START, piece(b"a"), piece(b"b")))


def test_what_is_said_after_the_end_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    assert ask(saying(START, piece(b"all", more=False), piece(b"more"))) == (201, b"all")

    async def fails_late(scope: Any, receive: Any, send: Any) -> None:
        await saying(START, piece(b"all", more=False))(scope, receive, send)
        raise LookupError("late")

    engine_said = ask(fails_late)
    assert engine_said == (201, b"all")
    assert "failed after its answer" in caplog.text


def test_the_scope_and_what_is_received() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        seen.append(await receive())
        await saying(START, piece(b"", more=False))(scope, receive, send)
        seen.append(await receive())

    assert ask(app, "POST", b"body")[0] == 201
    scope, first, last = seen
    assert (scope["path"], scope["root_path"], scope["raw_path"]) == ("/point/x", "/point", b"/point/x")
    assert (scope["query_string"], scope["server"], scope["scheme"]) == (b"q=1", ("a", 81), "http")
    assert first == {"type": "http.request", "body": b"body", "more_body": False}
    assert last == {"type": "http.disconnect"}


def test_a_lifespan_of_every_kind(caplog: pytest.LogCaptureFixture) -> None:
    async def without(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("this app knows HTTP only")

    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async def failing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        scope["state"]["kept"] = 7
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "still busy"})

    async def live(app: App) -> dict[str, Any]:
        lifespan = Lifespan(app)
        await asyncio.wait_for(lifespan.start(), 5)
        await asyncio.wait_for(lifespan.stop(), 5)
        return lifespan.state

    assert asyncio.run(live(without)) == {}
    assert asyncio.run(live(failing)) == {"kept": 7}
    assert "could not stop: still busy" in caplog.text
    with pytest.raises(RuntimeError, match="could not start: no database"):
        asyncio.run(live(refusing))
