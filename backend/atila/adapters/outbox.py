"""Messages that wait for a server to send them: one after the other, each handed over by its awaitable call."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from ..http.duplex import Message

SendMessage = Callable[[Message], Awaitable[object]]


class Outbox:
    """The messages to one client, in their order. Used on the event loop only; lives as long as the connection."""

    def __init__(self, send: SendMessage) -> None:
        self.behind = 0  # characters or bytes that wait
        self._send = send
        self._messages: deque[Message] = deque()
        self._sending: asyncio.Task[None] | None = None

    def put(self, message: Message) -> None:
        self._messages.append(message)
        self.behind += len(message)
        if self._sending is None:
            self._sending = asyncio.ensure_future(self._send_all())

    async def drain(self) -> None:
        """Wait until everything was handed over."""
        if self._sending is not None:
            await asyncio.wait({self._sending})

    async def _send_all(self) -> None:
        try:
            while self._messages:
                message = self._messages.popleft()
                await self._send(message)
                self.behind -= len(message)
        except (OSError, RuntimeError):  # the client is gone; who receives hears of it
            self._messages.clear()
        finally:
            self._sending = None
