"""The application and its database without an engine: for commands and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import atila
from app.settings import Settings
from atila import Atila, Preference
from atila.alias import DB_PGSQL, DB_SQLITE3, Kind
from atila.upstream.db import Database, Session

Connect = Callable[[], AbstractContextManager[Session]]


def database_kind(url: str) -> Kind:
    """Which kind of database a DATABASE_URL names."""
    return DB_SQLITE3 if url.startswith("sqlite") else DB_PGSQL


@contextmanager
def connected(settings: Settings) -> Iterator[Connect]:
    """What opens a transaction on the database of the settings, while the block runs."""
    opened = Database(settings.database_url)
    try:
        yield opened.session
    finally:
        opened.close()


def application(settings: Settings) -> Atila:
    """The application with its settings and its database, as a mount in serve.py gives it them."""
    pref = Preference()
    pref.config.settings = settings
    app: Atila = atila.load("app.app:app", pref=pref)
    app.alias("@db", database_kind(settings.database_url), settings.database_url)
    return app
