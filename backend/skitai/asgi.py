"""A mounted ASGI app (ASGI 3): Starlette, FastAPI, Django and their like, on the worker's event loop, with lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, MutableMapping
from typing import Any
from urllib.parse import quote

from atila.errors import HTTPError
from atila.http.duplex import Duplex
from atila.http.request import Request
from atila.http.response import FileBody, Pending, Response, Stream, is_paced
from atila.logs import one_line

from .asgi_socket import AppSocket, fields_of
from .foreign import ForeignSite, fields_for
from .relay import Relay

Message = MutableMapping[str, Any]

SPEC = (
    "2.3"  # by which frameworks listen for the client's leaving while they stream; 2.4 would have them wait for OSError
)

_log = logging.getLogger("skitai.asgi")


class ASGISite(ForeignSite):
    """A Site that an ASGI app answers. Its lifespan is the worker's."""

    threaded = False
    _lifespan: Lifespan | None = None

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the app's lifespan, if it has one. Raises RuntimeError with its reason when it refuses to start."""
        lifespan = Lifespan(self.app)
        await lifespan.start()
        self._lifespan = lifespan

    async def stop(self) -> None:
        lifespan, self._lifespan = self._lifespan, None
        if lifespan is not None:
            await lifespan.stop()

    async def respond(self, request: Request) -> Response:
        """Return the app's answer, still to come; an error of its own is logged and becomes 500."""
        return Response(body=Pending(self._call(request)))

    async def _call(self, request: Request) -> Response:
        state = {} if self._lifespan is None else self._lifespan.state
        call = Call(self.app, request, state)
        try:
            response = await call.response()
            if call.body_error is not None and response.status >= 500:  # what the app makes of half a body
                return self.refuse(request, call.body_error)
            return response
        except Exception:  # noqa: BLE001 - whatever the app raises becomes an answer
            if call.body_error is not None:
                return self.refuse(request, call.body_error)
            _log.exception("%s %s %s: the mounted app failed", request.id, request.method, one_line(request.path))
            return self.refuse(request, HTTPError(500))

    async def converse(self, request: Request, duplex: Duplex, _: object) -> None:
        """Serve a WebSocket. Raises what the app raises."""
        scope = scope_of(request, {} if self._lifespan is None else self._lifespan.state)
        scope.update(
            type="websocket",
            scheme="wss" if request.scheme == "https" else "ws",
            subprotocols=list(duplex.offered),
            extensions={"websocket.http.response": {}},
        )
        del scope["method"]
        socket = AppSocket(duplex, self.limits)
        await self.app(scope, socket.receive, socket.send)
        await socket.finish()


