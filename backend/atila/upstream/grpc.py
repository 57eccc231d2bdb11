"""gRPC methods of upstreams: `was.grpc("@books/library.Books").Find(query)`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from typing import Any

import grpc

from atila.alias import Alias, Kind, Member
from atila.errors import HTTPError
from atila.rpc.grpc import Method, find_method
from atila.rpc.grpc_status import http_status

from .calls import Auth, Callback, Calls, authorization, only
from .forwarding import origin_of
from .group import Tasks
from .members import Members
from .message import Fields, as_pairs
from .task import STA_NETERR, STA_NORMAL, STA_TIMEOUT, Reply, Task, bad_gateway

MAX_MESSAGE = 64 * 1024 * 1024  # bytes of one message
KINDS = (Kind.HTTP, Kind.HTTPS)


class GrpcReply(Reply[Any]):
    """An upstream's answer over gRPC: `data` is its message; the metadata that came with it are beside."""

    __slots__ = ("details", "metadata")

    def __init__(self, data: Any = None, error: grpc.RpcError | None = None) -> None:
        super().__init__(data)
        self.metadata: dict[str, Any] = {}
        self.details = ""  # the words of a failure
        if error is not None:
            self._fail(error)

    def _fail(self, error: Any) -> None:
        code: grpc.StatusCode = error.code()
        self.error = error
        self.details = error.details() or ""
        self.metadata = dict(error.trailing_metadata() or ())
        self.status_code, self.reason = http_status(code.value[0]), code.name
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            self.status, self.status_code = STA_TIMEOUT, 702
        elif code is grpc.StatusCode.UNAVAILABLE:
            self.status, self.status_code = STA_NETERR, 701

    def failure(self) -> Exception:
        """Return the HTTPError that it is for our client."""
        if self.status == STA_NORMAL and 400 <= self.status_code < 500:
            return HTTPError(self.status_code, self.details or self.reason)
        return bad_gateway(self.status, self.status_code, self.reason)


class Channels:
    """The connections to the servers of one alias, or to one address. Lives as long as the process."""

    def __init__(self, alias: Alias) -> None:
        self.members = Members(alias)
        self._channels: dict[int, grpc.Channel] = {}

    def channel(self, number: int, member: Member) -> grpc.Channel:
        """Return the channel to a server."""
        if number not in self._channels:
            self._channels[number] = self._open(member)
        return self._channels[number]

    def close(self) -> None:
        """Close the connections."""
        while self._channels:
            self._channels.popitem()[1].close()

    def _open(self, member: Member) -> grpc.Channel:
        origin = origin_of(self.members.alias, member)
        target = f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"
        options = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
        if origin.scheme == "http":
            return grpc.insecure_channel(target, options)
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(*_pems(member.options)), options)


class Grpc:
    """`was.grpc`. Used by one request."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __call__(self, url: str, *arguments: Any, **options: Any) -> GrpcStub:
        """Return the methods of a service; the arguments are those of GrpcStub."""
        return GrpcStub(self._calls, url, *arguments, **options)

    lb = __call__  # the server whose turn it is, which is always so

    def map(self, url: str, *arguments: Any, **options: Any) -> Everywhere:
        """Return the methods of a service on every server of an alias. Raises SettingError for another URL."""
        members = self._calls.members(url, *KINDS)
        return Everywhere([self(url, *arguments, member=member, **options) for member in members])


class GrpcStub(nullcontext[Any]):
    """The methods of one gRPC service. A call returns at once: a task, or a stream of messages.

    A `with` block groups the calls of one stub; it changes nothing else.
    """

    def __init__(
        self,
        calls: Calls,
        url: str,
        headers: Fields | None = None,
        callback: Callback | None = None,
        timeout: float | None = None,
        *,
        auth: Auth | None = None,
        member: Member | None = None,
    ) -> None:
        """Take "@alias/package.Service" or "host:port/package.Service"; `headers` are metadata, `timeout` seconds.

        With a `member` only that server of the alias is called.
        Raises SettingError for an alias that is not there or not HTTP.
        """
        super().__init__(self)
        address, _, service = url.partition("://")[2].partition("/") if "://" in url else url.partition("/")
        alias = calls.alias(url, *KINDS) or _alias_of(url, address)
        if member is not None:
            alias = only(alias, member)
        self._calls = calls
        self._service = service.strip("/")
        self._channels = calls.clients.client(("grpc", alias), lambda: Channels(alias))
        self._fields = [(name.lower(), value) for name, value in as_pairs(headers) + authorization(auth)]
        self._callback = callback
        self.timeout = calls.limits.timeout if timeout is None else timeout  # seconds

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        path = f"/{self._service}/{name}"
        method = find_method(path)
        if method is None:
            raise AttributeError(f"no imported *_pb2 module has a method {path}")

        def call(message: Any) -> Any:
            fields = self._fields + self._calls.origin.fields()
            if method.gives_stream:
                return Stream(self._open(method, message, fields))
            attempt = Attempt(self, method, message, fields)
            return self._calls.told(Task(attempt.future, inline=self._calls.inline), self._callback)

        return call

    def _open(self, method: Method, message: Any, fields: list[tuple[str, str]]) -> Any:
        number, member = next(self._channels.members.order())
        return self.send(method, number, member, message, fields, self.timeout)

    def send(
        self,
        method: Method,
        number: int,
        member: Member,
        message: Any,
        fields: list[tuple[str, str]],
        timeout: float,
    ) -> Any:
        """Begin a call to a server, and return grpcio's own call object."""
        channel = self._channels.channel(number, member)
        shape = f"{'stream' if method.takes_stream else 'unary'}_{'stream' if method.gives_stream else 'unary'}"
        make = getattr(channel, shape)
        callee = make(
            method.path,
            request_serializer=lambda value: value.SerializeToString(),
            response_deserializer=method.response.FromString,
        )
        start = callee if method.gives_stream else callee.future
        return start(iter(message) if method.takes_stream else message, timeout=timeout, metadata=fields)

    @property
    def members(self) -> Members:
        """The servers behind it."""
        return self._channels.members


