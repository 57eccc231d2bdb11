"""A request's body in pieces, as they arrive: counted, so that one that was cut off does not look whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..errors import HTTPError
from .deadlines import Deadlines


class Incoming(AsyncIterator[bytes]):
    """The pieces of a body whose length the client said. Read once, on the event loop; lives as long as the request.

    Raises HTTPError, while it is read: 408 when the next piece takes too long, 400 when the body ends before its end.
    """

    def __init__(self, pieces: AsyncIterator[bytes], length: int, deadlines: Deadlines) -> None:
        self.left = length  # bytes to come
        self._pieces = pieces
        self._deadlines = deadlines

    async def __anext__(self) -> bytes:
        if self.left <= 0:
            raise StopAsyncIteration
        try:
            piece = await self._deadlines.keep(anext(self._pieces))
        except TimeoutError as error:
            raise _ended(408, f"the body paused for over {self._deadlines.seconds:g} seconds") from error
        except (StopAsyncIteration, RuntimeError) as error:
            raise _ended(400, "the body was cut off or malformed") from error
        self.left -= len(piece)
        if self.left < 0:
            raise _ended(400, "the body is longer than its Content-Length")
        return bytes(piece)


def _ended(status: int, detail: str) -> HTTPError:
    return HTTPError(status, detail, headers=[("connection", "close")])
