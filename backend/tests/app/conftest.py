"""A migrated database and settings of its own for each test of the application."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app import database
from app.loading import Connect, connected
from app.settings import Settings, load


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings with a new migrated database, once SQLite and once PostgreSQL, and a new folder for photos."""
    made = load(
        {
            "APP_ENV": "test",
            "SECRET_KEY": "a-secret-for-tests-only-0123456789abcdef",
            "DATABASE_URL": database_url,
            "MEDIA_ROOT": str(tmp_path / "media"),
            "PUBLIC_URL": "http://testserver",
            "MAX_UPLOAD_MB": "2",
        }
    )
    database.migrate(made.database_url)
    return made


@pytest.fixture
def connect(settings: Settings) -> Iterator[Connect]:
    """What opens a transaction on the test's database."""
    with connected(settings) as opened:
        yield opened
