"""103 Early Hints (RFC 8297) over ASGI, for servers that offer the extension `http.response.early_hint`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

EXTENSION = "http.response.early_hint"


class EarlyHints:
    """The links that a handler promised before its answer. Lives as long as the request."""

    def __init__(self, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._links: list[bytes] = []
        self._sending: asyncio.Task[None] | None = None

    def give(self, link: str) -> None:
        """Send a link at once; callable from any thread."""
        self._links.append(link.encode("latin-1"))
        self._loop.call_soon_threadsafe(self._begin)

    async def finish(self) -> None:
        """Send what has not been sent yet: the answer comes next, and nothing may come after it."""
        while self._sending is not None or self._links:
            self._begin()
            assert self._sending is not None, "_begin made it"
            await self._sending

    def _begin(self) -> None:
        if self._sending is None and self._links:
            self._sending = self._loop.create_task(self._flush())

    async def _flush(self) -> None:
        links, self._links = self._links, []
        try:
            with contextlib.suppress(OSError):  # the client is gone, as the answer will find too
                await self._send({"type": EXTENSION, "links": links})
        finally:
            self._sending = None
