"""Frames: how messages and changes follow each other on a stream of bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

MESSAGE = ord("m")  # its body: a topic and a message, as atila.bus.encode writes them; for every worker and host
CHANGE = ord("c")  # its body: a Change; for other hosts only, as the workers of one share memory

_HEAD = struct.Struct("!IB")  # how many bytes the body has, and its kind


class Change(msgspec.Struct, array_like=True):
    """One change of what all workers share."""

    what: str  # "stamp", "set", "add" or "use"
    name: str
    value: float | int
    seconds: float = 0.0  # of a "use": how long it counts


def frame(kind: int, body: bytes) -> bytes:
    """Return a body with the head that says its kind and length."""
    return _HEAD.pack(len(body), kind) + body


def changed(what: str, name: str, value: float, seconds: float = 0.0) -> bytes:
    """Return a frame that tells of a change."""
    return frame(CHANGE, msgspec.msgpack.encode(Change(what, name, value, seconds)))


def read_change(body: bytes) -> Change:
    """Return the Change in a frame's body."""
    return msgspec.msgpack.decode(body, type=Change)


class Frames:
    """Cuts what was received into frames; a frame may come in pieces. Lives as long as a connection."""

    __slots__ = ("_received",)

    def __init__(self) -> None:
        self._received = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the kind and the body of every frame that is whole now."""
        received = self._received
        received += data
        start, end = 0, len(received)
        while end - start >= _HEAD.size:
            length, kind = _HEAD.unpack_from(received, start)
            if end - start < _HEAD.size + length:
                break
            start += _HEAD.size
            yield kind, bytes(received[start : start + length])
            start += length
        del received[:start]
