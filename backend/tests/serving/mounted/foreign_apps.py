"""Apps of other frameworks that the serving tests mount, or put behind the engine: one of WSGI, one of Starlette."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

PIECE = b"x" * 65536


def unchecked(environ: dict[str, Any], start_response: Any) -> Any:
    """Say what came, as `environ` has it."""
    path = environ["PATH_INFO"]
    if path == "/fail":
        raise LookupError("the app has a mistake")
    if path == "/pieces":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (f"{number}\n".encode() for number in range(3))
    if path == "/file":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return environ["wsgi.file_wrapper"](Path(__file__).open("rb"))
    if path == "/temporary":
        file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - the server closes it
        file.write(b"gone soon")
        file.seek(0)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
        return environ["wsgi.file_wrapper"](file)
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "SERVER_PORT", "HTTP_COOKIE")
    said = "\n".join([*(f"{name}={environ.get(name, '')}" for name in names), f"body={len(body)}"])
    start_response(
        "200 OK", [("Content-Type", "text/plain; charset=latin-1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    )
    return [said.encode("latin-1")]


checked = validator(unchecked)


def say(text: str) -> None:
    """Tell the test, which reads the log."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    say("LIFESPAN BEGUN")
    yield {"kept": "for the worker"}
    say("LIFESPAN ENDED")


async def echo(request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    said = {"method": request.method, "path": request.scope["path"], "root": request.scope["root_path"], "body": size}
    return JSONResponse(
        {**said, "query": request.url.query, "headers": [list(pair) for pair in request.headers.items()]}
    )


async def kept(request: Request) -> Response:
    return PlainTextResponse(request.state.kept)


async def pieces(request: Request) -> Response:
    count = int(request.query_params.get("count", 20))
    promised = {"content-length": str(count * len(PIECE))} if "promised" in request.query_params else {}

    async def body() -> AsyncIterator[bytes]:
        try:
            for _ in range(count):
                yield PIECE
        finally:
            say("PIECES ENDED")

    return StreamingResponse(body(), headers=promised)


async def events(_: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        try:
            for number in range(100):
                yield f"data: {number}\n\n".encode()
                await asyncio.sleep(0.1)
        finally:
            say("EVENTS ENDED")

    return StreamingResponse(body(), media_type="text/event-stream")


async def slow(request: Request) -> Response:
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("late")


async def attentive(request: Request) -> Response:
    """Wait until the client leaves, as one does with long polls."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    say("NOBODY LISTENS")
    return PlainTextResponse("")


async def moved(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"], 302, {"set-cookie": "seen=1; Path=/"})


async def fail(_: Request) -> Response:
    raise LookupError("the app has a mistake")


async def file(_: Request) -> Response:
    return FileResponse(__file__, media_type="text/plain")


async def talk(socket: WebSocket) -> None:
    if socket.query_params.get("refuse"):
        await socket.close(4003)
        return
    await socket.accept(subprotocol=next(iter(socket.scope["subprotocols"]), None))
    while True:
        event = await socket.receive()
        if event["type"] == "websocket.disconnect":
            say(f"TALK ENDED {event['code']}")
            return
        if event.get("text") == "end":
            await socket.close(4001, "as you wish")
            return
        await (socket.send_text(event["text"]) if event.get("text") is not None else socket.send_bytes(event["bytes"]))


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
stars = Starlette(
    routes=[
        Route("/echo{rest:path}", echo, methods=METHODS),
        Route("/kept", kept),
        Route("/pieces", pieces),
        Route("/events", events),
        Route("/slow", slow),
        Route("/attentive", attentive),
        Route("/moved", moved),
        Route("/fail", fail),
        Route("/file", file),
        WebSocketRoute("/talk", talk),
    ],
    lifespan=lifespan,
)


async def broken(scope: Any, receive: Any, send: Any) -> None:
    """An app that cannot start."""
    assert (await receive())["type"] == "lifespan.startup"
    await send({"type": "lifespan.startup.failed", "message": "no room in the attic"})
