"""One gRPC call on grpcio's threads: its request, its way through the site, and its end as a status."""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import logging
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

import grpc

from atila.concurrency import drive
from atila.errors import HTTPError
from atila.http.call import Call
from atila.http.headers import Headers
from atila.http.request import HeaderSource, Request
from atila.http.site import Job, Site
from atila.rpc.grpc import Method, Received, metadata_of
from atila.rpc.grpc_status import rich_status, status_name, status_text

if TYPE_CHECKING:
    from .grpc import GrpcServer

NEARLY = 0.1  # seconds: a client's deadline began before ours, so it leaves a little before ours is over

_log = logging.getLogger("skitai.grpc")


class GrpcCall(Call):
    """A call, as its handler finds it at `was.request.call`; for the request it is the connection too.

    Lives as long as the call.
    """

    __slots__ = ("context", "method", "peer", "request", "server", "site", "started")

    http_version = "2"

    def __init__(self, server: GrpcServer, site: Site, method: Method, context: grpc.ServicerContext) -> None:
        self.headers = []
        self.trailers = []
        self.server = server
        self.site = site
        self.method = method
        self.context = context
        self.started = time.perf_counter()
        settings = server.settings
        # A call that ended has forgotten it, so the log needs it now; asking costs some microseconds.
        self.peer = context.peer() if settings.on_answer is not None else None
        self.request = request = Request("POST", method.path, "", _source(context), self, wire="grpc")
        request.call = self
        if settings.trusted_proxies:
            request.forwarded = request.peer in settings.trusted_proxies
        settings.identify(request)

    # what the request asks of its connection

    @property
    def scheme(self) -> str:
        return "https" if self.server.tls else "http"

    @property
    def client(self) -> str:
        """The address and port in grpcio's "ipv4:10.0.0.9:5100" or "ipv6:%5B::1%5D:5100"."""
        return unquote(self.peer or self.context.peer()).partition(":")[2]

    # what handlers ask

    def time_left(self) -> float | None:
        left = self.context.time_remaining()
        return None if left is None else max(0.0, left)

    @property
    def cancelled(self) -> bool:
        return not self.context.is_active()

    @property
    def stopping(self) -> bool:
        return self.server.stopping.is_set()

    @property
    def identities(self) -> Sequence[str]:
        return [name.decode("utf-8", "replace") for name in self.context.peer_identities() or ()]

    # its way

    def prepare(self, data: Any) -> Job:
        """Give the request its message, or the iterator of them, and return what answers it. Raises HTTPError."""
        request = self.request
        if self.cancelled:  # it waited for a thread until nobody wanted it any more
            raise self.ended()
        job = self.site.resolve(request)
        if not job.found or job.perform is None:
            raise HTTPError(501, f"{self.method.path} has no route")
        if self.method.takes_stream:
            request.message = Received(self._incoming(data, job.multipart_limit), self.server.take)
        else:
            request.message = self._read(data, job.multipart_limit)
        return job

    def perform(self, job: Job) -> Any:
        """Run the handler and return its result: a plain one on this thread. Raises HTTPError."""
        assert job.perform is not None, "prepare saw it"
        if job.blocking:
            return drive(job.perform(self.request, self.headers))
        return self._on_loop(job.perform(self.request, self.headers))

    async def perform_here(self, job: Job) -> Any:
        """Run an async handler on the event loop that this runs on."""
        assert job.perform is not None, "prepare saw it"
        return await job.perform(self.request, self.headers)

    def _read(self, data: bytes, limit: int) -> Any:
        if limit and len(data) > limit:
            raise HTTPError(413, f"the message is over {limit} bytes")
        return self.method.read(data)

    def _incoming(self, source: Iterator[bytes], limit: int) -> Iterator[Any]:
        while True:
            if threading.get_ident() == self.server.loop_thread:
                raise RuntimeError(f"{self.method.path}: `async for` takes the messages in an async handler")
            try:
                data = next(source)
            except StopIteration:
                return
            except grpc.RpcError as error:
                raise self.ended() from error
            yield self._read(data, limit)

    def _on_loop(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run an async handler's call on the loop and wait for it. Raises HTTPError when the call ended before."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.server.running_loop)
        self.cancel_with(future)
        try:
            return future.result()
        except concurrent.futures.CancelledError as error:
            raise self.ended() from error

    def cancel_with(self, future: concurrent.futures.Future[Any]) -> None:
        """Cancel what runs when the call ends before it: the client left, or its time is over."""

        def cancel() -> None:
            future.cancel()

        if not self.context.add_callback(cancel):
            cancel()

    def pause(self) -> None:
        """Look whether a stream that has nothing to say is still wanted. Raises HTTPError when it is not."""
        if self.cancelled:
            raise self.ended()
        if self.stopping:
            raise HTTPError(503, "the server is stopping")

    def ended(self) -> HTTPError:
        """Return what it is called when nobody waits any more."""
        left = self.time_left()
        if left is not None and left < NEARLY:
            return HTTPError(504, "the deadline is over")
        return HTTPError(499, "the client left")

    # its end

    def begin(self) -> None:
        """Send the metadata before the first message, so that a client knows it is listened to."""
        if not self.cancelled:
            self.context.send_initial_metadata(metadata_of(self.headers))

    def finish(self, *, begun: bool = False) -> None:
        """Say what goes with a success: the handler's metadata, and the request's id."""
        if self.headers and not begun and (metadata := metadata_of(self.headers)) and not self.cancelled:
            self.context.send_initial_metadata(metadata)
        own = metadata_of(self.trailers) if self.trailers else ()
        self.context.set_trailing_metadata((*own, ("x-request-id", self.request.id)))
        self._tell(None)

    def fail(self, failure: BaseException) -> NoReturn:
        """End the call with the status of an error: raises what grpcio takes for that."""
        error = self._describe(failure)
        self.context.abort(grpc.StatusCode[status_name(error)], status_text(error))
        raise AssertionError("abort raises")

    def fail_later(self, failure: BaseException) -> None:
        """Note the status of an error for an end that comes by itself."""
        error = self._describe(failure)
        self.context.set_code(grpc.StatusCode[status_name(error)])
        self.context.set_details(status_text(error))

    def _describe(self, failure: BaseException) -> HTTPError:
        """Return the error that a failure is, logged and with its details told."""
        if isinstance(failure, GeneratorExit | asyncio.CancelledError):
            error = self.ended()
        elif isinstance(failure, HTTPError):
            error = failure
        else:
            _log.error("%s %s failed", self.request.id, self.request.path, exc_info=failure)
            error = HTTPError(500)
        service, request_id = self.method.path.rpartition("/")[0].strip("/"), self.request.id
        own = metadata_of(self.trailers) if self.trailers else ()
        details = rich_status(error, service, request_id)
        self.context.set_trailing_metadata((*own, ("x-request-id", request_id), ("grpc-status-details-bin", details)))
        self._tell(error)
        return error

    def _tell(self, error: HTTPError | None) -> None:
        """Tell the log, and let go of the request, which knows its call: nothing is left for the garbage collector."""
        request = self.request
        del self.request
        tell = self.server.settings.on_answer
        if tell is None:
            return
        if error is None and self.cancelled:
            error = self.ended()
        tell(request, 200 if error is None else error.status.code, None, time.perf_counter() - self.started)


def _source(context: grpc.ServicerContext) -> HeaderSource:
    """Return the metadata as header fields; binary ones are the base64 that they are on the wire."""
    pairs = context.invocation_metadata()
    fields: dict[str, Any] = dict(pairs)
    if len(fields) == len(pairs) and bytes not in map(type, fields.values()):
        return fields
    return Headers([(key, value if isinstance(value, str) else _base64(value)) for key, value in pairs])


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode().rstrip("=")
