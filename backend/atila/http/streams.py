"""Bodies that come in pieces: from what handlers return to chunks of bytes, closed once."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from .response import Stream

_CHUNK = 64 * 1024  # bytes read from a file object at a time


def is_stream(result: object) -> bool:
    """Say whether a value can be sent in pieces: an iterator, a file object, or an object with `more()`."""
    iterates = isinstance(result, (Iterator, AsyncIterable, io.IOBase))
    return iterates or hasattr(result, "more") or hasattr(result, "read")


def stream_of(source: Any) -> Stream:
    """Return the Stream of an iterator, of a file object, or of an object whose `more()` gives None at its end."""
    if isinstance(source, AsyncIterable) and not hasattr(source, "read"):
        return Stream(_encode_each_async(source), getattr(source, "aclose", None) or getattr(source, "close", None))
    return Stream(_encode_each(_pieces(source)), getattr(source, "close", None))


def stream_of_all(items: list[Any] | tuple[Any, ...]) -> Stream:
    """Return one Stream of texts, bytes, files and iterators after each other.

    Raises TypeError for an item that is none of these; then everything that can be closed is closed.
    """
    closing = ExitStack()
    for item in reversed(items):
        if hasattr(item, "close"):
            closing.callback(item.close)
    for item in items:
        if isinstance(item, AsyncIterable) or not (isinstance(item, (str, bytes)) or is_stream(item)):
            closing.close()
            raise TypeError(f"a list as an answer holds text, bytes, files and iterators, not {type(item).__name__}")
    return Stream(_encode_each(piece for item in items for piece in _pieces(item)), closing.close)


def _pieces(source: Any) -> Iterable[Any]:
    if isinstance(source, (str, bytes)):
        return (source,)
    if hasattr(source, "read"):
        return iter(lambda: source.read(_CHUNK) or None, None)
    if hasattr(source, "more"):
        return iter(source.more, None)
    return source  # type: ignore[no-any-return]  # is_stream made sure that it is an iterator


def _encode_each(source: Iterable[Any]) -> Iterator[bytes]:
    for piece in source:
        if piece:  # an empty chunk would end a chunked body (RFC 9112 7.1)
            yield _encoded(piece)


async def _encode_each_async(source: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    async for piece in source:
        if piece:
            yield _encoded(piece)


def _encoded(piece: Any) -> bytes:
    if isinstance(piece, str):
        return piece.encode()
    if isinstance(piece, (bytes, bytearray, memoryview)):
        return bytes(piece)
    raise TypeError(f"a body in pieces gives text or bytes, not {type(piece).__name__}")
