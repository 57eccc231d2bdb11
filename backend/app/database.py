"""The schema's migrations: up, down, and where a database stands."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x61746C61  # the PostgreSQL advisory lock that one migrating process at a time holds
PATIENCE = 60  # seconds to wait for another process's migration of an SQLite file


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the database up to `revision`; nothing happens when it is there.

    Several processes may call this at once: one migrates, the others wait and find it done. A migration that fails
    leaves the schema as it was. Raises the driver's error, or alembic's CommandError for an unknown revision.
    """
    with _locked(database_url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the database back to `revision`: a revision's id, "-1" for one step, "base" for nothing."""
    with _locked(database_url) as connection:
        command.downgrade(_config(connection), revision)


def current(database_url: str) -> str | None:
    """Return the revision the database stands at, None before the first migration."""
    engine = create_engine(_driver_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str | None:
    """Return the newest revision there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def write_revision(message: str, folder: Path = MIGRATIONS) -> Path:
    """Write an empty migration after the newest one, to be filled in both directions, and return its file."""
    config = _config()
    config.set_main_option("version_locations", str(folder / "versions").replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    following = f"{max((int(item.revision) for item in scripts.walk_revisions()), default=0) + 1:04d}"
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    written = command.revision(config, message, rev_id=following)
    assert isinstance(written, Script), "one revision was asked for"
    return Path(written.path)


def _config(connection: Connection | None = None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _locked(database_url: str) -> Iterator[Connection]:
    """A connection whose database no other process migrates meanwhile; its one transaction ends with the block."""
    url = _driver_url(database_url)
    sqlite = url.get_backend_name() == "sqlite"
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": PATIENCE} if sqlite else {})
    if sqlite:
        _make_transactional(engine)
        _make_folder(url)
    with engine.connect() as connection:
        if not sqlite:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})  # ends with the connection
            connection.commit()
        with connection.begin():
            yield connection


def _make_transactional(engine: Engine) -> None:
    # sqlite3 opens no transaction before DDL. BEGIN IMMEDIATE does, and is the lock against other processes as well.
    # Foreign keys stay off here (the default): rebuilding a table would otherwise cascade into those that refer to it.
    @event.listens_for(engine, "connect")
    def take_over(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _make_folder(url: URL) -> None:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _driver_url(database_url: str) -> URL:
    url = make_url(database_url)
    return url if url.get_backend_name() == "sqlite" else url.set(drivername="postgresql+psycopg2")
