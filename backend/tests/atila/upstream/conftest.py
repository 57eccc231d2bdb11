"""A platform to call from, and a small table on each of the two databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from atila.platform import LocalPlatform
from atila.upstream.db import Database, Session

KEYS = {"SQLite": "INTEGER PRIMARY KEY AUTOINCREMENT", "PostgreSQL": "SERIAL PRIMARY KEY"}
BYTES = {"SQLite": "BLOB", "PostgreSQL": "BYTEA"}


@pytest.fixture
def platform() -> Iterator[LocalPlatform]:
    """A platform of the test's own."""
    platform = LocalPlatform("tests")
    yield platform
    platform.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with an empty table `photo`."""
    opened = Database(database_url, patience=0.5)
    name = opened.dialect.name
    opened.session().execute(
        f"CREATE TABLE photo (id {KEYS[name]}, uid INTEGER, title TEXT, size INTEGER CHECK (size > 0), hot BOOLEAN,"
        f" made TIMESTAMPTZ, day DATE, raw {BYTES[name]}, extra JSON, note TEXT UNIQUE)"
    ).commit()
    yield opened
    opened.close()


@pytest.fixture
def db(database: Database) -> Session:
    """A session with five photos of two people in the table."""
    session = database.session()
    session.insert("photo").data(
        {"uid": 1, "title": "Alps", "size": 10},
        {"uid": 1, "title": "Ålesund", "size": 20},
        {"uid": 1, "title": "100%_sure", "size": 30},
        {"uid": 2, "title": "alps at night", "size": 40},
        {"uid": 2, "title": None, "size": None},
    ).execute().commit()
    return session
