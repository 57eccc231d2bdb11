"""One client's open WebSocket, as handlers use it: `was.websocket`."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any, Literal

from ..http.duplex import Duplex, Message, Outgoing
from .design import SocketSpec
from .encoding import ENCODINGS, Encoding

Event = Literal["", "init", "opened", "closed"]  # what a handler of the older form is called for; "": a message


class Socket:
    """A client that is connected. `send` and `close` are safe for threads; lives as long as the connection.

    What is sent before the connection is open, by `onopen`, waits until it is.
    """

    def __init__(self, client_id: int, duplex: Duplex, spec: SocketSpec, patience: int = 1024 * 1024) -> None:
        self.client_id = client_id
        self.duplex = duplex
        self.spec = spec
        self.patience = patience  # bytes that may wait for the client before a thread that sends waits too
        self.encoding: Encoding = ENCODINGS[spec.encoding]
        self.arguments: dict[str, Any] = {}  # of the handler, from the path and the query
        self.g = SimpleNamespace()  # for the app to keep things in, as long as the connection
        self.message: Any = None  # the one that is being handled, decoded
        self.event: Event = ""
        self.room: str | None = None
        self.admitted = False  # hooks and guards let the current call through to the handler
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._coming = 0  # characters or bytes that threads have handed to the event loop
        self._waiting: list[Message | Outgoing] | None = []  # None once the connection is open

    def send(self, message: Any) -> None:
        """Send a message, encoded as the route says; any number of them in a call.

        A thread waits here for a client that reads too slowly; an async handler does by `await was.websocket.drain()`.
        What is sent to a client that is gone is forgotten. Raises TypeError for a message that has no form.
        """
        encoded = self.encoding.write(message)
        if threading.get_ident() == self._thread:
            self.put(encoded)
            return
        with self._lock:
            self._coming += len(encoded)
        self._on_loop(self._put_coming, encoded)
        if self._coming + self.duplex.behind > self.patience and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self.drain(), self._loop).result()

    def push(self, message: Any) -> None:
        """Send a message as `send` does, but never wait: a client that is too far behind is let go."""
        self._on_loop(self.put, self.encoding.write(message))

    async def drain(self) -> None:
        """Wait until the client has taken most of what was sent; on the event loop only."""
        await self.duplex.drain()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection with a code (RFC 6455 7.4; 3000 to 4999 are yours) and a reason of 123 bytes at most.

        Raises ValueError for another code or a longer reason.
        """
        if not (code in _CODES or 3000 <= code < 5000):
            raise ValueError(f"{code} is no code to close with: {', '.join(map(str, _CODES))}, or 3000 to 4999")
        if len(reason.encode()) > LONGEST_REASON:
            raise ValueError(f"a reason has {LONGEST_REASON} bytes at most")
        self._on_loop(self.duplex.close, code, reason)

    def use(self, spec: SocketSpec) -> None:
        """Go on as another spec says."""
        self.spec, self.encoding = spec, ENCODINGS[spec.encoding]

    # on the event loop

    def put(self, message: Message | Outgoing) -> None:
        """Send what is encoded already; on the event loop only."""
        if self._waiting is None:
            self.duplex.send(message)
        else:
            self._waiting.append(message)

    def _put_coming(self, message: Message) -> None:
        with self._lock:
            self._coming -= len(message)
        self.put(message)

    def open(self) -> None:
        """Send what waited for the connection."""
        waiting, self._waiting = self._waiting or [], None
        for message in waiting:
            self.duplex.send(message)

    def _on_loop(self, work: Any, *arguments: Any) -> None:
        if threading.get_ident() == self._thread:
            work(*arguments)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work, *arguments)

    # the older form: a handler that is asked what it is called for

    def init(self) -> bool:
        """The handler is asked for `was.wsconfig(...)`."""
        return self.event == "init"

    def opened(self) -> bool:
        """The connection was opened; what the handler returns is the first message."""
        return self.event == "opened"

    def closed(self) -> bool:
        """The connection is over."""
        return self.event == "closed"

    def has_event(self) -> bool:
        """The handler is called for one of these, and not for a message."""
        return self.event != ""

    def configure(self, spec: int, timeout: float = 60, encoding: str = "text") -> SocketSpec:
        """Return what a handler answers to `was.wsinit()`. Raises RouteError for a design that does not exist."""
        return SocketSpec(spec, timeout, encoding=encoding)

    def client(self) -> int:
        """Return the client's id."""
        return self.client_id


LONGEST_REASON = 123  # bytes: a control frame has 125, two of them are the code (RFC 6455 5.5)
_CODES = (1000, 1001, 1003, 1007, 1008, 1011, 1012, 1013)


def shortened(reason: str) -> str:
    """Return as much of a reason as fits in a closing frame."""
    return reason.encode()[:LONGEST_REASON].decode(errors="ignore")


def socket_of(request: Any) -> Socket:
    """Return the socket of a request. Raises RuntimeError when it is no message of a WebSocket."""
    if request.socket is None:
        raise RuntimeError("this request is no message of a WebSocket: app.websocket_send reaches a client from here")
    found: Socket = request.socket
    return found
