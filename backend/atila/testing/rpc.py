"""Remote calls in a test: XML-RPC through the adapter, gRPC through the route that a server would call."""

from __future__ import annotations

import asyncio
import xmlrpc.client
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import HTTPError
from ..http.call import Call
from ..http.headers import Headers, Pairs
from ..http.request import Request
from ..http.site import Site
from ..rpc.grpc import Received, find_method, messages

if TYPE_CHECKING:
    from .caller import Caller


def xmlrpc_proxy(client: Caller, path: str, headers: Pairs) -> xmlrpc.client.ServerProxy:
    """Return the standard library's proxy of the methods below `path`; its calls go through the client."""
    transport = _Transport(client, headers)
    return xmlrpc.client.ServerProxy(client.base_url + path, transport, allow_none=True, use_builtin_types=True)


class _Transport(xmlrpc.client.Transport):
    """Sends calls by a test's client."""

    def __init__(self, client: Caller, headers: Pairs) -> None:
        super().__init__(use_builtin_types=True, headers=headers)
        self._client = client
        self._sent = dict(headers)

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """Send a call and return what it answers. Raises ProtocolError for an HTTP error, Fault for a fault."""
        answer = self._client.post(handler, bytes(request_body), headers={"Content-Type": "text/xml", **self._sent})
        if answer.status_code != 200:
            fields = dict(answer.headers.items())
            raise xmlrpc.client.ProtocolError(f"{host}{handler}", answer.status_code, answer.reason, fields)
        return xmlrpc.client.loads(answer.content.decode(), use_builtin_types=True)[0]


class GrpcStub:
    """The methods of one gRPC service: `stub.Get(message)`; a stream of answers is an iterator.

    Calls raise HTTPError with the status that the gRPC status stands for.
    """

    def __init__(self, site: Site, loop: asyncio.AbstractEventLoop, service: str, metadata: Pairs) -> None:
        self._site = site
        self._loop = loop
        self._service = urlsplit(service).path.strip("/")
        self._metadata = metadata

    def __getattr__(self, name: str) -> Callable[..., Any]:
        path = f"/{self._service}/{name}"
        method = find_method(path)
        if method is None:
            raise AttributeError(f"no imported *_pb2 module has a method {path}")

        def call(message: Any, metadata: Iterable[tuple[str, str]] = ()) -> Any:
            request = Request("POST", path, "", Headers([*self._metadata, *metadata]), version="2", wire="grpc")
            request.id = "test"
            request.call = Call()
            request.message = Received(map(_copied, message)) if method.takes_stream else _copied(message)
            job = self._site.resolve(request)
            if not job.found or job.perform is None:
                raise HTTPError(501, f"{path} has no route")
            result = self._loop.run_until_complete(_awaited(job.perform(request)))
            if not method.gives_stream:
                return method.response.FromString(method.write(result))
            source = self._from_loop(result) if isinstance(result, AsyncIterator) else result
            return map(method.response.FromString, messages(source, method))

        return call

    def _from_loop(self, source: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(_awaited(anext(source)))
            except StopAsyncIteration:
                return


def _copied(message: Any) -> Any:
    """Return what a server would read of a message."""
    return type(message).FromString(message.SerializeToString())


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
