"""gRPC: from a service's descriptor to its messages, and from a handler's result to bytes (grpc.io)."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from ..concurrency import drive, settle
from ..errors import HTTPError
from ..http.call import is_metadata
from ..http.headers import Pairs
from ..http.response import Response
from ..http.results import API

Take = Callable[[Callable[[], Any]], Awaitable[Any]]  # runs a function that may wait, without stopping the loop

_log = logging.getLogger("atila.grpc")


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


class Received:
    """The messages that a client streams in: `for` in a plain handler, `async for` in an async one. Lives as long as
    the call. Taking one raises HTTPError: 499 when the client left, 413 and 400 for a message that cannot be read.
    """

    def __init__(self, source: Iterator[Any], take: Take | None = None) -> None:
        self._source = source
        self._take = take or _at_once

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._source)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await self._take(partial(next, self._source, None))
        if item is None:
            raise StopAsyncIteration
        return item


async def _at_once(step: Callable[[], Any]) -> Any:
    return step()


class Stepped:
    """A plain iterator for `async for`: each step runs where `take` says. Lives as long as the call."""

    def __init__(self, source: Iterator[Any], take: Take) -> None:
        self._source = source
        self._take = take

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        step = asyncio.ensure_future(self._take(partial(next, self._source, _END)))
        try:
            item = await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait({step})  # a running iterator cannot be closed
            raise
        if item is _END:
            raise StopAsyncIteration
        return item

    async def aclose(self) -> None:
        """Close the source."""
        close = getattr(self._source, "close", None)
        if close is not None:
            await self._take(close)


_END = object()


def messages(result: Any, method: Method, pause: Callable[[], None] = lambda: None) -> Iterator[bytes]:
    """Yield the messages of a streaming result; its source is closed when the call ends, however it ends.

    A source with nothing to say for a while may give None: then `pause` is called, which may raise HTTPError to end
    the call. Raises HTTPError when the source raises, or gives something else than the method's messages.
    """
    source = _from_loop(result) if isinstance(result, AsyncIterator) else _iterator(result)
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


async def messages_on_loop(
    result: Any, method: Method, take: Take, pause: Callable[[], None] = lambda: None
) -> AsyncGenerator[bytes, None]:
    """Yield the same on an event loop; a plain iterator is stepped where `take` says."""
    source = result if isinstance(result, AsyncIterator) else Stepped(_iterator(result), take)
    try:
        async for item in source:
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
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


def _iterator(result: Any) -> Iterator[Any]:
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


def metadata_of(headers: Pairs) -> tuple[tuple[str, str | bytes], ...]:
    """Return header fields of an answer as metadata: without those that are for browsers, for HTTP itself, or that
    gRPC cannot carry. The base64 of a name that ends in "-bin" becomes bytes. Raises HTTPError 500 when it is none.
    """
    found: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if name in _OF_HTTP or name.startswith(_FAMILIES_OF_HTTP) or not is_metadata(name, value):
            continue
        found.append((name, decode_binary(name, value) if name.endswith("-bin") else value))
    return tuple(found)


def decode_binary(name: str, value: str) -> bytes:
    """Return the bytes of binary metadata; the padding may be missing. Raises HTTPError 500 for what is no base64."""
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError as error:
        raise HTTPError(500, f"metadata {name} is base64, as its name ends in -bin; this is none") from error


_FAMILIES_OF_HTTP = ("content-", "access-control-", "cross-origin-", "grpc-", "sec-")
_OF_HTTP = frozenset({
    "x-content-type-options", "x-frame-options", "x-xss-protection", "strict-transport-security", "referrer-policy",
    "permissions-policy", "vary", "connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te", "date",
    "server", "host", "www-authenticate", "x-request-id",
})  # fmt: skip
