"""One connection of frames over a real socket: its ends, its limits, and clients that say or read nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from atila.adapters.framed import MESSAGES_AHEAD, Beat, Framed
from atila.http.duplex import Closed, Limits, Outgoing

Client = socket.socket
Talk = Callable[[Framed, Client], Awaitable[None]]


def run(talk: Talk, limits: Limits | None = None) -> None:
    async def connected() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        transport, framed = await loop.connect_accepted_socket(lambda: Framed(limits or Limits(), Beat()), ours)
        with theirs:
            await asyncio.wait_for(talk(framed, theirs), 10)
            transport.abort()
            await asyncio.sleep(0)

    asyncio.run(connected())


def frame(first: int, data: bytes) -> bytes:
    """A client's frame, its mask all zeros."""
    return bytes([first, 0x80 | len(data)]) + bytes(4) + data


async def heard(client: Client, size: int = 65536) -> bytes:
    return await asyncio.get_running_loop().sock_recv(client, size)


@pytest.mark.row("12.1")
def test_messages_of_every_length() -> None:
    async def talk(framed: Framed, client: Client) -> None:
        outgoing = Outgoing("to all")
        for _ in range(2):
            framed.send(outgoing)
            assert await heard(client) == b"\x81\x06to all"
        for size, head in ((5, b"\x82\x05"), (200, b"\x82\x7e\x00\xc8"), (70_000, b"\x82\x7f\0\0\0\0\0\x01\x11\x70")):
            framed.send(b"x" * size)
            got = b""
            while len(got) < len(head) + size:
                got += await heard(client)
            assert got == head + b"x" * size
        client.send(frame(0x01, b"he") + frame(0x80, b"llo") + frame(0x82, b"\xff") + frame(0x89, b"hi"))
        assert [await framed.receive(), await framed.receive()] == ["hello", b"\xff"]
        assert await heard(client) == b"\x8a\x02hi"

    run(talk)


@pytest.mark.row("12.9")
def test_either_side_ends_it() -> None:
    async def client_first(framed: Framed, client: Client) -> None:
        client.send(frame(0x88, b"\x0f\xa0bye"))
        assert (await heard(client))[:2] == b"\x88\x05"
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(Closed, match="bye") as end:
            await framed.receive()
        assert end.value.code == 4000
        framed.close()
        framed.send("nobody hears it")
        framed.ping()

    async def we_first(framed: Framed, client: Client) -> None:
        for _ in range(20):
            client.send(frame(0x81, b"one"))
        await asyncio.sleep(0.1)  # they are read until there are enough
        framed.close(4001, "done")
        framed.close(4002, "again")
        client.send(frame(0x81, b"late"))
        await asyncio.sleep(0.05)
        client.send(frame(0x88, b"\x0f\xa1done"))
        client.shutdown(socket.SHUT_WR)
        got = [await framed.receive()]
        with pytest.raises(Closed) as end:
            while True:
                got.append(await framed.receive())
        assert (end.value.code, set(got)) == (4001, {"one"})

    async def vanished(framed: Framed, client: Client) -> None:
        client.close()
        with pytest.raises(Closed) as end:
            await framed.receive()
        assert end.value.code == 1006
        framed.drop(end.value)

    for talk in (client_first, we_first, vanished):
        run(talk)


@pytest.mark.row("12.9")
@pytest.mark.parametrize(
    ("sent", "code"), [(frame(0x81, b"\xff"), 1007), (frame(0x83, b""), 1002), (frame(0x81, b"x" * 100), 1009)]
)
def test_what_is_no_message_ends_it(sent: bytes, code: int) -> None:
    async def talk(framed: Framed, client: Client) -> None:
        client.send(sent)
        got = await heard(client)
        assert (got[0], int.from_bytes(got[2:4], "big")) == (0x88, code)
        with pytest.raises(Closed, match="no closing handshake"):
            await framed.receive()

    run(talk, Limits(message=50, closing=0.05))


@pytest.mark.row("12.9")
@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (frame(0x83, b""), 1002),
        (frame(0x81, b"\xff") + frame(0x88, b"\x03\xe8"), 1007),
        (frame(0x01, b"a\xc3") + frame(0x80, b"b") + frame(0x83, b""), 1007),
        (frame(0x81, b"x" * 100), 1009),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_messages_before_one_that_is_none_arrive_and_those_behind_do_not(
    broken: bytes, code: int, at_once: bool
) -> None:
    sent = frame(0x81, b"one") + frame(0x02, b"t") + frame(0x80, b"wo") + broken + frame(0x81, b"late")

    async def talk(framed: Framed, client: Client) -> None:
        for piece in [sent] if at_once else [bytes([byte]) for byte in sent]:
            framed.data_received(piece)
        assert [await framed.receive(), await framed.receive()] == ["one", b"two"]
        got = await heard(client)
        assert (got[0], int.from_bytes(got[2:4], "big")) == (0x88, code)
        with pytest.raises(Closed) as end:
            await framed.receive()
        assert end.value.code == 1006

    run(talk, Limits(message=50, closing=0.05))


