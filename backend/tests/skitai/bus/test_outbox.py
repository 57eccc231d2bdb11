"""What waits for other hosts."""

from __future__ import annotations

import threading
import time

from skitai.bus.frames import Change
from skitai.bus.outbox import Outbox


def told(outbox: Outbox) -> list[tuple[object, ...]]:
    items: list[tuple[object, ...]] = [(item.what, item.name, item.value) for item in outbox.take(100, 0)]
    outbox.done()
    return items


def test_changes_of_one_key_are_told_as_one() -> None:
    outbox = Outbox(1000)
    assert outbox.change(Change("set", "a", 5))
    assert outbox.change(Change("add", "b", 1))
    outbox.message(b"between")
    assert not outbox.change(Change("add", "a", 2))
    assert not outbox.change(Change("add", "b", 3))
    assert outbox.change(Change("stamp", "a", 1.0))
    assert not outbox.change(Change("stamp", "a", 2.0))
    assert [item.value for item in outbox.untold("a")] == [7]
    assert told(outbox) == [("set", "a", 7), ("add", "b", 4), ("message", "", b"between"), ("stamp", "a", 2.0)]
    outbox.change(Change("add", "b", 3))
    assert not outbox.change(Change("set", "b", 9))
    assert told(outbox) == [("set", "b", 9)]
    assert outbox.untold("b") == []


def test_what_was_taken_stays_as_it_is_until_it_is_told() -> None:
    outbox = Outbox(1000)
    outbox.change(Change("add", "a", 1))
    first = outbox.take(100, 0)
    outbox.change(Change("add", "a", 2))
    again = outbox.take(100, 0)
    assert [(item.number, item.value) for item in again] == [(1, 1), (2, 2)]
    assert again[0] is first[0]
    assert len(outbox) == 2
    assert [item.value for item in outbox.untold("a")] == [1, 2]
    outbox.done()
    assert len(outbox) == 0


def test_of_messages_the_oldest_go_when_too_many_wait() -> None:
    outbox = Outbox(30)
    outbox.change(Change("set", "a", 5))
    for number in range(5):
        outbox.message(b"%010d" % number)
    assert outbox.lost == 2
    assert [item[-1] for item in told(outbox)] == [5, *(b"%010d" % number for number in (2, 3, 4))]


def test_uses_that_count_no_more_are_not_told() -> None:
    outbox = Outbox(30)
    outbox.change(Change("use", "a", 1, 0.01))
    outbox.change(Change("use", "b", 1, 60))
    outbox.change(Change("use", "b", 1, 60))
    time.sleep(0.02)
    assert told(outbox) == [("use", "b", 2)]


def test_taking_waits_for_something_or_for_the_end() -> None:
    outbox = Outbox(30)
    assert outbox.take(10, 0.01) == []
    threading.Timer(0.05, outbox.message, (b"late",)).start()
    assert [item.value for item in outbox.take(10, 10)] == [b"late"]
    outbox.done()
    threading.Timer(0.05, outbox.wake).start()
    assert outbox.take(10, 10) == []
