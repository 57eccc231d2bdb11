"""Engines that the serving tests start, ended after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .engine_process import EngineProcess

Start = Callable[..., EngineProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an engine from the body of a script; `ready=False` does not wait for it."""
    engines: list[EngineProcess] = []

    def begin(body: str, *, ready: bool = True, **options: object) -> EngineProcess:
        engine = EngineProcess(tmp_path, body, **options)  # type: ignore[arg-type]  # port and arguments are among them
        engines.append(engine)
        return engine.ready() if ready else engine

    yield begin
    for engine in engines:
        engine.end()
