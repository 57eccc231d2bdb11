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
