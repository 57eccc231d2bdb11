"""Sending a body in pieces from an event loop: the same for every server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from ..http.response import Pending, Response, Stream

SendPiece = Callable[[bytes], Awaitable[None]]


async def arrived(pending: Pending, gone: Awaitable[object]) -> Response | None:
    """Return the answer that was awaited, or None when the client is gone before it. Raises what its maker raised."""
    answering = asyncio.ensure_future(pending.coming)
    leaving = asyncio.ensure_future(gone)
    try:
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering.done() else None
    finally:
        leaving.cancel()
        if not answering.done():
            answering.cancel()
            await asyncio.wait({answering})


async def send_stream(body: Stream, send: SendPiece, gone: Awaitable[object]) -> None:
    """Send the pieces until they end, or until the client is gone; the source is closed once, whatever happens.

    `send` may raise OSError or RuntimeError to say that nobody listens any more. Raises what the source raised.
    """
    sending = asyncio.ensure_future(_send_all(body, send))
    leaving = asyncio.ensure_future(gone)
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        sending.cancel()
        await asyncio.wait({sending})
        await body.aclose()
    if not sending.cancelled():
        sending.result()


async def _send_all(body: Stream, send: SendPiece) -> None:
    async for piece in _pieces(body):
        try:
            await send(piece)
        except (OSError, RuntimeError):
            return


async def _pieces(body: Stream) -> AsyncIterator[bytes]:
    if isinstance(body.chunks, AsyncIterator):
        async for piece in body.chunks:
            yield piece
        return
    while (taken := await _next(body.chunks)) is not None:
        yield taken


async def _next(chunks: Iterator[bytes]) -> bytes | None:
    """Take the next piece on a thread; a cancelled wait awaits the thread, for a running iterator cannot be closed."""
    step = asyncio.get_running_loop().run_in_executor(None, next, chunks, None)
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        await asyncio.wait({step})
        raise
