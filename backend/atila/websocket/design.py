"""How a route declares that it serves WebSockets: the designs, and the decorator that names one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import HTTPError, RouteError
from ..routing.route import AnyHandler, Handler, declarations
from .encoding import ENCODINGS

WS_SIMPLE = 1  # a message in, an answer out
WS_GROUPCHAT = 5  # what handlers return goes to everybody in the client's room
WS_THREADSAFE = 6  # as WS_SIMPLE; sending is safe for threads with every design here
WS_NQ = WS_FAST = 128  # a flag beside them: the handler runs on the event loop, not on a worker thread

_DESIGNS = {WS_SIMPLE: "WS_SIMPLE", WS_THREADSAFE: "WS_THREADSAFE", WS_GROUPCHAT: "WS_GROUPCHAT"}


@dataclass(frozen=True, slots=True)
class SocketSpec:
    """What `@app.websocket` or `was.wsconfig` said. Lives as long as its route, or as the connection."""

    design: int = WS_SIMPLE
    timeout: float = 60.0  # seconds after which a client that answers no ping is given up; 0 waits for ever
    onopen: Handler | None = None
    onclose: Handler | None = None
    encoding: str = "text"
    subprotocols: tuple[str, ...] = ()  # that are spoken, the best liked first
    token_first: bool = False  # the first message is the bearer token, when the handshake brought none

    def __post_init__(self) -> None:
        if self.design & ~WS_NQ not in _DESIGNS:
            raise RouteError(f"websocket: no design {self.design!r}; there are {', '.join(_DESIGNS.values())}")
        if self.encoding not in ENCODINGS:
            raise RouteError(f"websocket: no encoding {self.encoding!r}; there are {', '.join(ENCODINGS)}")
        if isinstance(self.timeout, bool) or not isinstance(self.timeout, int | float) or self.timeout < 0:
            raise RouteError(f"websocket: timeout is a number of seconds, not {self.timeout!r}")

    @property
    def grouped(self) -> bool:
        """What handlers return goes to a room."""
        return self.design & ~WS_NQ == WS_GROUPCHAT

    @property
    def queued(self) -> bool:
        """Plain handlers run on worker threads."""
        return not self.design & WS_NQ


def websocket(
    spec: int = WS_SIMPLE,
    timeout: float = 60,
    onopen: Handler | None = None,
    onclose: Handler | None = None,
    encoding: str = "text",
    *,
    subprotocols: Sequence[str] = (),
    token_first: bool = False,
) -> Callable[[AnyHandler], AnyHandler]:
    """Serve WebSockets (RFC 6455) with a handler, `f(was, message, **query)`: what it returns is sent, None is not.

    `timeout`: seconds after which a client that answers no ping is given up. `onopen(was)` may return a first message;
    `onclose(was)` runs when the connection is over. `encoding`: text, binary, json, xmlrpc or grpc. `token_first`: when
    the handshake brought no bearer token, the first message is the token. Raises RouteError for anything else.
    """
    if isinstance(subprotocols, str):
        raise RouteError(f"websocket: subprotocols is a list, not {subprotocols!r}")
    made = SocketSpec(spec, timeout, onopen, onclose, encoding, tuple(subprotocols), token_first)

    def declare(handler: AnyHandler) -> AnyHandler:
        taken = list(inspect.signature(handler).parameters.values())[1:]
        named = [item.name for item in taken if item.kind is not item.VAR_KEYWORD]
        if not named:
            raise RouteError(f"websocket, {handler.__qualname__}: a handler's second argument is the message")
        if made.grouped and len(named) < 2:
            raise RouteError(f"websocket, {handler.__qualname__}: the argument after the message names the room")
        declarations(handler).socket = made
        declarations(handler).before.insert(0, _only_sockets)
        return handler

    return declare


def _only_sockets(was: Any) -> None:
    if was.request.wire != "websocket":
        headers = [("upgrade", "websocket"), ("connection", "upgrade")]
        raise HTTPError("426 Upgrade Required", "a WebSocket is served here", headers=headers)


def asks_itself(handler: Handler) -> bool:
    """Say whether a handler configures its sockets while it runs, by `was.wsconfig`, as the older form does."""
    code = getattr(inspect.unwrap(handler), "__code__", None)
    return code is not None and "wsconfig" in code.co_names
