"""A client for tests: calls an app in process through an adapter, as a server would."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..adapters.asgi import ASGI
from ..adapters.rsgi import RSGI
from ..adapters.settings import AdapterSettings
from ..app import Atila
from ..concurrency import WorkerThreads
from .answer import Answer
from .caller import Caller
from .wires import ServerCall, call_asgi, call_rsgi

if TYPE_CHECKING:
    from .rpc import GrpcStub
    from .sockets import ClientSocket

Adapter = Literal["rsgi", "asgi"]
_CALLS: dict[str, Any] = {"rsgi": (RSGI, call_rsgi), "asgi": (ASGI, call_asgi)}


class TestClient(Caller):
    """Calls one app, mounted at `point`: `with app.test_client("/") as cli: cli.get("/hello")`.

    Plain handlers run on worker threads, as in the engine; `threads=0` runs them on the event loop.
    """

    __test__ = False  # for pytest: this is no test

    def __init__(
        self,
        app: Atila,
        point: str = "/",
        approot: str | os.PathLike[str] | None = None,
        *,
        adapter: Adapter | None = None,
        threads: int = 2,
        headers: Mapping[str, str] | None = None,
        base_url: str = "http://testserver",
        peer: str = "127.0.0.1",
    ) -> None:
        super().__init__(base_url, headers, peer)
        self.app = app
        app.root = point.rstrip("/")
        if approot is not None:
            app.home = type(app.home)(approot)
        workers = WorkerThreads(threads, "test") if threads else None
        make, self._call = _CALLS[adapter or os.environ.get("ATILA_TEST_ADAPTER", "rsgi")]
        self.adapter = make(app, AdapterSettings(threads=workers))
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Start the app, as a server's process does. Raises what its steps of being mounted raise."""
        if self._loop is not None:
            return
        self._loop = asyncio.new_event_loop()
        try:
            if isinstance(self.adapter, RSGI):
                self.adapter.__rsgi_init__(self._loop)
            else:
                self._loop.run_until_complete(self.adapter.start())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the app and its threads."""
        if self._loop is None:
            return
        if isinstance(self.adapter, RSGI):
            self.adapter.__rsgi_del__(self._loop)
        else:
            self._loop.run_until_complete(self.adapter.stop())
        self.app.platform.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._loop = None

    def send(self, call: ServerCall) -> Answer:
        """Send a request through the adapter."""
        self.open()
        assert self._loop is not None, "open() made it"
        answer: Answer = self._loop.run_until_complete(self._call(self.adapter, call))
        return answer

    def ws(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        subprotocols: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        scheme: str = "http",
    ) -> ClientSocket:
        """Open a WebSocket: `with cli.ws("/chat?room_id=1") as ws: ws.send("hi"); ws.receive()`.

        Raises RefusedError when the handshake is answered with something else.
        """
        from .sockets import ClientSocket  # as below

        self.open()
        assert self._loop is not None, "open() made it"
        offered = {"sec-websocket-protocol": ", ".join(subprotocols)} if subprotocols else {}
        call = self.prepare("GET", path, params or {}, {**offered, **(headers or {})}, None, scheme)
        socket = ClientSocket(self._loop, self.adapter, call)
        for field in socket.answer.headers.get_all("set-cookie"):
            self.cookies.keep(field)
        return socket

    def grpc(self, service: str, **metadata: str) -> GrpcStub:
        """Return a stub of a gRPC service: `cli.grpc("/package.Service").Get(message)`."""
        from .rpc import GrpcStub  # as above; it needs protobuf

        self.open()
        assert self._loop is not None, "open() made it"
        return GrpcStub(self.app, self._loop, service, list(metadata.items()))
