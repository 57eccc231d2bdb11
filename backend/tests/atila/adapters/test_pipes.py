"""Bodies through pipes: whole, at the reader's pace, and ended by either side."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from atila.adapters.pipes import Pipe, Pipes
from atila.http.response import Response, Stream, is_paced

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="pipes have names on Linux only")
LONG = Stream(iter(()), paced=True)


def opened(pipes: Pipes) -> Pipe:
    pipe = pipes.open(LONG)
    assert pipe is not None
    return pipe


def test_who_gets_a_pipe() -> None:
    pipes = Pipes(most=1)
    assert pipes.open(Stream(iter(()))) is None, "it did not ask"
    assert pipes.open(Stream(iter(()), length=1000, paced=True)) is None, "it is short"
    first = opened(pipes)
    assert pipes.open(LONG) is None, "there are too many"
    first.close()
    opened(pipes).close()
    assert pipes.count == 0
    assert is_paced(Response(200, [("content-type", "text/plain")]))
    assert not is_paced(Response(200, [("content-type", "text/event-stream; charset=utf-8")]))


@pytest.mark.parametrize("size", [0, 10, 5_000_000])
def test_everything_arrives(size: int) -> None:
    async def pass_through() -> bytes:
        pipe = opened(Pipes())
        reading = asyncio.create_task(asyncio.to_thread(Path(pipe.path).read_bytes))
        for start in range(0, size, 1000_000):
            await pipe.send(b"x" * min(1000_000, size - start))
        await pipe.opened()
        pipe.close()
        return await reading

    before = len(os.listdir("/proc/self/fd"))
    assert asyncio.run(pass_through()) == b"x" * size
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_system_that_gives_no_larger_pipes_has_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atila.adapters.pipes._SIZE", 2**31 - 1)
    test_everything_arrives(5_000_000)


def test_a_full_pipe_waits_for_its_reader() -> None:
    async def fill() -> None:
        pipe = opened(Pipes())
        sending = asyncio.create_task(pipe.send(b"x" * 3_000_000))
        reader = os.open(pipe.path, os.O_RDONLY)
        await asyncio.sleep(0.1)
        os.read(reader, 100_000)
        await asyncio.sleep(0.1)
        assert not sending.done()
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            await asyncio.wait_for(sending, 5)
        pipe.close()

    asyncio.run(fill())


def test_a_reader_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atila.adapters.pipes.OPENING", 0.05)

    async def wait() -> None:
        pipe = opened(Pipes())
        await pipe.send(b"x")
        await pipe.opened()
        pipe.close()

    asyncio.run(asyncio.wait_for(wait(), 5))