@pytest.mark.row("12.9")
def test_the_code_of_a_client_that_keeps_its_side_open() -> None:
    async def client_first(framed: Framed, client: Client) -> None:
        client.send(frame(0x88, b"\x0f\xa0bye"))
        with pytest.raises(Closed, match="4000 bye"):
            await framed.receive()

    async def we_first(framed: Framed, client: Client) -> None:
        framed.close(4001, "done")
        client.send(frame(0x88, b"\x0f\xa1done"))
        with pytest.raises(Closed, match="4001 done"):
            await framed.receive()

    for talk in (client_first, we_first):
        run(talk, Limits(closing=0.05))


@pytest.mark.row("12.9")
def test_a_message_that_comes_with_the_answer_to_our_close_is_not_handled() -> None:
    async def talk(framed: Framed, client: Client) -> None:
        client.send(frame(0x01, b"the begin "))
        await asyncio.sleep(0.02)
        framed.close(4001, "done")
        client.send(frame(0x80, b"and the end") + frame(0x81, b"late") + frame(0x88, b"\x0f\xa1done"))
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(Closed, match="4001 done"):
            await framed.receive()

    run(talk)


def test_a_client_far_ahead_waits_until_its_messages_are_taken() -> None:
    async def talk(framed: Framed, client: Client) -> None:
        count = 5 * MESSAGES_AHEAD
        for number in range(count):
            client.send(frame(0x81, b"%d" % number))
            await asyncio.sleep(0)
        assert [await framed.receive() for _ in range(count)] == [str(number) for number in range(count)]
        client.send(frame(0x81, b"and one alone"))
        assert await framed.receive() == "and one alone"

    run(talk)


@pytest.mark.row("12.9")
def test_a_silent_client_is_pinged_and_then_given_up() -> None:
    async def talk(framed: Framed, client: Client) -> None:
        assert await heard(client, 2) == b"\x89\x00"
        with pytest.raises(Closed, match="no answer to a ping"):
            await framed.receive()

    run(talk, Limits(ping=0.05, timeout=0.3))


def test_a_client_that_does_not_read() -> None:
    async def slow(framed: Framed, client: Client) -> None:
        while not framed.behind:
            framed.send(b"x" * 60_000)
        draining = asyncio.ensure_future(framed.drain())
        while not draining.done():
            await heard(client)
        assert framed.behind == 0
        await framed.drain()

    async def never(framed: Framed, client: Client) -> None:
        while framed.over is None:
            framed.send(b"x" * 60_000)
        with pytest.raises(Closed, match="does not read"):
            await framed.receive()

    async def pings(framed: Framed, client: Client) -> None:
        while framed.behind < 100_000:
            framed.send(b"x" * 60_000)
        framed.limits = Limits(behind=50_000)
        client.send(frame(0x89, b"are you there?"))
        with pytest.raises(Closed, match="does not read"):
            await framed.receive()

    for talk in (slow, never, pings):
        run(talk, Limits(behind=1_000_000))


def test_a_client_that_ends_its_side_and_does_not_read_is_given_up() -> None:
    async def talk(framed: Framed, client: Client) -> None:
        while not framed.behind:
            framed.send(b"x" * 60_000)
        client.shutdown(socket.SHUT_WR)
        with pytest.raises(Closed, match="no answer to a ping"):
            await framed.receive()

    run(talk, Limits(ping=0.05, timeout=0.2))


def test_one_beat_for_several() -> None:
    async def talk() -> None:
        loop, beat = asyncio.get_running_loop(), Beat()
        pairs = [socket.socketpair() for _ in range(2)]
        for ours, theirs in pairs:
            theirs.setblocking(False)
            await loop.connect_accepted_socket(lambda: Framed(Limits(ping=0.05), beat), ours)
        for _, theirs in pairs:
            assert await heard(theirs, 2) == b"\x89\x00"
            theirs.close()
        await asyncio.sleep(0.02)

    asyncio.run(talk())
