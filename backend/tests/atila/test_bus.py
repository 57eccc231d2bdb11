"""The bus inside one process: what travels, where it arrives, and who is told."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from atila.bus import LocalBus


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


def test_every_subscriber_of_a_topic_is_told_until_it_ends(bus: LocalBus) -> None:
    seen: list[Any] = []
    end = bus.subscribe("a", lambda message: seen.append((1, message)))
    bus.subscribe("a", lambda message: seen.append((2, message)))
    bus.subscribe("b", seen.append)
    bus.publish("a", "x")
    end()
    end()
    bus.publish("a", "y")
    bus.publish("nobody's", "z")
    bus.publish("b", "elsewhere", here=False)
    assert seen == [(1, "x"), (2, "x"), (2, "y")]


def test_what_travels(bus: LocalBus) -> None:
    seen: list[Any] = []
    bus.subscribe("a", seen.append)
    now = datetime.now(UTC)
    message = {
        "none": None,
        "yes": True,
        "number": -(2**63),
        "text": "ü\x00",
        "bytes": b"\xff",
        "time": now,
        "list": [1.5],
    }
    bus.publish("a", message)
    bus.publish("a", (1, 2))
    assert seen == [message, [1, 2]]


@pytest.mark.parametrize("message", [object(), 2**65, {"deep": lambda: 0}])
def test_what_cannot_travel_is_refused_where_it_is_sent(bus: LocalBus, message: Any) -> None:
    with pytest.raises(TypeError, match="a message of 'a' cannot be sent"):
        bus.publish("a", message)


def test_a_subscriber_that_fails_stops_nothing(bus: LocalBus, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    def broken(message: Any) -> None:
        raise LookupError(message)

    bus.subscribe("a", broken)
    bus.subscribe("a", seen.append)
    bus.publish("a", 1)
    assert seen == [1]
    assert "a subscriber of 'a' failed" in caplog.text


def test_with_a_loop_callbacks_run_on_it_in_order(bus: LocalBus) -> None:
    seen: list[Any] = []

    async def main() -> None:
        bus.attach(asyncio.get_running_loop())
        ended = asyncio.Event()

        def note(message: Any) -> None:
            seen.append((threading.current_thread() is threading.main_thread(), message))
            if message == 2:
                ended.set()

        bus.subscribe("a", note)
        bus.publish("a", 1)
        assert not seen
        await asyncio.to_thread(bus.publish, "a", 2)
        await asyncio.wait_for(ended.wait(), 5)

    asyncio.run(main())
    assert seen == [(True, 1), (True, 2)]
    bus.publish("a", 3)
    assert seen[-1] == (True, 3)
    assert bus.health() == {"status": "ok", "kind": "local", "members": 1}
