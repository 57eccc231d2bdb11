"""Hooks: the watches behind if_file_modified and if_updated, and what a module leaves behind."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from atila.concurrency import drive, settle
from atila.events import Bus
from atila.hooks import Hooks, Watch, called


async def look(watch: Watch) -> Any:
    return await called(watch(SimpleNamespace()))


def test_a_watch_runs_when_its_mark_changes() -> None:
    marks = iter([None, None, 1, 1, 2])
    runs: list[Any] = []
    watch = Watch("subject", lambda was, subject: runs.append(subject), lambda was: next(marks), 0)
    for _ in range(5):
        assert drive(look(watch)) is None
    assert runs == ["subject"] * 3


def test_threads_go_on_while_one_of_them_runs_the_step() -> None:
    entered, go_on = threading.Event(), threading.Event()
    runs: list[int] = []

    def step(was: Any, subject: str) -> None:
        runs.append(1)
        entered.set()
        go_on.wait(10)

    watch = Watch("x", step, lambda was: 1, 0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: drive(look(watch)))
        entered.wait(10)
        assert drive(look(watch)) is None
        go_on.set()
        first.result(10)
    assert runs == [1]


def test_a_watch_awaits_a_coroutine() -> None:
    async def step(was: Any, subject: str) -> str:
        await asyncio.sleep(0)
        return "answer"

    assert asyncio.run(look(Watch("x", step, lambda was: 1, 0))) == "answer"


@pytest.mark.parametrize("observed", [False, True])
def test_the_functions_of_a_module_are_forgotten_with_it(observed: bool) -> None:
    hooks = Hooks()
    events = Bus(logging.getLogger("tests"), SimpleNamespace)
    ran: list[str] = []
    hooks.before_request(lambda was: ran.append("before"))
    if observed:
        hooks.observe(events)
        hooks.observe(events)
    hooks.teardown_request(lambda was: ran.append("teardown"))
    hooks.forget(lambda function: function.__code__.co_filename != __file__)
    assert hooks.before is not None
    hooks.forget(lambda function: True)
    for hook in (hooks.before, hooks.teardown):
        assert (hook is not None) is observed
        if hook is not None:
            drive(called(hook(SimpleNamespace())))
    assert ran == []


def test_what_a_hook_waits_for_is_settled_where_it_runs() -> None:
    async def later() -> int:
        return 7

    assert asyncio.run(called(later())) == 7
    assert asyncio.run(settle(later())) == 7
    assert drive(called(5)) == 5


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_a_notice_comes_after_all_else_whatever_happens(own: bool, fails: bool) -> None:
    hooks, ran = Hooks(), []

    async def teardown(was: Any) -> None:
        ran.append("teardown")
        if fails:
            raise LookupError("no")

    if own:
        hooks.teardown_request(teardown)
    hooks.notify(lambda was: ran.append("notice"))
    assert hooks.teardown is not None
    try:
        asyncio.run(called(hooks.teardown(SimpleNamespace())))
    except LookupError:
        ran.append("raised")
    assert ran == [*(["teardown"] if own else []), "notice", *(["raised"] if own and fails else [])]
    hooks.notify(None)
    assert (hooks.teardown is None) is not own


def test_a_watch_that_failed_is_tried_again() -> None:
    runs: list[int] = []

    def step(was: Any, subject: str) -> str:
        runs.append(1)
        if len(runs) == 1:
            raise LookupError("not yet")
        return "answer"

    watch = Watch("x", step, lambda was: 1, 60)
    with pytest.raises(LookupError):
        drive(look(watch))
    assert drive(look(watch)) == "answer"
    assert drive(look(watch)) is None  # it has not changed, and nobody looks for a minute
    assert len(runs) == 2
