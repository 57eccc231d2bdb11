"""The life of one WebSocket, top to bottom: handshake, messages, closing. Each is a call through the pipeline."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from .concurrency import Inline, WorkerThreads, drive
from .errors import HTTPError, Reason, RouteError, bad_parameters
from .hooks import called
from .http.duplex import Closed, Duplex, Limits, Message
from .http.headers import Headers, Pairs
from .http.request import Request
from .http.response import Response
from .params.binding import read_hints
from .params.checks import binder_for
from .params.types import converter_for
from .routing.route import Handler, Route
from .was import Was
from .websocket.design import SocketSpec
from .websocket.socket import Event, Socket, shortened

BAD_DATA, REFUSED, FAILED = 1007, 1008, 1011  # RFC 6455 7.4.1
BEARER = "bearer"  # the subprotocol before a token, and the scheme

Respond = Callable[[Request], Coroutine[Any, Any, Response]]
Perform = Callable[[Request], Coroutine[Any, Any, Any]]


class Conversation:
    """How one route serves WebSockets. Made once, with the route's job; lives as long as it.

    The pipeline is called with `opening` in place of the route for the handshake, whose arguments are those of the path
    and the query, and with `talking` for each message. So hooks run and guards are asked each time.
    """

    def __init__(self, app: Any, route: Route, respond: Respond, perform: Perform) -> None:
        self.app = app
        self.respond = respond
        self.perform = perform
        named = [item.name for item in route.signature[1:] if item.kind is not item.VAR_KEYWORD]
        if not named:
            raise RouteError(f"{route!r}: the second argument of a WebSocket's handler is the message")
        self.ask = _asking(route.handler, named[0])
        self.spec: SocketSpec = route.declared.socket or SocketSpec(onopen=self.ask("init"))
        self.hint = read_hints(route.handler).get(named[0], Any)
        if self.spec.encoding == "grpc" and not hasattr(self.hint, "DESCRIPTOR"):
            raise RouteError(f"{route!r}: the hint of {named[0]!r} names its protobuf message")
        self.room_name = named[1] if len(named) > 1 else ""
        self.route = route
        self.opening = self._opening(named[0])
        scheme = route.scheme
        self.expires = scheme is None or scheme.name == BEARER  # who the client is may end while it is connected
        self.talking = copy.copy(route)
        if not self.expires:  # a password was sent once; a digest is good for one request only
            self.talking.guards = [guard for guard in route.guards if guard != scheme.check]
        self.talking.binder = MessageBinder(named[0], self.hint)

    async def __call__(self, request: Request, duplex: Duplex, threads: WorkerThreads | None) -> None:
        """Serve one connection to its end. Raises nothing that its messages or its handler cause."""
        visit = Visit(self, request, duplex, None if self.route.asynchronous else threads)
        try:
            if await visit.open():
                await visit.talk()
        except Closed:
            pass  # the client was gone before the connection was open

    def _opening(self, message: str) -> Route:
        """Return the route that a handshake is a call of: its handler runs `onopen`, its arguments are the query's."""
        opening = copy.copy(self.route)
        opening.signature = [item for item in self.route.signature if item.name != message]
        opening.binder = binder_for(opening)
        opening.handler = lambda was, **arguments: Inline(self._open(was, arguments))
        opening.asynchronous = True
        return opening

    async def _open(self, was: Was, arguments: dict[str, Any]) -> bytes:
        """Run `onopen`, and keep what it returns as the socket's message; the handshake's answer has no body."""
        socket: Socket = was.request.socket
        socket.arguments = arguments
        greeting = await called(socket.spec.onopen(was)) if socket.spec.onopen is not None else None
        if isinstance(greeting, SocketSpec):  # a handler of the older form says how it wants its sockets
            socket.use(replace(greeting, onopen=self.ask("opened"), onclose=self.ask("closed")))
            greeting = await called(self.ask("opened")(was))
        elif socket.event == "init":
            raise HTTPError(426, "the handler did not return was.wsconfig(...)", headers=UPGRADE)
        socket.message = greeting
        socket.admitted = True
        return b""

    def limits(self, spec: SocketSpec) -> Limits:
        """Return what a connection may take, by the route and the app's settings."""
        config = self.app.config
        ping = config.websocket_ping_interval
        return Limits(
            config.websocket_max_message,
            config.websocket_max_behind,
            spec.timeout,
            min(ping, spec.timeout / 2) if spec.timeout else ping,
            config.websocket_close_timeout,
        )


