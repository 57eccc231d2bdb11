"""gRPC: from a service's descriptor and a call to a route, and from a result to messages and a status (grpc.io)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from ..concurrency import drive, settle
from ..errors import HTTPError
from ..http.request import Request
from ..http.response import Response
from ..http.results import API
from ..http.site import Job

_log = logging.getLogger("atila.grpc")

# HTTP status -> the name of the gRPC status (google.rpc.Code and its HTTP mapping)
STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    405: "UNIMPLEMENTED", 408: "DEADLINE_EXCEEDED", 409: "ABORTED", 410: "NOT_FOUND", 411: "INVALID_ARGUMENT",
    412: "FAILED_PRECONDITION", 413: "RESOURCE_EXHAUSTED", 415: "INVALID_ARGUMENT", 416: "OUT_OF_RANGE",
    421: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL",
    501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 530: "UNIMPLEMENTED",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service, as its descriptor tells it."""

    path: str  # "/package.Service/Method"
    request: type[Message]
    response: type[Message]
    takes_stream: bool
    gives_stream: bool

    def read(self, data: bytes) -> Message:
        """Return the message in `data`. Raises HTTPError 400 when it is malformed."""
        message = self.request()
        try:
            message.ParseFromString(data)
        except DecodeError as error:
            raise HTTPError(400, f"the message is no {self.request.DESCRIPTOR.full_name}") from error
        return message

    def write(self, result: Any) -> bytes:
        """Return the bytes of a handler's result. Raises HTTPError 500 when it is not the method's message."""
        if isinstance(result, API):
            result = result.data
        if isinstance(result, Response):
            raise HTTPError(result.get_status() if result.status >= 400 else 500, result.detail)
        if isinstance(result, dict):
            result = self._from_fields(result)
        if not isinstance(result, self.response):
            wanted = self.response.DESCRIPTOR.full_name
            raise HTTPError(500, f"{self.path} answers {wanted}, and its handler returned {type(result).__name__}")
        return result.SerializeToString()

    def _from_fields(self, fields: dict[str, Any]) -> Message:
        try:
            return self.response(**fields)
        except (TypeError, ValueError) as error:
            raise HTTPError(500, f"{self.path}: the result does not fit its message: {error}") from error


def find_method(path: str) -> Method | None:
    """Return the method of "/package.Service/Method", or None when no imported `*_pb2` module describes it."""
    service, _, name = path.strip("/").rpartition("/")
    try:
        described = descriptor_pool.Default().FindServiceByName(service).FindMethodByName(name)
    except KeyError:
        return None
    return Method(
        path,
        message_factory.GetMessageClass(described.input_type),
        message_factory.GetMessageClass(described.output_type),
        described.client_streaming,
        described.server_streaming,
    )


def services_of(rules: list[str]) -> list[str]:
    """Return the "/package.Service" of every route that a known service's descriptor has a method for."""
    found = {rule.rpartition("/")[0] for rule in rules if rule.count("/") >= 2 and find_method(rule) is not None}
    return sorted(found)


def status_name(error: HTTPError) -> str:
    """Return the name of the gRPC status that an HTTP error becomes."""
    code = error.status.code
    return STATUSES.get(code, "FAILED_PRECONDITION" if code < 500 else "INTERNAL")


def status_text(error: HTTPError) -> str:
    """Return the message that goes with a gRPC status."""
    return error.message + (f": {error.detail}" if error.detail else "")


def answer(job: Job, request: Request, method: Method) -> Any:
    """Run a route for a gRPC call on this thread and return its result. Raises HTTPError, for every failure."""
    if job.perform is None:
        raise HTTPError(501, f"{method.path} is not served here")
    return drive(job.perform(request))


def messages(result: Any, method: Method, pause: Callable[[], None] = lambda: None) -> Iterator[bytes]:
    """Yield the messages of a streaming result; its source is closed when the call ends, however it ends.

    A source with nothing to say for a while may give None: then `pause` is called, which may raise HTTPError to end
    the call. Raises HTTPError when the source raises, or gives something else than the method's messages.
    """
    source = _iterate(result)
    try:
        for item in source:
            if item is None:
                pause()
            else:
                yield method.write(item)
    except HTTPError:
        raise
    except Exception as error:
        _log.exception("%s: the stream broke off", method.path)
        raise HTTPError(500) from error
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


def _iterate(result: Any) -> Iterator[Any]:
    if isinstance(result, AsyncIterator):
        return _from_loop(result)
    try:
        return iter(result)
    except TypeError as error:
        raise HTTPError(500, f"a stream of messages is expected, not {type(result).__name__}") from error


def _from_loop(source: AsyncIterator[Any]) -> Iterator[Any]:
    try:
        while True:
            try:
                yield drive(settle(anext(source)))
            except StopAsyncIteration:
                return
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            drive(settle(close()))
