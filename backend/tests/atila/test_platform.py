"""The platform inside a process."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from atila.errors import SettingError
from atila.platform import LocalCells, LocalPlatform


def test_an_alias_that_nobody_named() -> None:
    platform = LocalPlatform()
    with pytest.raises(SettingError, match="no alias '@db'; there are none"):
        platform.find_alias("@db")
    platform.alias("@cache", "redis", "127.0.0.1:6379")
    assert platform.find_alias("@cache").name == "@cache"
    with pytest.raises(SettingError, match="there are @cache"):
        platform.find_alias("@db")


def test_resources_are_made_once_and_closed_together() -> None:
    closed: list[str] = []

    class Pool:
        def close(self) -> None:
            closed.append("pool")

    def make_pool(platform: object) -> Pool:
        return Pool()

    def make_number(platform: object) -> int:
        return 7

    platform = LocalPlatform()
    assert platform.resource(make_pool) is platform.resource(make_pool)
    assert platform.resource(make_number) == 7
    platform.close()
    platform.close()
    assert closed == ["pool"]


def test_a_log_of_its_own(tmp_path: Path) -> None:
    platform = LocalPlatform("tests-platform")
    assert platform.make_logger("plain").handlers == []
    platform.log_folder = tmp_path
    logger = platform.make_logger("job", "hourly")
    assert platform.make_logger("job", "hourly") is logger
    assert len(logger.handlers) == 1
    logger.warning("done")
    assert (tmp_path / "job.log").read_text().endswith(" WARNING done\n")
    for handler in logger.handlers[:]:
        handler.close()
        logger.removeHandler(handler)
    assert isinstance(platform.logger("other"), logging.Logger)


def test_cells_keep_what_they_hold_when_they_are_declared_again() -> None:
    cells = LocalCells(1.5)
    with pytest.raises(SettingError, match="there are none"):
        cells.read("a")
    cells.declare("a", "b")
    cells.write("a", 7)
    cells.declare("a")
    assert (cells.read("a"), cells.read("b")) == (7, 1.5)
    with pytest.raises(SettingError, match="no shared key 'c'; there are a, b"):
        cells.write("c", 1)
