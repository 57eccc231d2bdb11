"""The application and its database without an engine: for commands and tests."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace

from app import bootstrap
from app.settings import Settings
from atila import Atila
from atila.alias import DB_PGSQL, DB_SQLITE3, Kind
from atila.config import Config
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
    pref = SimpleNamespace(config=Config(settings=settings))
    bootstrap(pref)
    app: Atila = importlib.import_module("app.app").app  # found at the call: nothing imports an application object
    app.config.update(vars(pref).pop("config"))
    for name, value in vars(pref).items():
        setattr(app, name, value)
    app.alias("@db", database_kind(settings.database_url), settings.database_url)
    return app
