"""Maintenance jobs, without an app."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

from atila.maintenance import Maintenance


def test_jobs_get_as_much_as_they_ask_for() -> None:
    maintenance = Maintenance(logging.getLogger("tests"))
    runs: dict[str, tuple[Any, ...]] = {}

    @maintenance.maintain
    def everything(*values: Any) -> None:
        runs["everything"] = values

    @maintenance.maintain
    def nothing(was: Any, *, word: str = "") -> None:
        runs["nothing"] = (was,)

    maintenance.run(SimpleNamespace)
    maintenance.run(SimpleNamespace)
    assert len(runs["everything"]) == 3
    assert runs["everything"][2] == 2
    assert len(runs["nothing"]) == 1


def test_jobs_of_a_module_are_forgotten_with_it() -> None:
    maintenance = Maintenance(logging.getLogger("tests"))
    maintenance.maintain(lambda was: None)
    maintenance.forget(lambda job: False)
    assert len(maintenance.jobs) == 1
    maintenance.forget(lambda job: True)
    assert maintenance.jobs == {}


def test_the_thread_starts_once_and_only_for_jobs() -> None:
    maintenance = Maintenance(logging.getLogger("tests"))
    loop = asyncio.new_event_loop()
    maintenance.start(SimpleNamespace, 60, loop)
    assert not maintenance.running
    maintenance.maintain(lambda was: None)
    maintenance.start(SimpleNamespace, 60, loop)
    thread = maintenance._thread
    maintenance.start(SimpleNamespace, 60, loop)
    assert maintenance._thread is thread
    maintenance.stop()
    maintenance.stop()
    assert not maintenance.running
    loop.close()