class Everywhere:
    """The methods of one gRPC service on several servers: a call gives Tasks, in the servers' order."""

    def __init__(self, stubs: Sequence[GrpcStub]) -> None:
        self._stubs = stubs

    def __getattr__(self, name: str) -> Callable[[Any], Tasks]:
        methods = [getattr(stub, name) for stub in self._stubs]
        return lambda message: Tasks([method(message) for method in methods], None)


class Attempt:
    """One call with one answer: it goes to the next server when one cannot be reached. Lives as long as the call."""

    def __init__(self, stub: GrpcStub, method: Method, message: Any, fields: list[tuple[str, str]]) -> None:
        self.future: Future[Reply[Any]] = Future()
        self._stub = stub
        self._method = method
        self._message = message
        self._fields = fields
        self._deadline = time.monotonic() + stub.timeout
        self._order = list(stub.members.order())
        if method.takes_stream:
            del self._order[1:]  # its messages are sent once
        self._try_next()

    def _try_next(self) -> None:
        number, member = self._order.pop(0)
        left = max(0.001, self._deadline - time.monotonic())
        running = self._stub.send(self._method, number, member, self._message, self._fields, left)
        running.add_done_callback(lambda ended: self._end(number, ended))

    def _end(self, number: int, ended: Any) -> None:
        code = ended.code()
        if code is grpc.StatusCode.UNAVAILABLE:
            self._stub.members.down(number)
            if self._order:
                self._try_next()
                return
        else:
            self._stub.members.up(number)
        if code is grpc.StatusCode.OK:
            reply = GrpcReply(ended.result())
            reply.metadata = dict(ended.trailing_metadata() or ())
        else:
            reply = GrpcReply(error=ended)
        self.future.set_result(reply)


class Stream:
    """The messages of an answer as they come: `for message in stream`, `async for` in an async handler."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[Any]:
        """Yield the messages. Raises HTTPError when the stream breaks off."""
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise GrpcReply(error=error).failure() from error
        finally:
            self._call.cancel()

    async def __aiter__(self) -> AsyncIterator[Any]:
        messages = iter(self)
        end = object()
        try:
            while (message := await asyncio.to_thread(next, messages, end)) is not end:
                yield message
        finally:
            self._call.cancel()

    def fetch(self, timeout: float | None = None) -> list[Any]:
        """Return all messages. Raises HTTPError when the stream breaks off."""
        return list(self)

    def cancel(self) -> None:
        """End the call."""
        self._call.cancel()


def _alias_of(url: str, address: str) -> Alias:
    kind = Kind.HTTPS if url.startswith(("https://", "grpcs://")) else Kind.HTTP
    return Alias.parse("@grpc", kind, address)


def _pems(options: Any) -> tuple[bytes | None, bytes | None, bytes | None]:
    # The order of grpc.ssl_channel_credentials: who is trusted, our key, our certificate.
    ca, key, certificate = (_read(options.get(name)) for name in ("ca", "key", "cert"))
    return ca, key, certificate


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    with open(path, "rb") as file:
        return file.read()
