"""Values as drivers take them, names, and what a database is made of."""

from __future__ import annotations

import enum
import importlib
import sys
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from atila.alias import Alias, Member
from atila.upstream.db import Database, Session
from atila.upstream.db.database import make_dialect
from atila.upstream.db.postgresql import PostgreSQL, arguments
from atila.upstream.db.sqlite import SQLite


class Colour(enum.Enum):
    """A value that has a value."""

    RED = "red"
    DEEP = Decimal("1.5")


class Size(enum.IntEnum):
    """A value that is a number."""

    LARGE = 3


class Name(str):
    """A text of its own kind."""

    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class Wide(Name):
    """A text that is one by its base's base."""

    __slots__ = ()


@pytest.mark.parametrize(("value", "adapted"), [
    (Colour.RED, "red"), (Colour.DEEP, "1.5"), (Size.LARGE, 3), (Name("Ann"), "Ann"), (Wide("Bob"), "Bob"),
    (True, True),
    (bytearray(b"a"), b"a"), (memoryview(b"a"), b"a"), (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ({"a": 1}, '{"a":1}'), ([1], "[1]"), (None, None),
])  # fmt: skip
def test_values_of_sqlite(value: Any, adapted: Any) -> None:
    found = SQLite(":memory:").adapt(value)
    assert found == adapted
    assert type(found) is type(adapted)


def test_values_of_other_kinds_are_refused() -> None:
    for dialect, name in ((SQLite(":memory:"), "SQLite"), (PostgreSQL([Member("h")]), "PostgreSQL")):
        with pytest.raises(TypeError, match=f"complex is not a value for {name}"):
            dialect.adapt(1j)


def test_an_enum_is_stored_and_found_by_its_value(db: Session) -> None:
    db.insert("photo").data(title=Colour.RED, size=Size.LARGE, note=Name("Ann")).execute().commit()
    row = db.select("photo").filter(title=Colour.RED).execute().one()
    assert (row.title, row.size, row.note) == ("red", 3, "Ann")


def test_values_by_name(database: Database, db: Session) -> None:
    text = {"SQLite": "title = :title AND size > :size", "PostgreSQL": "title = %(title)s AND size > %(size)s"}
    query = f"SELECT id FROM photo WHERE {text[database.dialect.name]}"
    rows = db.execute(query, {"title": Name("Alps"), "size": 1}).fetch()
    assert [row.id for row in rows] == [1]
    assert db.execute(query, {"title": "' OR 1=1 --", "size": 1}).fetch() == []


def test_an_alias_of_another_kind_is_no_database() -> None:
    with pytest.raises(ValueError, match=r"@cache is of kind redis: was\.db takes PostgreSQL and SQLite"):
        make_dialect(Alias.parse("@cache", "redis", "localhost"))


def test_without_psycopg2_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.delitem(sys.modules, "atila.upstream.db.postgresql")
    with pytest.raises(ImportError, match="pip install psycopg2-binary"):
        importlib.import_module("atila.upstream.db.postgresql")


@pytest.mark.parametrize(("member", "ssl", "wanted"), [
    (Member("h", 5432, "ann", "x", "shop"), False,
     {"host": "h", "port": 5432, "user": "ann", "password": "x", "dbname": "shop"}),
    (Member("h"), True, {"host": "h", "sslmode": "require"}),
    (Member(database="shop", options={"host": "/run", "connect_timeout": "1"}), True,
     {"dbname": "shop", "host": "/run", "sslmode": "require", "connect_timeout": "1"}),
])  # fmt: skip
def test_what_a_connection_to_postgresql_is_asked_with(member: Member, ssl: bool, wanted: dict[str, Any]) -> None:
    assert arguments(member, ssl) == {"connect_timeout": 5, **wanted}


def test_a_statement_of_sqlite_is_over_when_it_returns() -> None:
    dialect = SQLite(":memory:")
    connection = dialect.connect()
    connection.execute("SELECT 1")
    assert dialect.wait(connection, 0) is True
    assert dialect.sending(connection) is False
    dialect.cancel(connection)  # nothing is under way
    assert dialect.lost(connection) is False
    connection.close()
