"""What the command line and the environment say."""

from __future__ import annotations

import pytest

from skitai.cli import read


@pytest.mark.parametrize(
    ("arguments", "environment", "production"),
    [
        ([], {}, False),
        (["---production"], {}, True),
        (["--production"], {}, False),
        ([], {"SKITAI_ENV": "PRODUCTION"}, True),
        ([], {"SKITAI_ENV": "production"}, True),
        ([], {"SKITAI_ENV": "development"}, False),
    ],
)
def test_the_kill_switch(arguments: list[str], environment: dict[str, str], production: bool) -> None:
    assert read(arguments, environment).production is production


@pytest.mark.parametrize(
    ("arguments", "command", "background"),
    [
        ([], "start", False),
        (["-d"], "start", True),
        (["start", "-d", "---production"], "start", True),
        (["5000", "stop"], "stop", False),
        (["status", "--colour"], "status", False),
        (["--", "stop", "-d"], "start", False),
        (["restart", "--", "stop"], "restart", False),
    ],
)
def test_commands_among_the_scripts_own_arguments(arguments: list[str], command: str, background: bool) -> None:
    asked = read(arguments, {})
    assert (asked.command, asked.background) == (command, background)


def test_two_commands_are_one_too_many() -> None:
    with pytest.raises(SystemExit, match="start and stop: one command at a time"):
        read(["stop", "start"], {})
