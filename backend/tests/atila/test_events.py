"""The bus behind events: who is told, what is awaited where, and what a failure stops: nothing."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from atila.events import Bus, enter
from atila.routing.route import declarations


@pytest.fixture
def bus() -> Bus:
    return Bus(logging.getLogger("tests.events"), lambda: "outside")


def test_handlers_run_in_the_order_they_were_set(bus: Bus) -> None:
    seen: list[Any] = []
    firsts: list[str] = []
    bus.on_first = lambda: firsts.append("first")
    bus.on("a", "b")(lambda was, *args: seen.append((was, 1, args)))
    bus.on("a")(lambda was, *args: seen.append((was, 2, args)))
    bus.emit("a", "x", "y")
    bus.emit("c")
    bus.send("b", "subject")
    assert seen == [("outside", 1, ("x", "y")), ("outside", 2, ("x", "y")), ("subject", 1, ())]
    assert firsts


@pytest.mark.parametrize("events", [(), (7,), ("a", None)])
def test_an_event_has_a_name(bus: Bus, events: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="takes the names of events"):
        bus.on(*events)


def test_events_carry_the_was_of_the_request_that_runs_here(bus: Bus) -> None:
    seen: list[Any] = []
    bus.on("a")(seen.append)
    enter("request")
    try:
        bus.emit("a")
    finally:
        enter(None)
    bus.emit("a")
    assert seen == ["request", "outside"]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("on_loop", [False, True])
def test_a_handler_that_fails_is_logged_with_its_name_and_stops_nothing(
    bus: Bus, caplog: pytest.LogCaptureFixture, asynchronous: bool, on_loop: bool
) -> None:
    seen: list[Any] = []

    def broken(was: Any) -> None:
        raise LookupError("no such thing")

    async def broken_later(was: Any) -> None:
        if on_loop:
            await asyncio.sleep(0)
        raise LookupError("no such thing")

    bus.on("a")(broken_later if asynchronous else broken)
    bus.on("a")(seen.append)

    async def emit() -> None:
        bus.emit("a")
        await asyncio.sleep(0.01)

    if on_loop:
        asyncio.run(emit())
    else:
        bus.emit("a")
    assert seen == ["outside"]
    [record] = caplog.records
    name = "broken_later" if asynchronous else "broken"
    assert record.getMessage().startswith("event a: its handler ")
    assert record.getMessage().endswith(f"{name} failed")
    assert record.exc_info is not None
    assert "no such thing" in str(record.exc_info[1])


def test_tell_waits_for_its_handlers(bus: Bus) -> None:
    seen: list[str] = []

    async def late(was: Any) -> None:
        await asyncio.sleep(0.01)
        seen.append("late")

    bus.on("a")(late)
    bus.on("a")(lambda was: seen.append("plain"))
    asyncio.run(bus.tell("a", None))
    assert seen == ["late", "plain"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_follows_a_handler_follows_only_when_it_succeeded(bus: Bus, asynchronous: bool) -> None:
    seen: list[Any] = []

    def handler(was: Any, fail: bool) -> None:
        if fail:
            raise LookupError("no")

    async def handler_later(was: Any, fail: bool) -> None:
        handler(was, fail)

    chosen = handler_later if asynchronous else handler
    declarations(chosen).after.append(lambda was: seen.append(("after", was)))
    bus.on("a")(chosen)
    bus.emit("a", False)
    bus.emit("a", fail=True)
    assert seen == [("after", "outside")]


def test_only_the_handlers_of_the_module_that_goes_are_forgotten(bus: Bus) -> None:
    seen: list[str] = []

    class Handler:
        """A handler that has no name of its own."""

        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, was: Any) -> None:
            seen.append(self.name)

    going, staying = Handler("going"), Handler("staying")
    bus.on("a", "b")(going)
    bus.on("a")(staying)
    bus.forget(lambda handler: getattr(handler, "name", "") == "going")
    bus.emit("a")
    bus.emit("b")
    assert seen == ["staying"]
    assert [bus.handlers("a"), bus.handlers("b"), bus.handlers("never")] == [[staying], [], []]


def test_a_nameless_handler_that_fails_is_described(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    handler = SimpleNamespace()

    class Broken:
        """An object whose text tells what it is."""

        def __call__(self, was: Any) -> None:
            raise LookupError(handler)

        def __repr__(self) -> str:
            return "the broken one"

    bus.on("a")(Broken())
    bus.emit("a")
    assert "its handler the broken one failed" in caplog.text
