"""What a driver cannot send or read: whoever waits hears of it, and no connection is lost by it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from atila.alias import Alias
from atila.upstream.db import Database

PATIENCE = 20.0  # seconds until a test gives up
WRONG: dict[str, list[tuple[str, Any]]] = {
    "SQLite": [
        ("SELECT ?", [1, 2]),
        ("SELECT :a", {"b": 1}),
        ("SELECT day FROM event", None),  # a date that is none
    ],
    "PostgreSQL": [
        ("SELECT %s", [1, 2]),
        ("SELECT %s, %s", [1]),
        ("SELECT %(a)s", {"b": 1}),
        ("SELECT DATE '10000-01-01' AS day", None),  # Python's end with 9999
    ],
}


@pytest.fixture
def narrow(database_url: str) -> Iterator[Database]:
    """A database with one connection, that was used a moment ago."""
    opened = Database(Alias.from_url("@db", database_url, max_conns=1), patience=1)
    db = opened.session()
    db.execute("CREATE TABLE event (day DATE)").commit()
    if opened.dialect.name == "SQLite":
        db.execute("INSERT INTO event VALUES ('soon')").commit()
    yield opened
    opened.close()


def test_a_plain_handler_gets_the_error_and_can_go_on(narrow: Database) -> None:
    db = narrow.session(inline=True)
    for sql, values in WRONG[narrow.dialect.name]:
        for _ in range(2):
            reply = db.execute(sql, values).dispatch()
            assert (reply.status_code, reply.reason) == (500, "Database Error"), sql
        assert db.execute("SELECT 1 AS one").value() == 1
    assert narrow.pool.state == {"open": 1, "idle": 1, "waiting": 0, "size": 1}


def test_an_async_handler_gets_the_error_and_can_go_on(narrow: Database) -> None:
    async def handler() -> None:
        db = narrow.session()
        for sql, values in WRONG[narrow.dialect.name]:
            for _ in range(2):
                reply = (await db.execute(sql, values).settled()).dispatch()
                assert (reply.status_code, reply.reason) == (500, "Database Error"), sql
            assert (await db.execute("SELECT 1 AS one"))[0].one == 1

    asyncio.run(asyncio.wait_for(handler(), PATIENCE))
    assert narrow.pool.state == {"open": 1, "idle": 1, "waiting": 0, "size": 1}


def test_a_block_with_such_a_statement_is_rolled_back(narrow: Database) -> None:
    sql, values = WRONG[narrow.dialect.name][0]
    with pytest.raises(Exception, match=r"bindings|not all arguments"), narrow.session(inline=True) as db:
        db.execute("DELETE FROM event")
        db.execute("INSERT INTO event VALUES ('2026-01-02')")
        db.execute(sql, values)
    rows = 1 if narrow.dialect.name == "SQLite" else 0
    assert narrow.session(inline=True).select("event").count().execute().value() == rows
