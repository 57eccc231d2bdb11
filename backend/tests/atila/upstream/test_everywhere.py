"""What `was.db` may be asked: to call back, to keep replies, to ask every member; on SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atila import Atila
from atila.alias import DB_SQLITE3, Alias
from atila.upstream.db import Database, Databases, Json, Session, Sessions
from atila.upstream.task import Reply


@pytest.fixture
def sessions(database: Database, db: Session) -> Iterator[Sessions]:
    databases = Databases({"@db": database.alias})
    yield Sessions(databases, inline=True)
    databases.close()


@pytest.mark.row("9.4")
def test_a_callback_gets_the_reply(sessions: Sessions) -> None:
    called = threading.Event()
    replies: list[Reply[Any]] = []

    def take(reply: Reply[Any]) -> None:
        replies.append(reply)
        called.set()

    for query in ("SELECT title FROM photo WHERE id = 1", "SELECT nope FROM photo"):
        sessions("@db", callback=take).execute(query)
        assert called.wait(5)
        called.clear()
    assert replies[0].data == [{"title": "Alps"}]
    assert replies[1].status_code == 500


@pytest.mark.row("11.28")
def test_replies_are_kept_when_asked_for(database: Database, sessions: Sessions) -> None:
    def sizes(use_cache: bool | float = True, **named: Any) -> Any:
        query = sessions("@db", use_cache=use_cache).select("photo").get("size").filter(**named)
        return query.execute()

    assert sizes(id=1).one(cache=60).size == 10
    database.session().update("photo").set(size=11).filter(id=1).execute().commit()
    assert sizes(id=1).one().size == 10
    assert sizes(use_cache=False, id=1).one().size == 11
    assert sizes(use_cache=2.0**33, id=1).one().size == 11  # kept before that time
    assert sizes(id=2).one().size == 20
    assert sizes(id__in=(1, 2), hot=None).fetch(cache=0) != sizes(id=1).fetch()
    with sessions("@db") as db:
        assert db.select("photo").get("size").filter(id=1).execute().one().size == 11  # a transaction asks
    raw = sessions("@db").execute("SELECT count(*) AS n FROM photo WHERE size > 5")
    assert raw.fetch(cache=60) == sessions("@db").execute("SELECT count(*) AS n FROM photo WHERE size > 5").fetch()


def test_values_that_look_alike_are_kept_apart(database: Database, sessions: Sessions) -> None:
    if database.dialect.name == "SQLite":
        assert sessions("@db").execute("SELECT typeof(?) AS t", [1]).value() == "integer"
        assert sessions("@db").execute("SELECT typeof(?) AS t", [1]).fetch(cache=60) == [{"t": "integer"}]
        assert sessions("@db").execute("SELECT typeof(?) AS t", [1.0]).value() == "real"
    place = sessions("@db").execute(
        "SELECT ? AS t" if database.dialect.name == "SQLite" else "SELECT %s::text AS t", [Json([1])]
    )
    assert place.fetch(cache=60)[0].t in ("[1]", [1])


def test_little_is_kept_when_little_may_be(database: Database) -> None:
    databases = Databases({"@db": database.alias})
    sessions = Sessions(databases, inline=True, cache_size=300)
    assert sessions("@db").execute("SELECT 'a' AS t").fetch(cache=60) == [{"t": "a"}]
    assert databases.find("@db").cache.size == 201
    long = f"SELECT '{'b' * 200}' AS t"
    sessions("@db").execute(long).fetch(cache=60)
    assert databases.find("@db").cache.size == 201
    databases.close()


@pytest.mark.row("11.27")
def test_every_member_is_asked(tmp_path: Path) -> None:
    shards = [str(tmp_path / name) for name in ("a.db", "b.db")]
    for number, path in enumerate(shards):
        shard = Database(f"sqlite:///{path}")
        shard.session().execute("CREATE TABLE photo (id INTEGER PRIMARY KEY, title TEXT)").commit()
        shard.session().insert("photo").data(id=number, title=f"of {number}").execute().commit()
        shard.close()
    databases = Databases({"@shards": Alias.parse("@shards", DB_SQLITE3, shards)})
    sessions = Sessions(databases, inline=True)
    everywhere: Any = sessions.map("@shards")
    assert everywhere.select("photo").get("title").execute().fetch() == [[{"title": "of 0"}], [{"title": "of 1"}]]
    everywhere.insert("photo").data(id=9, title="new").execute().commit()
    assert [rows[0].n for rows in everywhere.execute("SELECT count(*) AS n FROM photo").fetch()] == [2, 2]
    assert sessions.lb("@shards").select("photo").filter(id=9).execute().one().title == "new"
    databases.close()


@pytest.mark.row("11.18", "11.19")
def test_the_names_of_was_db(tmp_path: Path) -> None:
    app = Atila("tests")
    app.alias("@db", DB_SQLITE3, str(tmp_path / "a.db"))
    known: dict[str, Any] = {}

    @app.mounted
    def mounted(was: Any) -> None:
        was.db("@db").execute("CREATE TABLE state (code TEXT, name TEXT)").commit()
        was.sqlite3("@db").insert("state").data(code="VA", name="Virginia").execute().commit()
        was.db("@db", callback=lambda reply: known.update({row.code: row.name for row in reply.data})).execute(
            "SELECT code, name FROM state"
        )

    @app.route("/")
    def index(was: Any) -> Any:
        opened = [was.db, was.asyncon, was.backend, was.sqlite3, was.postgresql]
        return was.API(rows=[each("@db").select("state").count().execute().value() for each in opened], known=known)

    with app.test_client() as cli:
        assert cli.get("/").data == {"rows": [1] * 5, "known": {"VA": "Virginia"}}
