"""What a machine may lack: the programs that some tests start, or one visible line when they are not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

PLACES = {"initdb": "usr/lib/postgresql/*/bin", "pg_ctl": "usr/lib/postgresql/*/bin", "nginx": "usr/sbin"}


def find(program: str) -> Path | None:
    """Where a program lies: on the PATH, or where Debian puts it."""
    if named := shutil.which(program):
        return Path(named)
    places = sorted(Path("/").glob(PLACES[program]), reverse=True) if program in PLACES else []
    return next((place / program for place in places if (place / program).exists()), None)


def need(program: str) -> Path:
    """Where a program lies; the test is skipped without it, and fails in CI."""
    found = find(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
