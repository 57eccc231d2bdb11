"""Migrations, on both databases: forward, back, again, and by several processes at once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.util import CommandError

from app import database
from atila.upstream.db import Database

TABLES = {"users", "refresh_tokens", "photos"}
USER = {"email": "ann@example.com", "name": "Ann", "role": "user", "password_hash": "x"}
BACKEND = Path(__file__).resolve().parents[2]


def tables_of(url: str) -> set[str]:
    db = Database(url)
    catalogue = {"SQLite": "sqlite_master", "PostgreSQL": "pg_tables"}[db.dialect.name]
    rows = db.session().execute(f"SELECT * FROM {catalogue}").fetch()
    db.close()
    return {str(row.get("tablename") or row.get("name")) for row in rows} & TABLES


def test_forward_back_and_forward_again(database_url: str) -> None:
    assert database.current(database_url) is None
    database.migrate(database_url)
    assert tables_of(database_url) == TABLES
    assert database.current(database_url) == database.head()

    database.downgrade(database_url, "base")
    assert tables_of(database_url) == set()
    assert database.current(database_url) is None

    database.migrate(database_url)
    database.migrate(database_url)
    assert tables_of(database_url) == TABLES


def test_every_step_can_be_taken_back(database_url: str) -> None:
    database.migrate(database_url)
    while database.current(database_url) is not None:
        database.downgrade(database_url, "-1")
    assert tables_of(database_url) == set()


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    command = [sys.executable, "-c", f"from app.database import migrate; migrate({database_url!r})"]
    starts = [subprocess.Popen(command, cwd=BACKEND, stderr=subprocess.PIPE) for _ in range(4)]
    for start in starts:
        _, errors = start.communicate(timeout=60)
        assert start.returncode == 0, errors.decode()
    assert tables_of(database_url) == TABLES


def test_a_failed_migration_leaves_nothing_behind(database_url: str) -> None:
    db = Database(database_url)
    db.session().execute("CREATE TABLE photos (id integer)").fetch()  # in the way of the last step
    with pytest.raises(Exception, match="photos"):
        database.migrate(database_url)
    assert tables_of(database_url) == {"photos"}
    db.close()


def test_an_unknown_revision_is_an_error(database_url: str) -> None:
    with pytest.raises(CommandError, match="9999"):
        database.migrate(database_url, "9999")


def test_the_schema_refuses_what_cannot_be(database_url: str) -> None:
    database.migrate(database_url)
    db = Database(database_url)
    session = db.session()
    now = datetime.now(UTC)
    user = session.insert("users").data(**USER, created_at=now).returning("id, created_at").execute().one()
    assert user.created_at == now
    for changes in ({}, {"email": "Ann@Example.com"}, {"email": "x@example.com", "role": "god"}):
        with pytest.raises(session.IntegrityError):
            session.insert("users").data(**{**USER, "created_at": now, **changes}).execute().commit()
    photo: dict[str, object] = {"title": "a", "content_type": "image/png", "width": 1, "height": 1, "sha256": ""}
    photo |= {"storage_name": "a", "created_at": now, "updated_at": now}
    for wrong in ({"user_id": 99, "size": 1}, {"user_id": user.id, "size": 0}):
        with pytest.raises(session.IntegrityError):
            session.insert("photos").data(**{**photo, **wrong}).execute().commit()
    session.insert("photos").data(**photo, user_id=user.id, size=1).execute().commit()
    session.delete("users").filter(id=user.id).execute().commit()
    assert session.select("photos").execute().fetch() == []
    db.close()


def test_a_new_revision_follows_the_newest(tmp_path: Path) -> None:
    shutil.copytree(database.MIGRATIONS / "versions", tmp_path / "versions")
    written = database.write_revision("notes of users", tmp_path)
    text = written.read_text(encoding="utf-8")
    newest = database.head()
    assert newest is not None
    assert written.name == f"{int(newest) + 1:04d}_notes_of_users.py"
    assert f"down_revision = '{newest}'" in text
    assert "def downgrade() -> None:" in text
