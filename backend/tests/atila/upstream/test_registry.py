"""Databases by alias, in one process and after a fork; what a session and a transaction refuse."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from atila.alias import DB_SQLITE3, Alias
from atila.upstream import db
from atila.upstream.db import Database, Databases, Row, Session
from atila.upstream.db.select import Select
from atila.upstream.db.writes import Delete, Insert, Update


@pytest.fixture
def alias(tmp_path: Path) -> Alias:
    return Alias.parse("@db", DB_SQLITE3, str(tmp_path / "a.db"))


def test_an_alias_that_is_named_again_keeps_its_database_and_one_that_changed_does_not(
    alias: Alias, tmp_path: Path
) -> None:
    aliases = {"@db": alias}
    databases = Databases(aliases)
    first = databases.find("@db")
    aliases["@db"] = Alias.parse("@db", DB_SQLITE3, str(tmp_path / "a.db"))
    assert aliases["@db"] is not alias
    assert databases.find("@db") is first
    aliases["@db"] = Alias.parse("@db", DB_SQLITE3, str(tmp_path / "b.db"))
    second = databases.find("@db")
    assert second is not first
    assert databases.find("@db") is second
    databases.close()


def test_a_forked_process_has_connections_of_its_own(alias: Alias, monkeypatch: pytest.MonkeyPatch) -> None:
    databases = Databases({"@db": alias})
    ours = databases.find("@db")
    ours.session().execute("CREATE TABLE photo (id INTEGER)").commit()
    process = os.getpid()
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: process + 1)
        theirs = databases.find("@db")
        assert theirs is not ours
        assert databases.find("@db") is theirs
        assert theirs.session().select("photo").count().execute().value() == 0
        databases.close()
    assert ours.session().select("photo").count().execute().value() == 0  # the parent's were left alone
    ours.close()


def test_connections_of_a_server_that_hung_up_are_given_up_once(alias: Alias) -> None:
    database = Database(alias)
    pool = database.pool
    first, second, third = pool.take(), pool.take(), pool.take()
    pool.give_back(third)
    first.lost = second.lost = True  # as the dialect says when a server hangs up
    pool.give_back(first)
    assert pool.state["open"] == 1  # the idle one went as well
    fresh = pool.take()
    pool.give_back(second)
    pool.give_back(fresh)
    assert pool.state == {"open": 1, "idle": 1, "waiting": 0, "size": 100}
    assert pool.take() is fresh
    pool.give_back(fresh)
    assert database.session().execute("SELECT 1 AS one").value() == 1
    database.close()
    assert pool.state["open"] == 0


def test_a_query_of_no_database_says_how_to_run_it(db: Session) -> None:
    for query in (Select(None, "photo"), Insert(None, "photo"), Update(None, "photo"), Delete(None, "photo")):
        with pytest.raises(RuntimeError, match=r"db\.execute\(query\) runs it"):
            query.execute()
    assert len(db.execute(Select(None, "photo").filter(uid=1)).fetch()) == 3


def test_an_insert_has_no_filter(db: Session) -> None:
    for narrow in (db.insert("photo").filter, db.insert("photo").exclude):
        with pytest.raises(TypeError, match="an INSERT has no filter: uid, title"):
            narrow(uid=1, title="x")


def test_a_field_that_is_not_there() -> None:
    row = Row(id=1, title="x")
    row.size = 3
    del row.size
    assert row == {"id": 1, "title": "x"}
    with pytest.raises(AttributeError, match="no field 'size'"):
        del row.size
    with pytest.raises(AttributeError, match="no field 'size'; it has id, title"):
        _ = row.size
    with pytest.raises(AttributeError, match="it has none"):
        _ = Row().size


def test_a_block_that_is_not_open_cannot_end(db: Session) -> None:
    with pytest.raises(RuntimeError, match="no block is open"):
        db.__exit__(None, None, None)
    with pytest.raises(RuntimeError, match="no block is open"):
        asyncio.run(db.__aexit__(None, None, None))
    with db:
        assert db.select("photo").count().execute().value() == 5


def test_an_explicit_transaction_on_the_loop_is_warned_about(database: Database) -> None:
    async def handler() -> list[Any]:
        with database.transaction() as transaction:
            return list(transaction.execute("SELECT 1 AS one").fetchall())

    with pytest.warns(RuntimeWarning, match=r"blocks the event loop: use `async with was\.db"):
        assert asyncio.run(handler()) == [{"one": 1}]


def test_an_explicit_transaction_that_has_not_begun_has_nothing_to_end(database: Database) -> None:
    transaction = database.transaction()
    transaction.commit()
    transaction.rollback()
    transaction.putback()
    with pytest.raises(RuntimeError, match="nothing to fetch"):
        transaction.fetchone()
    transaction.execute("SELECT 1 AS one").commit()
    transaction.commit()  # it has ended
    assert transaction.execute("SELECT 2 AS two").fetchone() == {"two": 2}
    assert transaction.fetchone() is None
    transaction.putback()


def test_the_pools_in_use_are_told_by_alias(alias: Alias) -> None:
    databases = Databases({alias.name: alias})
    assert databases.usage() == {}
    assert databases(alias.name).execute("SELECT 1 AS one").value() == 1
    assert databases.usage()[alias.name]["open"] == 1
    databases.close()
    assert databases.usage() == {}


def test_a_name_that_the_package_does_not_have() -> None:
    with pytest.raises(AttributeError, match=r"'atila\.upstream\.db' has no attribute 'Databse'"):
        _ = db.Databse
