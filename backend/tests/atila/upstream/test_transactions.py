"""Transactions, savepoints and the pool, on both databases."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from atila.alias import DB_SQLITE3, PROTO_HTTP, Alias
from atila.errors import SettingError
from atila.upstream.db import Database, Databases, Session, Sessions
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_TIMEOUT


def count(database: Database) -> int:
    """How many photos everybody else sees."""
    return int(database.session().select("photo").count().execute().value())


def kill_connections(url: str) -> None:
    """Ends all connections to a database, as a restart of its server does."""
    killer = Database(url)
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    killer.session().execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}").commit()
    killer.close()


@pytest.mark.row("11.18")
def test_a_block_commits_at_its_end(database: Database) -> None:
    with database.session() as db:
        db.insert("photo").data(title="a").execute().commit()
        db.insert("photo").data(title="b").execute()
        assert db.select("photo").count().execute().value() == 2
        assert count(database) == 0
    assert count(database) == 2


@pytest.mark.row("11.18")
def test_an_error_rolls_its_block_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.session() as db:
        db.insert("photo").data(title="a").execute().commit()
        raise ZeroDivisionError
    assert count(database) == 0


def test_a_block_inside_is_a_savepoint(database: Database) -> None:
    with database.session() as db:
        db.insert("photo").data(title="kept").execute()
        with pytest.raises(ZeroDivisionError), db:
            db.insert("photo").data(title="lost").execute()
            with db:
                db.insert("photo").data(title="lost too").execute()
            raise ZeroDivisionError
        with db:
            db.insert("photo").data(title="kept too").execute()
    rows = database.session().select("photo").get("title").order_by("id").execute().fetch()
    assert rows == [{"title": "kept"}, {"title": "kept too"}]


def test_a_statement_that_failed_fails_its_block(database: Database) -> None:
    db = database.session()
    with pytest.raises(db.IntegrityError), db:
        db.insert("photo").data(title="a").execute()
        db.insert("photo").data(size=-1).execute()  # nobody looks
    with pytest.raises(db.IntegrityError), db:
        db.insert("photo").data(title="a").execute()
        assert db.insert("photo").data(size=-1).execute().dispatch().status_code == 500
    assert count(database) == 0


def test_what_may_fail_goes_into_a_block_of_its_own(database: Database) -> None:
    db = database.session()
    with db:
        db.insert("photo").data(note="taken").execute()
        with pytest.raises(db.IntegrityError), db:
            db.insert("photo").data(note="taken").execute()
        db.insert("photo").data(note="free").execute()
    assert count(database) == 2


@pytest.mark.row("11.23")
def test_an_error_of_the_database(database: Database) -> None:
    db = database.session()
    reply = db.execute("SELECT nope FROM photo").dispatch()
    assert (reply.status, reply.status_code, reply.reason, reply.data) == (STA_NORMAL, 500, "Database Error", None)
    with pytest.raises(db.Error, match="nope"):
        db.execute("SELECT nope FROM photo").fetch()
    assert count(database) == 0


def test_a_statement_that_opens_a_transaction_is_refused(database: Database) -> None:
    with pytest.raises(RuntimeError, match=r"use `with was\.db"):
        database.session().execute("BEGIN")
    assert count(database) == 0


def test_for_update_needs_a_block(db: Session) -> None:
    with pytest.raises(RuntimeError, match="`with` block"):
        db.select("photo").for_update().execute()


def test_for_update_lets_one_change_at_a_time(database: Database, db: Session) -> None:
    def grow(_: int) -> None:
        with database.session() as session:
            row = session.select("photo").filter(id=1).for_update().execute().one()
            time.sleep(0.002)
            session.update("photo").set(size=row.size + 1).filter(id=1).execute().commit()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(grow, range(24)))
    assert db.select("photo").filter(id=1).execute().one().size == 10 + 24


def test_many_threads_share_the_pool(database: Database) -> None:
    def work(number: int) -> None:
        session = database.session()
        for step in range(10):
            title = f"{number}-{step}"
            with session as db:
                made = db.insert("photo").data(uid=number, title=title).returning("id").execute().one()
            assert session.select("photo").filter(id=made.id).execute().one().title == title
            try:
                with session as db:
                    db.update("photo").set(title="wrong").filter(id=made.id).execute().commit()
                    raise LookupError(title)
            except LookupError:
                pass

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    db = database.session()
    assert count(database) == 80
    assert db.select("photo").filter(title="wrong").execute().fetch() == []


@pytest.mark.row("11.25")
def test_an_explicit_transaction(database: Database) -> None:
    with database.transaction() as transaction:
        transaction.execute(database.session().insert("photo").data({"title": "a"}, {"title": "b"}, {"title": "c"}))
        transaction.commit()
        transaction.execute("SELECT id, title FROM photo ORDER BY id")
        assert transaction.fetchone() == {"id": 1, "title": "a"}
        assert [row.title for row in transaction.fetchmany(1)] == ["b"]
        assert [row.title for row in transaction.fetch()] == ["c"]
        assert transaction.fetchone() is None
        transaction.execute("DELETE FROM photo")
        transaction.rollback()
        assert transaction.execute("SELECT count(*) AS n FROM photo").fetchall() == [{"n": 3}]
        transaction.execute("DELETE FROM photo")  # neither committed nor rolled back: undone
    assert count(database) == 3


@pytest.mark.row("11.25")
def test_an_explicit_transaction_can_be_put_back(database: Database) -> None:
    transaction = database.transaction()
    with pytest.raises(database.dialect.Error, match="nope"):
        transaction.execute("SELECT nope FROM photo")
    transaction.rollback()
    transaction.execute("INSERT INTO photo (title) VALUES ('a')")
    transaction.commit()
    transaction.putback()
    transaction.putback()
    with pytest.raises(RuntimeError, match="nothing to fetch"):
        transaction.fetch()
    assert count(database) == 1


def test_a_full_pool_is_a_timeout(database_url: str) -> None:
    small = Database(Alias.from_url("@small", database_url, max_conns=1), patience=0.05)
    with small.session() as db:
        db.execute("SELECT 1").fetch()
        reply = small.session().execute("SELECT 1").dispatch()
        assert (reply.status, reply.status_code) == (STA_TIMEOUT, 702)
    assert small.session().execute("SELECT 1").dispatch().status == STA_NORMAL
    small.close()


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/no/such.db", "postgresql://x:secret@127.0.0.1:1/x"):
        away = Database(url)
        db = away.session()
        reply = db.execute("SELECT 1").dispatch()
        assert (reply.status, reply.status_code, reply.reason) == (STA_NETERR, 701, "Network Error")
        with pytest.raises(db.Error) as caught:
            db.execute("SELECT 1").fetch()
        assert "secret" not in str(caught.value)
        with pytest.raises(db.Error), db:
            db.insert("photo").data(title="a").execute()
        away.close()


def test_connections_that_died_are_replaced(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    db = database.session()
    db.execute("CREATE TABLE photo (id SERIAL PRIMARY KEY, title TEXT)").commit()
    kill_connections(postgresql_url)
    assert db.select("photo").execute().fetch() == []  # a read is tried again
    kill_connections(postgresql_url)
    with pytest.raises(db.Error):
        db.insert("photo").data(title="a").execute().commit()  # a write may have happened: its sender decides
    db.insert("photo").data(title="b").execute().commit()
    with pytest.raises(db.Error), db:
        db.insert("photo").data(title="c").execute().commit()
        kill_connections(postgresql_url)
    assert [row.title for row in db.select("photo").execute().fetch()] == ["b"]
    database.close()


def test_an_idle_connection_is_tried_before_it_is_used(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atila.upstream.db.pool.IDLE", 0.0)
    database = Database(postgresql_url)
    db = database.session()
    db.execute("CREATE TABLE photo (title TEXT)").commit()
    kill_connections(postgresql_url)
    db.insert("photo").data(title="a").execute().commit()
    assert db.select("photo").count().execute().value() == 1
    database.close()


def test_sqlite_writers_wait_for_each_other(tmp_path: Path) -> None:
    first, second = (Database(f"sqlite:///{tmp_path}/shared.db") for _ in range(2))  # as two processes have it
    first.session().execute("CREATE TABLE photo (size INTEGER)").commit()
    first.session().insert("photo").data(size=0).execute().commit()

    def grow(database: Database) -> None:
        for _ in range(50):
            with database.session() as db:
                size = db.select("photo").for_update().execute().one().size
                db.update("photo").set(size=size + 1).all().execute().commit()

    threads = [threading.Thread(target=grow, args=(database,)) for database in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.session().select("photo").execute().one().size == 100
    mode = sqlite3.connect(tmp_path / "shared.db").execute("PRAGMA journal_mode").fetchone()
    assert mode == ("wal",)
    for database in (first, second):
        database.close()


def test_databases_are_opened_once_and_found_by_alias(tmp_path: Path) -> None:
    aliases = {
        "@db": Alias.parse("@db", DB_SQLITE3, str(tmp_path / "a.db")),
        "@api": Alias.parse("@api", PROTO_HTTP, "api.example"),
    }
    databases = Databases(aliases)
    assert databases.find("@db") is databases.find("@db")
    with pytest.raises(SettingError, match="no alias '@nope'; known: @db, @api"):
        databases("@nope")
    with pytest.raises(ValueError, match="@api is of kind http"):
        databases("@api")
    before = databases.find("@db")
    aliases["@db"] = Alias.parse("@db", DB_SQLITE3, str(tmp_path / "b.db"))
    assert databases.find("@db") is not before
    databases.close()
    databases.close()


def test_a_request_has_one_session_with_each_database(tmp_path: Path) -> None:
    databases = Databases({"@db": Alias.parse("@db", DB_SQLITE3, str(tmp_path / "a.db"))})
    sessions = Sessions(databases)
    sessions.open("@db").execute("CREATE TABLE photo (title TEXT)").commit()
    with pytest.raises(ZeroDivisionError), sessions.open("@db"):
        sessions.open("@db").insert("photo").data(title="a").execute().commit()
        assert sessions.open("@db").select("photo").count().execute().value() == 1
        raise ZeroDivisionError
    assert sessions.open("@db").select("photo").execute().fetch() == []
    assert sessions.open("@db") is not Sessions(databases).open("@db")
    with sessions.transaction("@db") as transaction:
        assert transaction.execute("SELECT 1 AS one").fetch() == [{"one": 1}]
    databases.close()
