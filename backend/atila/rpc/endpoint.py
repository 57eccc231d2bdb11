"""Where remote calls come in: from a body to calls, from calls to the requests of their routes, and to one answer."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ..concurrency import settle
from ..errors import HTTPError
from ..http.headers import Pairs
from ..http.request import Request
from ..http.response import Response
from ..http.site import Job
from ..routing.route import Route
from .arguments import name_arguments
from .jsonrpc import JsonRpc
from .messages import Codec, Message
from .methods import Call, Methods, UnknownMethodError, ask
from .xmlrpc import XmlRpc

READ_ON_LOOP = 8 * 1024  # bytes of a body that the event loop reads itself; it takes under a millisecond
_FRAMING = ("content-type", "content-length", "content-encoding", "etag", "last-modified")


class Endpoint:
    """What answers the messages of one protocol, posted to any path. Lives as long as the app."""

    def __init__(self, codec: Codec, methods: Methods, body_limit: int, otherwise: Callable[[Request], Job]) -> None:
        self.codec = codec
        self.methods = methods
        self.body_limit = body_limit
        self.otherwise = otherwise  # what answers a body that is no message of the protocol

    def job(self, request: Request) -> Job:
        return CallJob(self, request)

    def may_block(self, message: Message, request: Request) -> bool:
        """Say whether any call of a message runs a plain handler."""
        base = request.inner.rstrip("/")
        for call in message.calls:
            try:
                call.target = self.methods.find(base, call.method)
            except UnknownMethodError:
                continue
            if not call.target.route.asynchronous:
                return True
        return False

    async def answer(self, message: Message, request: Request) -> Response:
        """Run the calls of a message. Errors are part of the answer, whose status is 200."""
        headers: Pairs = []
        try:
            body = await message.answer(partial(self._perform, request, headers))
        except HTTPError as error:
            body = self.codec.refuse(error)
        return self._respond(body, headers)

    async def refuse(self, error: HTTPError) -> Response:
        """Answer a message that could not be read."""
        return self._respond(self.codec.refuse(error), [])

    def _respond(self, body: bytes, headers: Pairs) -> Response:
        response = Response(200, _merged(headers) if headers else [])
        if body:
            response.headers.append(("content-type", self.codec.content_type))
        response.body = body
        return response

    async def _perform(self, request: Request, headers: Pairs, call: Call) -> Any:
        """Run one call through the guards and the handler of its route. Raises HTTPError."""
        method = call.target
        if method is None:
            base = request.inner.rstrip("/")
            try:
                method = self.methods.find(base, call.method)
            except UnknownMethodError:
                return ask(self.methods, base, call)
        route, path = method.route, method.path
        inner = Request(
            method.verb, request.root + path, "", request.source, request.connection,
            forwarded=request.forwarded, wire=self.codec.wire,
        )  # fmt: skip
        inner.root, inner.inner, inner.id = request.root, path, request.id
        inner.app, inner.route = request.app, route
        inner.claims_of, inner.limits = request.claims_of, request.limits
        request.wire, request.route = inner.wire, route  # for who looks at the request when it is answered
        inner.set_data(name_arguments(method, call))
        return await route.job.perform(inner, headers)


def _merged(headers: Pairs) -> Pairs:
    """Return the header fields that the handlers gave, each name as its last handler says; cookies of all."""
    last = dict(headers)
    kept = [(name, value) for name, value in last.items() if name not in _FRAMING and name != "set-cookie"]
    return kept + [pair for pair in headers if pair[0] == "set-cookie"]


class CallJob(Job):
    """How one message is answered. Lives as long as its request: only the body tells which handlers it calls.

    The body is read once, wherever that is asked for first.
    """

    __slots__ = ("_endpoint", "_message", "_otherwise", "_refusal", "_request")

    # What is the same for every message, and costs nothing to make.
    found, perform, converse = True, None, None
    multipart_limit = stream_over = 0

    def __init__(self, endpoint: Endpoint, request: Request) -> None:
        self.body_limit = endpoint.body_limit
        self._endpoint = endpoint
        self._request = request
        self._message: Message | None = None
        self._refusal: HTTPError | None = None
        self._otherwise: Job | None = None  # what answers a body that is no message

    @property
    def blocking(self) -> bool:  # type: ignore[override]  # adapters ask once the body is there
        """A plain handler may run; a body that is large, or not there yet, is not looked at."""
        body = self._request.body
        if body is None or len(body) > READ_ON_LOOP:
            return True
        self._read(body)
        if self._otherwise is not None:
            return self._otherwise.blocking
        return self._message is not None and self._endpoint.may_block(self._message, self._request)

    def respond(self, request: Request) -> Coroutine[Any, Any, Response]:
        """Return what answers the message; it is what answers the path's route when it is none."""
        self._read(request.body or b"")
        if self._message is not None:
            return self._endpoint.answer(self._message, request)
        if self._otherwise is not None:
            answering = self._otherwise.respond(request)
            return answering if self._otherwise.blocking else settle(answering)
        assert self._refusal is not None
        return self._endpoint.refuse(self._refusal)

    def _read(self, body: bytes) -> None:
        if self._message is not None or self._refusal is not None or self._otherwise is not None:
            return
        codec = self._endpoint.codec
        if not codec.concerns(body):
            self._otherwise = self._endpoint.otherwise(self._request)
            return
        try:
            self._message = codec.read(body)
        except HTTPError as error:
            self._refusal = error


Door = Callable[[Request], Job | None]  # None: the request is no remote call


def doors(app: Any, complete: Callable[[Route], None], otherwise: Callable[[Request], Job]) -> dict[str, Door]:
    """Return an app's ways in for remote calls, by the type of the body."""
    config = app.config
    methods = Methods(app.router, complete, config.rpc_introspection)
    limits = config.max_json_depth, config.max_rpc_calls

    def door(codec: Codec) -> Door:
        return Endpoint(codec, methods, config.max_post_body_size, otherwise).job

    xml, json = door(XmlRpc(*limits)), door(JsonRpc(*limits))
    found = {"text/xml": xml, "application/xml": xml, "application/json-rpc": json, "application/jsonrequest": json}
    if config.jsonrpc_path is not None:
        path = config.jsonrpc_path.rstrip("/")
        plain = door(JsonRpc(*limits, "application/json"))
        found["application/json"] = lambda request: plain(request) if request.inner.rstrip("/") == path else None
    return found
