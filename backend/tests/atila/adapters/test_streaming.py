"""Sending in pieces: one close, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from atila.adapters.streaming import send_stream
from atila.http.response import Stream
from atila.http.streams import stream_of


class Source:
    """Pieces without end, and a count of closings."""

    closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return b"x"

    def close(self) -> None:
        self.closed += 1


class AsyncSource:
    """The same for `async for`; its close is awaited."""

    closed = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return b"x"

    async def aclose(self) -> None:
        self.closed += 1


async def never() -> None:
    await asyncio.Event().wait()


@pytest.mark.row("4.29")
@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("closed")])
@pytest.mark.parametrize("kind", [Source, AsyncSource])
def test_a_transport_that_fails_ends_the_stream(error: Exception, kind: type[Source | AsyncSource]) -> None:
    source, sent = kind(), []

    async def send(piece: bytes) -> None:
        sent.append(piece)
        if len(sent) == 3:
            raise error

    asyncio.run(send_stream(stream_of(source), send, never()))
    assert (sent, source.closed) == ([b"x"] * 3, 1)


@pytest.mark.row("4.29")
@pytest.mark.parametrize("kind", [Source, AsyncSource])
def test_a_server_that_stops_ends_the_stream(kind: type[Source | AsyncSource]) -> None:
    source = kind()

    async def send(piece: bytes) -> None:
        await asyncio.sleep(0.001)

    async def stop_soon() -> None:
        sending = asyncio.ensure_future(send_stream(stream_of(source), send, never()))
        await asyncio.sleep(0.02)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

    asyncio.run(stop_soon())
    assert source.closed == 1


@pytest.mark.row("4.29")
def test_a_stream_that_was_never_sent_is_closed_once() -> None:
    plain, later = Source(), AsyncSource()
    first, second = stream_of(plain), stream_of(later)
    assert (first.asynchronous, second.asynchronous) == (False, True)
    first.close()
    first.close()
    for stream in (first, second, second):
        asyncio.run(stream.aclose())
    assert (plain.closed, later.closed) == (1, 1)
    Stream(iter([b"x"])).close()


def test_another_error_of_sending_passes() -> None:
    source = AsyncSource()

    async def send(piece: bytes) -> None:
        raise TypeError("a mistake of ours")

    with pytest.raises(TypeError, match="ours"):
        asyncio.run(send_stream(stream_of(source), send, never()))
    assert source.closed == 1


def test_a_client_that_leaves_while_nothing_comes_ends_it() -> None:
    ended: list[str] = []

    async def silent() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await never()
        finally:
            ended.append("ended")

    async def main() -> list[bytes]:
        sent: list[bytes] = []
        gone = asyncio.Event()

        async def send(piece: bytes) -> None:
            sent.append(piece)
            asyncio.get_running_loop().call_later(0.01, gone.set)

        await send_stream(Stream(silent()), send, gone.wait())
        assert len(asyncio.all_tasks()) == 1
        return sent

    assert asyncio.run(main()) == [b"x"]
    assert ended == ["ended"]


def test_a_cancelled_request_waits_for_the_thread_that_is_in_its_iterator() -> None:
    inside, go_on = threading.Event(), threading.Event()
    events: list[str] = []

    def slow() -> Iterator[bytes]:
        inside.set()
        go_on.wait(10)
        events.append("left the iterator")
        yield b"x"

    async def send(piece: bytes) -> None:
        events.append("sent")

    async def main() -> None:
        body = Stream(slow(), lambda: events.append("closed"))
        task = asyncio.create_task(send_stream(body, send, never()))
        await asyncio.to_thread(inside.wait, 10)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert events == ["left the iterator", "closed"]
