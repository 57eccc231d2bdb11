"""WebSocket connections to upstreams: `was.ws("@chat/room")` (RFC 6455)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import httpx2
from httpx2.websockets import (
    AsyncWebSocketClient,
    AsyncWebSocketSession,
    HTTPXWSException,
    WebSocketDisconnect,
    WebSocketUpgradeError,
)

from . import message as failures
from .calls import HTTP_KINDS, Auth, Calls, authorization
from .message import Fields, HTTPReply, Pairs, as_bytes, as_pairs
from .rest import UNREACHED, failure_of
from .task import Reply, Task

Text = str | bytes


def open_websocket(
    calls: Calls,
    url: str,
    message: Text | None = None,
    headers: Fields | None = None,
    timeout: float | None = None,
    *,
    subprotocols: list[str] | None = None,
    auth: Auth | None = None,
) -> Any:
    """Return a connection to a `ws://` URL or "@alias/path"; with a message, the task of the answer to just that.

    `timeout` is in seconds, for connecting and for each message that is waited for.
    Raises SettingError for an alias that is not there or not HTTP.
    """
    fields = as_pairs(headers) + authorization(auth) + calls.origin.fields()
    patience = calls.limits.timeout if timeout is None else timeout
    socket = WebSocket(calls, url, fields, patience, subprotocols or [])
    return socket if message is None else calls.task(socket.ask(message))


class WebSocket:
    """A connection, open inside a `with` block, or `async with` in an async handler.

    Sending and receiving return tasks at once: in a plain handler `socket.receive().fetch()`, in an async one
    `await socket.receive()`. Iterating gives the messages until the other side closes.
    """

    def __init__(self, calls: Calls, url: str, headers: Pairs, timeout: float, subprotocols: list[str]) -> None:
        self._calls = calls
        self._alias = calls.alias(url, *HTTP_KINDS)
        self._url = url
        self._headers = headers
        self._timeout = timeout
        self._subprotocols = subprotocols
        self._session: AsyncWebSocketSession | None = None
        self._max_size = calls.limits.answer_size
        self._over: HTTPXWSException | None = None  # how the other side ended it
        self._leave = asyncio.Event()  # the connection is to be closed
        self._life: asyncio.Task[None] | None = None

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of the subprotocols."""
        return None if self._session is None else self._session.subprotocol

    def send(self, message: Text) -> Task[None]:
        """Send a text or bytes."""
        return self._run(self._send(message))

    def receive(self, timeout: float | None = None) -> Task[Text]:
        """Wait for the next message, a text or bytes, `timeout` seconds at most. Its task fails when there is none."""
        return self._run(self._receive(), timeout)

    def close(self) -> Task[None]:
        """Close the connection."""
        return self._run(self._close())

    def __enter__(self) -> Self:
        """Connect. Raises HTTPError 502 or 504 when that fails."""
        self._run(self._open()).fetch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close().wait()

    async def __aenter__(self) -> Self:
        await self._run(self._open())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close().settled()

    def __iter__(self) -> Iterator[Text]:
        while (message := self._run(self._next()).fetch()) is not None:
            yield message

    async def __aiter__(self) -> AsyncIterator[Text]:
        while (message := await self._run(self._next())) is not None:
            yield message

    async def ask(self, message: Text) -> Reply[Any]:
        """Connect, send one message, and return the first one that comes back. Runs on the loop of upstreams."""

        async def exchange() -> Any:
            await self._open()
            try:
                await self._send(message)
                return await self._receive()
            finally:
                await self._close()

        return await _reply_of(exchange(), self._timeout)

    def _run(self, work: Coroutine[Any, Any, Any], timeout: float | None = None) -> Task[Any]:
        return self._calls.task(_reply_of(work, self._timeout if timeout is None else timeout))

    # on the loop of upstreams

    async def _open(self) -> None:
        opened: asyncio.Future[AsyncWebSocketSession] = asyncio.get_running_loop().create_future()
        self._life = asyncio.ensure_future(self._live(opened))  # its scopes want one task from begin to end
        try:
            self._session = await opened
        except asyncio.CancelledError:
            self._life.cancel()
            raise

    async def _live(self, opened: asyncio.Future[AsyncWebSocketSession]) -> None:
        try:
            async with AsyncExitStack() as stack:
                session = await self._connect(stack)
                opened.set_result(session)
                await self._leave.wait()
        except Exception as error:  # noqa: BLE001 - whoever opens it gets it; afterwards receiving tells
            if not opened.done():
                opened.set_exception(error)

    async def _connect(self, stack: AsyncExitStack) -> AsyncWebSocketSession:
        host = self._calls.clients.rest.host(self._alias)
        last: Exception | None = None
        for number, member in host.members.order():
            url, headers = host.address(self._url, self._headers, member)
            url = f"http{url.removeprefix('ws')}" if url.startswith("ws") else url
            dial = AsyncWebSocketClient(
                host.client(url.startswith("https:"), upgrading=True), max_message_size_bytes=self._max_size
            )
            try:
                return await stack.enter_async_context(
                    dial.connect(url, headers=as_bytes(headers), subprotocols=self._subprotocols or None)
                )
            except UNREACHED as error:
                host.members.down(number)
                last = error
        raise last or RuntimeError("an alias has a member")

    async def _send(self, message: Text) -> None:
        session = self._opened()
        await (session.send_text(message) if isinstance(message, str) else session.send_bytes(message))

    async def _receive(self) -> Text:
        if self._over is not None:
            raise self._over
        try:
            event: Any = await self._opened().receive()
        except HTTPXWSException as error:
            self._over = error
            raise
        return event.data  # type: ignore[no-any-return]  # a message's: str or bytes

    async def _next(self) -> Text | None:
        try:
            return await self._receive()
        except WebSocketDisconnect:
            return None

    async def _close(self) -> None:
        self._leave.set()
        if self._life is not None:
            await asyncio.wait([self._life])

    def _opened(self) -> AsyncWebSocketSession:
        if self._session is None or self._leave.is_set():
            raise RuntimeError("the WebSocket is open inside its `with` block only")
        return self._session


async def _reply_of(work: Coroutine[Any, Any, Any], patience: float) -> Reply[Any]:
    try:
        async with asyncio.timeout(patience):
            return Reply(await work)
    except WebSocketUpgradeError as error:
        answer = error.response
        return HTTPReply(answer.status_code, answer.reason_phrase or "Not Upgraded", answer.headers.multi_items())
    except HTTPXWSException as error:
        return HTTPReply.of_failure(failures.CUT_OFF, error)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        return HTTPReply.of_failure(failure_of(error), error)
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits gets it
        return HTTPReply.of_failure(failures.UNSENDABLE, error)
