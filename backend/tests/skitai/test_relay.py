"""Messages handed from one task to another, one at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from skitai.relay import Relay


def run(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, 5))


def test_the_next_message_waits_until_the_last_was_taken() -> None:
    async def pass_on() -> list[str]:
        relay, said = Relay(), []

        async def bring() -> None:
            for number in range(3):
                await relay.put(number)
                said.append(f"brought {number}")

        bringing = asyncio.create_task(bring())
        await asyncio.sleep(0.01)
        for _ in range(3):
            said.append(f"took {await relay.get()}")
            await asyncio.sleep(0.01)
        await bringing
        return said

    assert run(pass_on()) == ["brought 0", "took 0", "brought 1", "took 1", "brought 2", "took 2"]


def test_an_end_lets_go_of_both() -> None:
    async def end() -> tuple[Any, Any]:
        full, empty = Relay(), Relay()
        await full.put(1)
        bringing, taking = asyncio.create_task(full.put(2)), asyncio.create_task(empty.get())
        await asyncio.sleep(0.01)
        full.end()
        empty.end()
        await bringing
        return await taking, await empty.get()

    assert run(end()) == (None, None)


def test_what_was_brought_before_the_end_is_still_there() -> None:
    async def end() -> list[Any]:
        relay = Relay()
        await relay.put("last")
        relay.end()
        return [await relay.get(), await relay.get()]

    assert run(end()) == ["last", None]
