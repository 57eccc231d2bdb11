"""What a server sends behind its answer: nobody asked for it, and it would answer whoever is next on the connection.

A server that lies about its lengths, or whose answers somebody can split, would so choose what others get.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any


class Guarded:
    """The body of one answer. Its connection ends with it when more came than the body.

    `body` is a stream of httpcore2, or of httpx2 around one; HTTP/2 has frames, and so no surplus.
    """

    def __init__(self, body: Any, network: Any) -> None:
        self._body = body
        self._network = network

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            yield piece
        if _surplus(self._body):  # before the pool gives the connection to the next request
            await self._network.aclose()

    async def aclose(self) -> None:
        await self._body.aclose()


def _surplus(body: Any) -> bytes:
    """Return what h11, the parser under httpcore2, has left of a connection. There is no public way to it."""
    while (inner := getattr(body, "_stream", None) or getattr(body, "_httpcore_stream", None)) is not None:
        body = inner
    parser = getattr(getattr(body, "_connection", None), "_h11_state", None)
    left: bytes = parser.trailing_data[0] if parser is not None else b""
    return left
