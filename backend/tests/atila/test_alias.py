"""Members of an alias, and database URLs."""

from __future__ import annotations

import pytest

from atila.alias import DB_PGSQL, DB_SQLITE3, PROTO_HTTP, Alias, Kind, Member, parse_member


@pytest.mark.row("1.26")
@pytest.mark.parametrize(
    ("text", "member"),
    [
        ("localhost", Member("localhost", 5432)),
        ("db.example:6000", Member("db.example", 6000)),
        ("ann:secret@db.example/shop", Member("db.example", 5432, "ann", "secret", "shop")),
        ("ann:secret@db.example:6000/shop 3", Member("db.example", 6000, "ann", "secret", "shop", 3)),
        ("ann:p@ss:w/?#d@[::1]:6000/shop", Member("::1", 6000, "ann", "p@ss:w/?#d", "shop")),
        (
            "postgresql://ann:p%40ss@h/shop?sslmode=require",
            Member("h", 5432, "ann", "p@ss", "shop", 1, {"sslmode": "require"}),
        ),
        ("postgresql:///shop?host=/run", Member("", 5432, "", "", "shop", 1, {"host": "/run"})),
    ],
)
def test_a_member_reads(text: str, member: Member) -> None:
    assert parse_member(text, DB_PGSQL) == member


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("var/app.db", "var/app.db"),
        ("/data/my files/app.db", "/data/my files/app.db"),
        ("sqlite:///var/app.db", "var/app.db"),
        ("sqlite:////data/app.db", "/data/app.db"),
        ("sqlite:///:memory:", ":memory:"),
        ("sqlite://", ":memory:"),
    ],
)
def test_an_sqlite_member_is_a_path(text: str, path: str) -> None:
    assert parse_member(text, DB_SQLITE3) == Member(database=path)


@pytest.mark.parametrize(
    ("name", "kind", "members", "reason"),
    [
        ("mydb", DB_PGSQL, "localhost", "'mydb' is not an alias"),
        ("@my db", DB_PGSQL, "localhost", "is not an alias"),
        ("@mydb", "oracle", "localhost", "'oracle' is not a kind"),
        ("@mydb", DB_PGSQL, [], "no members"),
        ("@mydb", DB_PGSQL, "", "reads user:password@host"),
        ("@mydb", DB_PGSQL, "localhost:many", "no usable port"),
        ("@mydb", DB_PGSQL, "localhost often", "'often' is not a weight"),
        ("@mydb", DB_PGSQL, "localhost 0", "'0' is not a weight"),
        ("@mydb", DB_SQLITE3, "sqlite://app.db", "is not an SQLite URL"),
    ],
)
def test_mistakes_are_named(name: str, kind: str, members: str | list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Alias.parse(name, kind, members)


def test_an_alias_may_have_several_members() -> None:
    alias = Alias.parse("@api", PROTO_HTTP, ["a.example 2", "b.example:8080"])
    assert [(member.host, member.port, member.weight) for member in alias.members] == [
        ("a.example", 80, 2),
        ("b.example", 8080, 1),
    ]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("sqlite:///a.db", Kind.SQLITE3),
        ("postgresql://h/d", Kind.POSTGRESQL),
        ("postgres://h/d", Kind.POSTGRESQL),
        ("postgresql+psycopg2://h/d", Kind.POSTGRESQL),
    ],
)
def test_a_url_tells_the_kind(url: str, kind: Kind) -> None:
    assert Alias.from_url("@main", url).kind is kind


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(Alias.parse("@mydb", DB_PGSQL, "ann:secret@localhost/shop"))
    with pytest.raises(ValueError, match="no usable port") as caught:
        Alias.parse("@mydb", DB_PGSQL, "ann:secret@localhost:x/shop")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["app.db", "postgresql:localhost", "", "@db"])
def test_a_url_has_a_scheme(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected a URL such as sqlite:///app\.db"):
        Alias.from_url("@main", url)


def test_a_password_may_hold_blanks_and_no_error_repeats_it() -> None:
    assert parse_member("ann:to the moon@db.example/shop 3", DB_PGSQL) == Member(
        "db.example", 5432, "ann", "to the moon", "shop", 3
    )
    assert parse_member("ann:to the moon@db.example", DB_PGSQL).password == "to the moon"
    for kind, member in (
        (DB_SQLITE3, "postgresql://ann:to the moon@db.example/shop"),
        (DB_PGSQL, "ann:to the moon@db.example/shop often"),
        (DB_PGSQL, "ann:to the moon@db.example:many"),
    ):
        with pytest.raises(ValueError, match="expected") as refused:
            Alias.parse("@mydb", kind, member)
        assert "moon" not in str(refused.value)
