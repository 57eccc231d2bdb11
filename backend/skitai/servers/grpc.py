"""gRPC: a synchronous grpcio server on its own port, answering through the same site as HTTP does."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import grpc

from atila.adapters.settings import AdapterSettings
from atila.concurrency import adopt
from atila.errors import HTTPError
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.site import Site
from atila.rpc.grpc import Method, answer, find_method, messages, services_of, status_name, status_text

MAX_MESSAGE = 64 * 1024 * 1024  # bytes; an app's own limit of a multipart body is checked besides

_log = logging.getLogger("skitai.grpc")


def has_services(apps: Iterable[Any]) -> bool:
    """Say whether a route of any app is a method of a gRPC service."""
    return any(services_of([app.root + route.rule.text for route in app.router.routes]) for app in apps)


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: the key, not encrypted, and the certificate with its chain."""

    key: Path
    certificate: Path


class GrpcServer:
    """The gRPC side of one worker. Lives as long as the worker.

    Calls run on threads of their own; a stream holds one as long as it lasts. A handler's generator may yield None when
    it has nothing to say: then the call is looked at, and ended when the client left or the server stops.
    """

    def __init__(
        self, site: Site, address: str, port: int, threads: int, settings: AdapterSettings, tls: Tls | None = None
    ) -> None:
        self.site = site
        self.tls = tls
        self.address = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        self.settings = settings
        self.loop: asyncio.AbstractEventLoop | None = None
        self.stopping = threading.Event()
        self._threads = threads
        self._server: grpc.Server | None = None
        self._stopped: threading.Event | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the port and serve. Raises RuntimeError when it cannot be opened."""
        self.loop = loop
        pool = ThreadPoolExecutor(self._threads, "grpc", initializer=adopt, initargs=(loop,))
        options = [("grpc.so_reuseport", 1), ("grpc.max_receive_message_length", MAX_MESSAGE)]
        server = grpc.server(pool, handlers=[_Methods(self)], options=options)
        if self.tls is None:
            server.add_insecure_port(self.address)
        else:
            pair = (self.tls.key.read_bytes(), self.tls.certificate.read_bytes())
            server.add_secure_port(self.address, grpc.ssl_server_credentials([pair]))
        server.start()
        self._server = server

    def begin_stop(self, grace: float) -> None:
        """Take no new call; running ones get `grace` seconds. Returns at once."""
        self.stopping.set()
        if self._server is not None and self._stopped is None:
            self._stopped = self._server.stop(grace)

    def stop(self, grace: float) -> None:
        """Stop, and wait until the running calls have ended or the time is over."""
        self.begin_stop(grace)
        if self._stopped is not None:
            self._stopped.wait(grace + 1)

    def handler(self, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
        """Return what grpcio calls for a method; messages cross it as bytes."""
        kinds = {
            (False, False): (grpc.unary_unary_rpc_method_handler, self._one),
            (False, True): (grpc.unary_stream_rpc_method_handler, self._many),
            (True, False): (grpc.stream_unary_rpc_method_handler, self._one),
            (True, True): (grpc.stream_stream_rpc_method_handler, self._many),
        }
        make, behaviour = kinds[method.takes_stream, method.gives_stream]

        def behave(data: Any, context: grpc.ServicerContext) -> Any:
            return behaviour(method, data, context)

        handler: grpc.RpcMethodHandler[Any, Any] = make(behave)
        return handler

    def _one(self, method: Method, data: Any, context: grpc.ServicerContext) -> bytes:
        with _Call(self, method, context) as call:
            return method.write(call.perform(data))

    def _many(self, method: Method, data: Any, context: grpc.ServicerContext) -> Iterator[bytes]:
        with _Call(self, method, context) as call:
            result = call.perform(data)
            context.send_initial_metadata(())  # so that a client knows it is listened to before the first message
            yield from messages(result, method, call.pause)


class _Methods(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Finds the handler of a path. Lives as long as the server."""

    def __init__(self, server: GrpcServer) -> None:
        self._server = server
        self._known: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Return the handler, or None for a path that is no method: grpcio answers UNIMPLEMENTED."""
        known = self._known.get(details.method)
        if known is None:
            method = find_method(details.method)
            if method is None:
                return None
            known = self._known[details.method] = self._server.handler(method)
        return known


class _Call:
    """One call: its request, and its end as a status and a line in the log. Lives as long as the call."""

    def __init__(self, server: GrpcServer, method: Method, context: grpc.ServicerContext) -> None:
        self.server = server
        self.method = method
        self.context = context
        self.started = time.perf_counter()
        metadata = [(key, value) for key, value in context.invocation_metadata() if isinstance(value, str)]
        peer = _address(context.peer())
        self.request = Request(
            "POST", method.path, "", Headers(metadata), version="2", peer=peer,
            forwarded=peer in server.settings.trusted_proxies, wire="grpc",
        )  # fmt: skip
        server.settings.identify(self.request)

    def perform(self, data: Any) -> Any:
        """Run the handler on a message, or on an iterator of them, and return its result. Raises HTTPError."""
        job = self.server.site.resolve(self.request)
        if not job.found:
            raise HTTPError(501, f"{self.method.path} has no route")
        read = self.method.read
        if self.method.takes_stream:
            self.request.message = map(read, data)
        elif len(data) > job.multipart_limit:
            raise HTTPError(413, f"the message is over {job.multipart_limit} bytes")
        else:
            self.request.message = read(data)
        return answer(job, self.request, self.method)

    def pause(self) -> None:
        """Look whether a stream that has nothing to say is still wanted. Raises HTTPError when it is not."""
        if not self.context.is_active():
            raise HTTPError(499, "the client left")
        if self.server.stopping.is_set():
            raise HTTPError(503, "the server is stopping")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, frames: object) -> None:
        if error is None or isinstance(error, GeneratorExit):
            self._tell(200)
            return
        if not isinstance(error, HTTPError):
            _log.error("%s %s failed", self.request.id, self.request.path, exc_info=error)
            error = HTTPError(500)
        self._tell(error.status.code)
        self.context.abort(grpc.StatusCode[status_name(error)], status_text(error))

    def _tell(self, status: int) -> None:
        if self.server.settings.on_answer is not None:
            self.server.settings.on_answer(self.request, status, None, time.perf_counter() - self.started)


def _address(peer: str) -> str:
    """Return the address in grpcio's "ipv4:10.0.0.9:5100" or "ipv6:%5B::1%5D:5100"."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")
