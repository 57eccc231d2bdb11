"""Frames of one connection, in their order and in turns with others'."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from atila.adapters.framed import SLICE, Beat, Framed
from atila.http.duplex import Closed, Limits

EMPTY = b"\x00\x80\0\0\0\0"  # a piece of a message
FLOOD = b"\x01\x80\0\0\0\0" + EMPTY * (2 * SLICE)


def run(talk: Callable[[Framed], Awaitable[None]]) -> None:
    async def connected() -> None:
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        transport, framed = await loop.connect_accepted_socket(lambda: Framed(Limits(), Beat()), ours)
        with theirs:
            await talk(framed)
            transport.abort()
            await asyncio.sleep(0)

    asyncio.run(connected())


def test_what_comes_behind_a_flood_waits_for_its_turn() -> None:
    async def talk(framed: Framed) -> None:
        framed.data_received(FLOOD)
        framed.data_received(b"\x80\x81\0\0\0\0a")  # the end of the message
        framed.data_received(b"\x81\x81\0\0\0\0b")  # short enough to be read at sight
        assert [await framed.receive(), await framed.receive()] == ["a", "b"]

    run(talk)


def test_others_have_their_turn_meanwhile() -> None:
    async def talk(framed: Framed) -> None:
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            asyncio.get_running_loop().call_soon(turn)

        turn()
        framed.data_received(FLOOD + b"\x80\x81\0\0\0\0a")
        assert await framed.receive() == "a"
        assert turns > len(FLOOD) / SLICE / 2

    run(talk)


def test_a_connection_that_ends_is_read_no_further() -> None:
    async def talk(framed: Framed) -> None:
        framed.data_received(FLOOD + b"\x80\x81\0\0\0\0a")
        framed.drop(Closed(1006, "enough"))
        await asyncio.sleep(0.01)
        with pytest.raises(Closed, match="enough"):
            await framed.receive()

    run(talk)
