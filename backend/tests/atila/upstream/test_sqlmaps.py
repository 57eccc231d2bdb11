"""Templates of SQL: how files are read, what slots bind, and what is refused; on both databases."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from atila.alias import DB_PGSQL, DB_SQLITE3, PROTO_HTTP
from atila.errors import SettingError
from atila.upstream.db import Database, F, Session, Sql, SqlMaps
from atila.upstream.db.dialect import Statement
from atila.upstream.db.sqlmaps import read_text

PHOTOS = """
What stands outside of the blocks is for readers.

<sql name="find">
  SELECT {this.columns} FROM photo p -- {not_a_slot} in a comment
  WHERE {this.filters} /* nor {here} */
  {this.order_by} {this.limit} {this.offset}
</sql>

<sql name="stat">
  SELECT uid, count(*) AS n, sum(size) AS total FROM photo WHERE {_filters} {_group_by} {_having} {_order_by};
</sql>

<sql name="titled">
  SELECT id, '{{100 %}} ?' AS fixed, "title" FROM photo WHERE title = {title} AND uid IN {uids:list} ORDER BY {by:name}
</sql>

<sql name="rename">UPDATE photo SET title = {title}, size = {size} WHERE id = {id}</sql>
<sql name="without">SELECT id FROM photo WHERE uid NOT  in {uids:list}</sql>
<sql name="inside">SELECT id FROM photo WHERE uid IN {people} AND {this.filters}</sql>
"""


@pytest.fixture
def maps(tmp_path: Path) -> SqlMaps:
    (tmp_path / "sqlmaps").mkdir()
    (tmp_path / "sqlmaps" / "photos.sql").write_text(PHOTOS, encoding="utf-8")
    (tmp_path / "sqlmaps" / "total.sql").write_text("SELECT sum(size) AS total FROM photo WHERE uid = {uid}")
    return SqlMaps(lambda: tmp_path, lambda: True)


@pytest.fixture
def bound(database: Database, db: Session, maps: SqlMaps) -> Session:
    return database.session(maps=maps)


@pytest.mark.row("11.18", "11.26")
def test_steps_fill_their_slots(bound: Session) -> None:
    find = bound.template("photos.find").get("id, title")
    assert len(find.execute().fetch()) == 5
    assert find.filter(size__gte=10).exclude(uid=1).execute().fetch() == [{"id": 4, "title": "alps at night"}]
    assert [row.id for row in find.order_by("-id")[1:3].execute().fetch()] == [4, 3]
    assert [row.id for row in find.order_by("id").offset(3).execute().fetch()] == [4, 5]
    assert find.filter(**{"p.size": 20}).get(more=F("p.size") + 1).execute().value() == 21
    stat = bound.template("photos.stat").filter(size__gte=10).group_by("uid").order_by("-n").having("count(*)", gte=2)
    assert stat.execute().fetch() == [{"uid": 1, "n": 3, "total": 60}]


@pytest.mark.row("11.26")
def test_values_are_bound(bound: Session) -> None:
    titled = bound.template("photos.titled", title="Alps", by="id")
    assert titled.data(uids=[1, 2]).execute().one() == {"id": 1, "fixed": "{100 %} ?", "title": "Alps"}
    assert titled.data(uids=[]).execute().fetch() == []
    assert titled(uids=(1,), title="' OR 1=1 --").execute().fetch() == []
    assert bound.template("total", uid=1).execute().value() == 60
    bound.template("photos.rename", id=1, title="%s ? {x}", size=F("size") + 1).execute().commit()
    row = bound.select("photo").filter(id=1).execute().one()
    assert (row.title, row.size) == ("%s ? {x}", 11)
    owners = bound.select("photo").get("uid").filter(size=40)
    inside = bound.template("photos.inside", people=owners).filter(size__gt=1)
    assert inside.execute().one() == {"id": 4}
    assert bound.select("photo").filter(id__in=inside).count().execute().value() == 1


@pytest.mark.row("11.26")
def test_templates_without_a_database(maps: SqlMaps, bound: Session) -> None:
    sql = Sql(maps)
    assert bound.execute(sql.photos.find.filter(id=2).get("title")).value() == "Ålesund"
    assert bound.execute(sql.total(uid=2)).value() == 40
    assert bound.execute(sql.select("photo").filter(id=1).get("size")).value() == 10
    bound.execute(sql.insert("photo").data(note="n")).commit()
    bound.execute(sql.update("photo").data(size=1).filter(note="n")).commit()
    assert bound.execute(sql.delete("photo").filter(note="n").returning("size")).value() == 1
    for name in ("_private", "__wrapped__"):
        assert not hasattr(sql, name)
        assert not hasattr(sql.photos, name)
    maps.setup()
    assert sql.as_sql(sql.select("photo").filter(id=1)) == Statement(
        'SELECT * FROM "photo" WHERE "id" = %s', [1], writes=False, flies=True, built=True
    )
    maps.setup(DB_SQLITE3)
    assert sql.as_sql(sql.photos.rename(id=1, title="x", size=2)) == Statement(
        "UPDATE photo SET title = ?, size = ? WHERE id = ?", ["x", 2, 1], writes=True
    )


ODD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=ODD)
@example(text="'; DROP TABLE photo; --")
@example(text="{title} %(x)s %s ? */ $$")
def test_odd_strings_stay_values(bound: Session, text: str) -> None:
    made = bound.insert("photo").data(title=text, uid=3).returning("id").execute().value()
    try:
        titled = bound.template("photos.titled", title=text, uids=[3], by="id")
        assert titled.execute().one().title == text
        assert bound.template("photos.find").get("title").filter(id=made, title=text).execute().value() == text
    finally:
        bound.delete("photo").filter(id=made).execute().commit()


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda db: db.template("photos.titled").execute(), "photos.titled needs a value for {title}"),
        (lambda db: db.template("photos.titled", tilte="x"), "no slot tilte; it has by, title, uids"),
        (lambda db: db.template("photos.find", x=1), "has no slot x; it has none"),
        (lambda db: db.template("photos.titled", title="x", by="id; --", uids=[1]).execute(), "is not an identifier"),
        (lambda db: db.template("photos.titled", title="x", by=5, uids=[1]).execute(), "takes a name, not int"),
        (lambda db: db.template("photos.titled", title="x", by="id", uids="12").execute(), "takes a list, not str"),
        (lambda db: db.template("photos.without", uids=[]).execute(), "NOT IN {uids:list} takes a list of one value"),
        (lambda db: db.template("total", uid=1).filter(id=1).execute(), "total has no place for {this.filters}"),
        (lambda db: db.template("total", uid=1).limit(3).execute(), "no place for {this.limit}"),
        (lambda db: db.template("total", uid=1).join("x", "x.id = y.id").execute(), "no place for joins"),
    ],
)
def test_what_does_not_fit_is_named(bound: Session, build: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build(bound)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT '{a}'", "x: '{a}' has a slot inside quotes"),
        ("SELECT 'it''s {a}'", "has a slot inside quotes"),
        ("SELECT E'it\\'s {a}'", "has a slot inside quotes"),
        ('SELECT "{a}"', "has a slot inside quotes"),
        ("SELECT $$ {a} $$, $x$ {b} $x$", "has a slot inside quotes"),
        ("SELECT {a", "a '{' that has no partner"),
        ("SELECT }", "a '}' that has no partner"),
        ("SELECT 'open", 'a "\'" that has no partner'),
        ("SELECT {this.from}", "unknown slot {this.from}; known: {this.columns}"),
        ("SELECT {a:int}", "unknown form in {a:int}"),
        ("SELECT {}", "has no partner"),
        ("SELECT {a.b}", "has no partner"),
    ],
)
def test_a_template_that_cannot_be_one_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_text("x", text)
    assert reason in str(caught.value)


def test_what_is_quoted_is_left_as_it_is() -> None:
    text = read_text(
        "x", "SELECT 'it''s {{}} -- no comment', E'\\'', $a$'$a$, e - 1 / $1 /* gone */ FROM \"a b\" -- gone"
    )
    assert text.pieces == ("SELECT 'it''s {} -- no comment', E'\\'', $a$'$a$, e - 1 / $1   FROM \"a b\"  ",)


def test_a_question_mark_is_a_value_to_sqlite_alone(database: Database, db: Session, tmp_path: Path) -> None:
    (tmp_path / "sqlmaps").mkdir()
    (tmp_path / "sqlmaps" / "x.sql").write_text("SELECT '?' AS a, extra::jsonb ? {key} AS b FROM photo WHERE id = 1")
    query = database.session(maps=SqlMaps(lambda: tmp_path, lambda: False)).template("x", key="k")
    if database.dialect.name == "SQLite":
        with pytest.raises(ValueError, match="a place for a value to SQLite"):
            query.execute()
    else:
        assert query.execute().one() == {"a": "?", "b": None}


@pytest.mark.row("11.26")
def test_setting_up(tmp_path: Path, maps: SqlMaps) -> None:
    maps.setup(DB_PGSQL)
    with pytest.raises(SettingError, match="expected DB_PGSQL or DB_SQLITE3"):
        maps.setup(PROTO_HTTP)
    for name, reason in (
        ("gone.find", "no template file sqlmaps/gone.sql"),
        ("../x.find", "no template file"),
        ("photos.gone", "photos.sql has no template 'gone'; it has find, stat"),
        ("photos", "photos.sql has no template"),
    ):
        with pytest.raises(SettingError, match=reason):
            maps.find(name)
    (tmp_path / "sqlmaps" / "wrong.sql").write_text("SELECT '{a}'")
    with pytest.raises(SettingError, match=r"wrong\.wrong: .* inside quotes"):
        maps.setup(DB_PGSQL)
    (tmp_path / "sqlmaps" / "wrong.sql").write_text("<sql id='x'>SELECT 1</sql>")
    with pytest.raises(SettingError, match="a template is written <sql name"):
        maps.setup(DB_PGSQL)


def test_a_file_is_read_again_only_while_it_may_change(tmp_path: Path) -> None:
    (tmp_path / "sqlmaps").mkdir()
    path = tmp_path / "sqlmaps" / "a.sql"
    fresh, kept = SqlMaps(lambda: tmp_path, lambda: True), SqlMaps(lambda: tmp_path, lambda: False)
    path.write_text("SELECT 1")
    assert fresh.find("a") == kept.find("a")
    path.write_text("SELECT 2")
    os.utime(path, (1, 1))
    assert fresh.find("a").pieces == ("SELECT 2",)
    assert kept.find("a").pieces == ("SELECT 1",)


def test_templates_belong_to_an_app(db: Session) -> None:
    with pytest.raises(SettingError, match="belong to an app"):
        db.template("photos.find")
