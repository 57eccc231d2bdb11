"""gRPC: a synchronous grpcio server on its own port, answering through the same apps as HTTP does."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc

from atila.adapters.settings import AdapterSettings
from atila.http.site import Job, Site
from atila.logs import streamed
from atila.rpc.grpc import Method, find_method, messages, messages_on_loop
from skitai.options import Options

from .grpc_call import GrpcCall
from .grpc_drain import PATIENCE, POSSIBLE, Drain
from .grpc_port import Tls, channel_options, compression_of, open_port
from .grpc_services import Standard
from .grpc_threads import CallThreads

Send = Callable[[bytes | None], None]
if TYPE_CHECKING:
    Handler = grpc.RpcMethodHandler[Any, Any]


class GrpcServer:
    """The gRPC side of one worker. Lives as long as the worker.

    Calls run on threads of their own. A plain iterator of answers holds one as long as it lasts; it may give None when
    it has nothing to say: then the call is looked at, and ended when the client left or the server stops. An async
    iterator runs on the event loop and takes a thread only while a message is sent.
    """

    def __init__(
        self, services: Mapping[str, Site], options: Options, settings: AdapterSettings, tls: Tls | None = None
    ) -> None:
        self.services = services  # "/package.Service" -> the app that has it, whatever host that is mounted at
        self.options = options
        self.settings = settings
        self.tls = tls
        self.stopping = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.loop_thread = 0
        self._server: grpc.Server | None = None
        self._standard: Standard | None = None
        self._threads: CallThreads | None = None
        self._leaving: threading.Thread | None = None
        self._readers = ThreadPoolExecutor(options.grpc_threads, "grpc-reader")
        self._senders = ThreadPoolExecutor(options.grpc_threads, "grpc-sender")

    @property
    def running_loop(self) -> asyncio.AbstractEventLoop:
        assert self.loop is not None, "start() comes first"
        return self.loop

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the port and serve. Raises RuntimeError when it cannot be opened."""
        self.loop, self.loop_thread = loop, threading.get_ident()
        options = self.options
        self._threads = threads = CallThreads(options.grpc_threads, loop)
        executor: Any = threads  # the stubs want a ThreadPoolExecutor; any Executor does
        self._server = server = grpc.server(
            executor,
            options=channel_options(options),
            maximum_concurrent_rpcs=options.grpc_max_calls,
            compression=compression_of(options),
        )
        server.add_generic_rpc_handlers((_Methods(self),))  # grpcio asks them in their order, at every call
        names = [service.strip("/") for service in self.services]
        self._standard = Standard(server, names, reflection=options.grpc_reflection)
        open_port(server, options.address, options.grpc, self.tls)
        server.start()

    def begin_stop(self, grace: float) -> None:
        """Take no new call; running ones get `grace` seconds. Returns at once."""
        if self._leaving is None:
            self._leaving = threading.Thread(target=self._leave, args=(grace,), name="grpc-leaving", daemon=True)
            self._leaving.start()

    def stop(self, grace: float) -> None:
        """Stop, and wait until the running calls have ended or the time is over."""
        self.begin_stop(grace)
        if self._leaving is not None:
            self._leaving.join(grace + 1)
        for pool in (self._readers, self._senders):
            pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, grace: float) -> None:
        """See the clients off, then stop and wait for the calls that still run."""
        end = time.monotonic() + grace
        if self._server is None or self._threads is None or self._standard is None:
            self.stopping.set()
            return
        self._standard.leave()
        if POSSIBLE and self.tls is None:
            with contextlib.suppress(OSError):  # no descriptor is free to look with: then grpcio stops as it does
                Drain(self.options.grpc, self._threads, min(PATIENCE, grace / 4)).run(self.stopping.set)
        self.stopping.set()
        left = max(0.0, end - time.monotonic())
        self._server.stop(left).wait(left + 1)

    def take(self, step: Callable[[], Any]) -> Awaitable[Any]:
        """Run a step that waits for the client's next message, while the loop goes on."""
        return self.running_loop.run_in_executor(self._readers, step)

    def give(self, step: Callable[[], Any]) -> Awaitable[Any]:
        """Run a step that waits until the client took a message."""
        return self.running_loop.run_in_executor(self._senders, copy_context().run, step)

    def handler(self, method: Method) -> Handler:
        """Return what grpcio calls for a method; messages cross it as bytes."""
        kinds: dict[tuple[bool, bool], Callable[..., Handler]] = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        make = kinds[method.takes_stream, method.gives_stream]
        return make(_Stream(self, method) if method.gives_stream else _Once(self, method))

    def site_of(self, method: Method) -> Site:
        """Return the app that has the method's service."""
        return self.services[method.path.rpartition("/")[0]]


class _Methods(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Finds the handler of a path. Lives as long as the server."""

    def __init__(self, server: GrpcServer) -> None:
        self._server = server
        self._known: dict[str, Handler] = {}

    def service(self, details: grpc.HandlerCallDetails) -> Handler | None:
        """Return the handler, or None for what is no method of ours: grpcio answers UNIMPLEMENTED."""
        return self._known.get(details.method) or self._make(details.method)

    def _make(self, path: str) -> Handler | None:
        method = find_method(path) if path.rpartition("/")[0] in self._server.services else None
        if method is None:
            return None
        made = self._known[path] = self._server.handler(method)
        return made


class _Behaviour:
    """What grpcio calls for a method. Lives as long as the server."""

    def __init__(self, server: GrpcServer, method: Method) -> None:
        self.server = server
        self.method = method
        self.site = server.site_of(method)


class _Once(_Behaviour):
    """One answer."""

    def __call__(self, data: Any, context: grpc.ServicerContext) -> bytes:
        call = GrpcCall(self.server, self.site, self.method, context)
        try:
            answer = self.method.write(call.perform(call.prepare(data)))
            call.finish()
        except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes a status
            call.fail(error)
        return answer


class _Stream(_Behaviour):
    """Answers one after the other: of a plain iterator on this thread, of an async one on the event loop."""

    experimental_non_blocking = True  # so grpcio gives a function that sends, as it does to its health service

    def __call__(self, data: Any, context: grpc.ServicerContext, send: Send) -> None:
        call = GrpcCall(self.server, self.site, self.method, context)
        streamed.set(call.request)  # for what the stream logs
        try:
            job = call.prepare(data)
            result = call.perform(job) if job.blocking else None
            if result is None or isinstance(result, AsyncIterator):
                call.cancel_with(
                    asyncio.run_coroutine_threadsafe(self._follow(call, job, result, send), self.server.running_loop)
                )
                return
            call.begin()
            for answer in messages(result, self.method, call.pause):
                send(answer)
                if call.cancelled:
                    raise call.ended()
            call.finish(begun=True)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes a status
            call.fail_later(error)
        send(None)

    async def _follow(self, call: GrpcCall, job: Job, result: Any, send: Send) -> None:
        """Go on with a stream on the event loop: the thread is free again."""
        server = self.server
        streamed.set(call.request)
        try:
            if result is None:
                result = await call.perform_here(job)
            call.begin()
            async for answer in messages_on_loop(result, self.method, server.give, call.pause):
                await server.give(partial(send, answer))
            call.finish(begun=True)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever a handler raises is a status
            call.fail_later(error)
        send(None)
