"""Messages from one task to another, one at a time: who brings the next waits until the last was taken."""

from __future__ import annotations

import asyncio
from typing import Any


class Relay:
    """A place for one message. Used by two tasks of one event loop; lives as long as they talk."""

    __slots__ = ("_ended", "_free", "_message", "_there")

    def __init__(self) -> None:
        self._message: Any = None
        self._ended = False
        self._there: asyncio.Future[None] | None = None  # who takes waits for it
        self._free: asyncio.Future[None] | None = None  # who brings waits for it

    async def put(self, message: Any) -> None:
        """Bring a message, as soon as the one before was taken."""
        while self._message is not None and not self._ended:
            self._free = asyncio.get_running_loop().create_future()
            await self._free
        self._message = message
        _tell(self._there)

    async def get(self) -> Any:
        """Take the next message; None when nobody brings one any more."""
        while self._message is None and not self._ended:
            self._there = asyncio.get_running_loop().create_future()
            await self._there
        message, self._message = self._message, None
        _tell(self._free)
        return message

    def end(self) -> None:
        """Nobody brings or takes messages any more: let go of who waits."""
        self._ended = True
        _tell(self._there)
        _tell(self._free)


def _tell(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