class Visit:
    """One connection of a Conversation. Lives as long as it."""

    def __init__(
        self, conversation: Conversation, request: Request, duplex: Duplex, threads: WorkerThreads | None
    ) -> None:
        self.conversation = conversation
        self.app = conversation.app
        self.request = request
        self.duplex = duplex
        self.threads = threads
        self.socket = request.socket = Socket(
            self.app.sockets.new_id(), duplex, conversation.spec, self.app.config.websocket_max_behind // 2
        )

    async def open(self) -> bool:
        """Answer the handshake; say whether there is a connection to talk on. Raises Closed."""
        spec = self.socket.spec
        offered = list(self.duplex.offered)
        chosen = next((name for name in spec.subprotocols if name in offered), None)
        if self.request.bearer_token is None and BEARER in offered[:-1]:
            chosen = chosen or BEARER
            self._authorize(offered[offered.index(BEARER) + 1])
        if spec.token_first and self.request.bearer_token is None:
            return await self._open_by_token(chosen)
        response = await self._enter()
        if not self.socket.admitted:
            response.headers.append(("x-request-id", self.request.id))
            await self.duplex.refuse(response)
            return False
        await self._accept(chosen, [pair for pair in response.headers if not _describes_body(pair[0])])
        self._join()
        return True

    async def talk(self) -> None:
        """Handle the messages, one after the other, until the connection is over."""
        try:
            while True:
                await self._hear(await self.duplex.receive())
        except Closed:
            pass
        finally:
            self.app.sockets.leave(self.socket)
            await self._run(self._leave())

    # the handshake

    async def _enter(self) -> Response:
        """Run the hooks, the guards and `onopen`; return the answer to a handshake that they do not admit."""
        self.request.route = self.conversation.opening
        answers: list[Response] = []

        async def respond() -> None:
            answers.append(await self.conversation.respond(self.request))

        await self._run(respond())
        self.socket.admitted = self.socket.admitted and answers[0].status < 400
        return answers[0]

    async def _accept(self, chosen: str | None, headers: Pairs) -> None:
        await self.duplex.accept(chosen, headers, self.conversation.limits(self.socket.spec))

    async def _open_by_token(self, chosen: str | None) -> bool:
        """Open the connection for any client of a permitted origin; its first message must be the token."""
        try:
            if (origin := self.request.get_header("origin")) is not None:
                self.conversation.route.sharing.admit(self.request, Response(), origin)
        except HTTPError as error:
            await self.duplex.refuse(Response(error.status.code))
            return False
        await self._accept(chosen, [])
        try:
            token = await asyncio.wait_for(self.duplex.receive(), self.app.config.websocket_token_timeout)
            self._authorize(token if isinstance(token, str) else "")
            await self._enter()
        except TimeoutError:
            self.socket.admitted = False
        if self.socket.admitted:
            self._join()
            return True
        self.duplex.close(REFUSED, "no token, or one that is refused")
        while True:
            await self.duplex.receive()  # until it raises Closed: the client answers that it is over

    def _authorize(self, token: str) -> None:
        """Give the request the token that came another way than in its head."""
        token = token.strip().removeprefix("Bearer ")
        safe = token if token.isascii() and token.isprintable() else ""
        self.request.source = Headers([*self.request.source.items(), ("authorization", f"Bearer {safe}")])

    def _join(self) -> None:
        """Make the socket known; what `onopen` returned and sent goes to the client, or to its room."""
        socket, greeting = self.socket, self.socket.message
        if socket.spec.grouped:
            room = socket.arguments.get(self.conversation.room_name)
            socket.room = f"{self.conversation.route.rule.text}:{room}"
        self.app.sockets.join(socket)
        socket.open()
        if greeting is not None:
            self._say(greeting)

    # messages

    async def _hear(self, message: Message) -> None:
        socket = self.socket
        try:
            socket.message = socket.encoding.read(message, self.conversation.hint, self.app.config.max_json_depth)
        except ValueError as error:
            self.duplex.close(BAD_DATA, shortened(str(error)))
            return
        await self._run(self._answer())
        await self.duplex.drain()

    async def _answer(self) -> None:
        """Call the handler with a message and send what it returns; an error closes the connection."""
        socket, request = self.socket, self.request
        socket.admitted, socket.event = False, ""
        if self.conversation.expires:
            request.forget_caller()
        request.route = self.conversation.talking
        try:
            result = await self.conversation.perform(request)
            if not socket.admitted:
                socket.close(REFUSED, "refused")
            elif result is not None:
                self._say(result)
        except HTTPError as error:
            code = FAILED if error.status.code >= 500 else BAD_DATA if error.status.code == 400 else REFUSED
            socket.close(code, shortened(error.detail or error.message))
        except (TypeError, ValueError) as error:  # the result has no form in this encoding, or does not fit the bus
            Was(self.app, request).traceback()
            socket.close(FAILED, shortened(str(error)) if self.app.debug else "")

    def _say(self, result: Any) -> None:
        """Send what a handler returned: to the client, or to everybody in its room. Raises TypeError, ValueError."""
        socket = self.socket
        if socket.room is None:
            socket.send(result)
        else:
            self.app.sockets.tell(socket.room, socket.encoding.write(result))

    # closing

    async def _leave(self) -> None:
        """Run `onclose`; only those in the client's room can still hear what it returns."""
        socket = self.socket
        if socket.spec.onclose is None:
            return
        was = Was(self.app, self.request)
        try:
            farewell = await called(socket.spec.onclose(was))
            if farewell is not None and socket.room is not None:
                self._say(farewell)
        except Exception:  # noqa: BLE001 - whatever the app raises: the connection is over, nobody could be told
            was.traceback()

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run on a worker thread what may block, else here."""
        if self.threads is None or not self.socket.spec.queued:
            await work
        else:
            await self.threads.submit(drive, work)


class MessageBinder:
    """Makes the arguments of a handler from a message and the connection. Lives as long as its Conversation."""

    def __init__(self, name: str, hint: Any) -> None:
        self.name = name
        as_it_is = hint in (Any, object) or hasattr(hint, "DESCRIPTOR")
        self.convert = None if as_it_is else converter_for(name, hint)

    def bind(self, request: Request) -> dict[str, Any]:
        """Return the handler's keyword arguments. Raises HTTPError 400 for a message that its hint does not allow."""
        socket: Socket = request.socket
        socket.admitted = True
        value = socket.message
        if self.convert is not None:
            try:
                value = self.convert(value, True)
            except (ValueError, TypeError) as error:
                raise bad_parameters([Reason(self.name, str(error))]) from error
        return {self.name: value, **socket.arguments}


def _asking(handler: Handler, message: str) -> Callable[[Event], Handler]:
    """Return what makes, for an event, the function of `was` that calls a handler of the older form."""

    def asking(event: Event) -> Handler:
        def ask(was: Any) -> Any:
            socket: Socket = was.request.socket
            socket.event = event
            return handler(was, **{message: None, **socket.arguments})

        return ask

    return asking


UPGRADE = [("upgrade", "websocket"), ("connection", "upgrade")]


def _describes_body(name: str) -> bool:
    return name.startswith(("content-", "access-control-")) or name in ("vary", "etag", "last-modified")
