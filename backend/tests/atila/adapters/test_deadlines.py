"""Deadlines: a wait that is late ends as a TimeoutError, others are left alone."""

from __future__ import annotations

import asyncio

import pytest

from atila.adapters.deadlines import Deadlines


async def soon(value: str, seconds: float = 0.0) -> str:
    await asyncio.sleep(seconds)
    return value


def test_a_wait_that_ends_in_time_gives_its_value() -> None:
    assert asyncio.run(Deadlines(5).keep(soon("here"))) == "here"


def test_late_waits_end_and_the_others_go_on() -> None:
    async def story() -> list[object]:
        deadlines = Deadlines(0.2)

        async def wait(seconds: float) -> str:
            return await deadlines.keep(soon("here", seconds))

        waits = [asyncio.create_task(wait(seconds)) for seconds in (30, 0.01, 30)]
        later = asyncio.create_task(_after(0.15, wait(0.15)))
        return list(await asyncio.gather(*waits, later, return_exceptions=True))

    first, second, third, later = asyncio.run(story())
    assert isinstance(first, TimeoutError)
    assert second == "here"
    assert isinstance(third, TimeoutError)
    assert later == "here"


def test_a_task_goes_on_after_its_late_wait() -> None:
    async def story() -> tuple[str, int]:
        deadlines = Deadlines(0.02)
        with pytest.raises(TimeoutError):
            await deadlines.keep(soon("never", 30))
        task = asyncio.current_task()
        assert task is not None
        return await deadlines.keep(soon("next")), task.cancelling()

    assert asyncio.run(story()) == ("next", 0)


def test_a_cancelled_wait_stays_cancelled() -> None:
    async def story() -> bool:
        task = asyncio.create_task(Deadlines(5).keep(soon("never", 30)))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert asyncio.run(story())


async def _after(seconds: float, wait: object) -> object:
    await asyncio.sleep(seconds)
    return await wait  # type: ignore[misc]  # a coroutine
