"""Bodies read in pieces: whole ones, cut ones, slow ones, too long ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from atila.adapters.deadlines import Deadlines
from atila.adapters.incoming import Incoming
from atila.errors import HTTPError


def read(pieces: list[bytes], length: int, *, pause: float = 0, seconds: float = 5, broken: bool = False) -> bytes:
    async def arrive() -> AsyncIterator[bytes]:
        for piece in pieces:
            await asyncio.sleep(pause)
            yield piece
        if broken:
            raise RuntimeError("the server's word for a lost client")

    async def collect() -> bytes:
        return b"".join([piece async for piece in Incoming(arrive(), length, Deadlines(seconds))])

    return asyncio.run(collect())


def test_a_whole_body() -> None:
    assert read([b"abc", b"", b"de"], 5) == b"abcde"


@pytest.mark.parametrize(
    ("pieces", "length", "broken", "reason"),
    [
        ([b"abc"], 5, False, "400 Bad Request: the body was cut off"),
        ([b"abc"], 5, True, "400 Bad Request: the body was cut off"),
        ([b"abc", b"def"], 5, False, "400 Bad Request: the body is longer"),
    ],
)
def test_what_is_not_as_long_as_it_said(pieces: list[bytes], length: int, broken: bool, reason: str) -> None:
    with pytest.raises(HTTPError, match=reason) as raised:
        read(pieces, length, broken=broken)
    assert ("connection", "close") in raised.value.headers


def test_a_pause_that_is_too_long() -> None:
    with pytest.raises(HTTPError, match="408 Request Timeout: the body paused"):
        read([b"abc", b"de"], 5, pause=1, seconds=0.2)