class Lifespan:
    """An app's lifespan task: told of the worker's start and of its end. Lives as long as the worker."""

    def __init__(self, app: Any) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have the app start. Raises RuntimeError when it says that it cannot; one without lifespan says nothing."""
        self._task = asyncio.create_task(self._run())
        await self._events.put({"type": "lifespan.startup"})
        answer = await self._answers.get()
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            raise RuntimeError(f"the mounted app could not start: {answer.get('message') or 'it gives no reason'}")

    async def stop(self) -> None:
        """Have the app stop; what goes wrong is logged."""
        if self._task is None or self._task.done():
            return
        await self._events.put({"type": "lifespan.shutdown"})
        answer = await self._answers.get()
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            _log.error("the mounted app could not stop: %s", answer.get("message") or "it gives no reason")
        with contextlib.suppress(asyncio.CancelledError):
            self._task.cancel()
            await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._events.get, self._answers.put)
        except Exception as error:  # noqa: BLE001 - the specification: an app without lifespan raises, whatever it is
            _log.debug("the mounted app has no lifespan: %s: %s", type(error).__name__, error)
        await self._answers.put(None)


class Call:
    """One request to the app: it runs as a task of its own, and hands over its answer as it comes."""

    def __init__(self, app: Any, request: Request, state: dict[str, Any]) -> None:
        self.request = request
        self.body_error: HTTPError | None = None  # why the client's body is not whole
        self._scope = scope_of(request, state)
        self._app = app
        self._body = _body_of(request)
        self._gone = asyncio.Event()  # the client left, or has everything
        self._said = Relay()  # so the app waits until the client took the last piece
        self._whole = False  # the last piece of the answer was said
        self._started = False
        self._task: asyncio.Task[None] | None = None

    async def response(self) -> Response:
        """Return the answer: whole when it comes at once, else as a stream. Raises what the app raised before it."""
        self._task = asyncio.create_task(self._app(self._scope, self._receive, self._send))
        self._task.add_done_callback(self._ended)
        try:
            return await self._answer()
        except asyncio.CancelledError:  # the client went away
            await self._leave()
            raise

    async def _answer(self) -> Response:
        start = await self._next()
        response = Response(start["status"], fields_of(start.get("headers", ())))
        first = await self._next()
        if first["type"] == "http.response.pathsend":
            size = os.path.getsize(first["path"])  # noqa: ASYNC240 - a local file's state is there at once
            response.body = FileBody(str(first["path"]), size)
            await self._leave()
        elif not first.get("more_body", False):
            response.body = bytes(first.get("body", b""))
            if self.request.method == "HEAD":
                response.body = Stream(iter(()), length=_length_of(response))
            await self._leave()
        else:
            response.body = Stream(self._pieces(first), self._leave, _length_of(response), paced=is_paced(response))
        return response

    async def _pieces(self, first: Message) -> AsyncIterator[bytes]:
        yield bytes(first.get("body", b""))
        message = first
        while message.get("more_body", False):
            message = await self._next()
            if body := message.get("body", b""):
                yield bytes(body)

    async def _next(self) -> Message:
        """Return what the app says next. Raises what it raised, or RuntimeError when it ended in silence."""
        message: Message | None = await self._said.get()
        if message is not None:
            return message
        assert self._task is not None, "response() makes it"
        self._task.result()
        raise RuntimeError("the app returned before its answer was whole")

    async def _leave(self) -> None:
        """End the call: the client has everything, or is gone; the app learns it when it receives or sends."""
        self._gone.set()
        self._said.end()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._said.end()
        error = None if task.cancelled() else task.exception()
        if error is None or not self._gone.is_set():  # while somebody listens, the answer tells of it
            return
        if self._whole:
            _log.error("%s: the mounted app failed after its answer", self.request.id, exc_info=error)
        else:
            _log.info("%s: the client went away; the mounted app ended: %r", self.request.id, error)

    # what the app calls

    async def _receive(self) -> Message:
        if not self._gone.is_set() and self.body_error is None:
            try:
                piece = await anext(self._body, None)
            except HTTPError as error:  # the specification calls this a disconnect
                self.body_error = error
                return {"type": "http.disconnect"}
            if piece is not None:
                return piece
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind not in ("http.response.start", "http.response.body", "http.response.pathsend"):
            raise RuntimeError(f"{kind!r} is not among what this server takes")
        if self._started == (kind == "http.response.start"):
            raise RuntimeError(f"{kind!r} comes at the wrong time")
        if self._whole:
            return
        if self._gone.is_set():
            raise OSError("the client went away")
        self._started = True
        self._whole = kind != "http.response.start" and not message.get("more_body", False)
        await self._said.put(message)


def scope_of(request: Request, state: dict[str, Any]) -> Message:
    """Return the scope of a request; the path is whole, and `root_path` the mount point, as ASGI 3 wants it."""
    host, _, port = request.host.rpartition(":")
    server = (
        (host, int(port)) if host and port.isdecimal() else (request.host, 443 if request.scheme == "https" else 80)
    )
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in fields_for(request)]
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": SPEC}, "http_version": request.version,
        "method": request.method, "scheme": request.scheme, "path": request.path,
        "raw_path": quote(request.path, safe="/:@!$&'()*+,;=-._~").encode(),
        "query_string": request.query_string.encode("latin-1", "replace"), "root_path": request.root,
        "headers": headers,
        "client": (request.get_remote_addr(), 0), "server": server, "state": dict(state),
        "extensions": {"http.response.pathsend": {}},
    }  # fmt: skip


async def _body_of(request: Request) -> AsyncIterator[Message]:
    if request.incoming is None:
        yield {"type": "http.request", "body": request.body or b"", "more_body": False}
        return
    async for piece in request.incoming:
        yield {"type": "http.request", "body": piece, "more_body": True}
    yield {"type": "http.request", "body": b"", "more_body": False}


def _length_of(response: Response) -> int | None:
    text = response.get_header("content-length") or ""
    return int(text) if text.isascii() and text.isdigit() else None
