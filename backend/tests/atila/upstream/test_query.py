"""The query builder, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from atila.errors import HTTPError
from atila.upstream.db import Database, Json, Row, Session
from atila.upstream.db.select import Select


def titles(query: Select) -> list[str | None]:
    return [row.title for row in query.order_by("id").execute().fetch()]


@pytest.mark.row("11.21")
@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"title": "Alps"}, ["Alps"]),
        ({"title__eq": "Alps"}, ["Alps"]),
        ({"size__neq": 10}, ["Ålesund", "100%_sure", "alps at night"]),
        ({"size__gt": 20}, ["100%_sure", "alps at night"]),
        ({"size__gte": 30}, ["100%_sure", "alps at night"]),
        ({"size__lt": 20}, ["Alps"]),
        ({"size__lte": 20}, ["Alps", "Ålesund"]),
        ({"size__in": [10, 40, 99]}, ["Alps", "alps at night"]),
        ({"size__in": ()}, []),
        ({"size__between": (15, 30)}, ["Ålesund", "100%_sure"]),
        ({"title__contains": "lps"}, ["Alps", "alps at night"]),
        ({"title__contains": "A"}, ["Alps"]),
        ({"title__contains": "%_"}, ["100%_sure"]),
        ({"title__contains": "__"}, []),
        ({"title__startswith": "Al"}, ["Alps"]),
        ({"title__startswith": "100%"}, ["100%_sure"]),
        ({"title__startswith": "%"}, []),
        ({"title__endswith": "sure"}, ["100%_sure"]),
        ({"title__icontains": "ALPS"}, ["Alps", "alps at night"]),
        ({"title__icontains": "ålesUND"}, ["Ålesund"]),
        ({"title__istartswith": "alps"}, ["Alps", "alps at night"]),
        ({"title__iendswith": "SURE"}, ["100%_sure"]),
        ({"title__like": "_lps"}, ["Alps"]),
        ({"title__like": "100\\%%"}, ["100%_sure"]),
        ({"title__like": "Alps\\"}, []),
        ({"title__ilike": "ALPS%"}, ["Alps", "alps at night"]),
        ({"title__regex": "^[0-9]+%"}, ["100%_sure"]),
        ({"size__isnull": True}, [None]),
        ({"size__isnull": False, "uid": 2}, ["alps at night"]),
        ({"photo.size__lt": 20}, ["Alps"]),
        ({"uid": 1, "size__gte": 20, "title__contains": "%"}, ["100%_sure"]),
        ({"id": 10**30}, []),
        ({"id__lt": 10**30, "size": 10}, ["Alps"]),
    ],
)
def test_operators(db: Session, conditions: dict[str, Any], expected: list[str | None]) -> None:
    assert titles(db.select("photo").filter(**conditions)) == expected
    rest = titles(db.select("photo").exclude(**conditions))
    assert sorted([*expected, *rest], key=str) == sorted(titles(db.select("photo")), key=str)


@pytest.mark.row("11.21")
def test_a_condition_with_none_is_ignored(db: Session) -> None:
    assert len(titles(db.select("photo").filter(uid=None, title__contains=None))) == 5


@pytest.mark.row("11.20")
def test_a_query_is_built_step_by_step(db: Session) -> None:
    query = db.select("photo").get("id, title").filter(uid=1).order_by("-size").limit(2).offset(1)
    assert query.execute().fetch() == [{"id": 2, "title": "Ålesund"}, {"id": 1, "title": "Alps"}]


def test_a_step_leaves_the_query_before_it_alone(db: Session) -> None:
    mine = db.select("photo").filter(uid=1)
    assert titles(mine.filter(size=10)) == ["Alps"]
    assert titles(mine.limit(1)) == ["Alps"]
    assert len(titles(mine)) == 3
    assert mine.order_by("-id").limit(1).count().execute().value() == 3


def test_slices(db: Session) -> None:
    everything = db.select("photo").get("id").order_by("id")
    for first, last in [(0, 2), (1, 3), (2, None), (4, 9), (3, 3), (None, 2), (3, 1)]:
        rows = everything[first:last].execute().fetch()
        assert [row.id for row in rows] == [1, 2, 3, 4, 5][first:last]
    with pytest.raises(TypeError, match="sliced as"):
        everything[::2]
    with pytest.raises(ValueError, match="from 0"):
        everything[-1:]


@pytest.mark.row("11.20")
def test_figures(db: Session) -> None:
    photos = db.select("photo")
    assert photos.aggregate("max(size), min(size)").execute().one() == {"max": 40, "min": 10}
    assert photos.filter(uid=1).aggregate(total="sum(size)", owners="count(distinct uid)").execute().one() == {
        "total": 60,
        "owners": 1,
    }
    groups = photos.get("uid", "count(*) as n").group_by("uid").order_by("-n")
    assert groups.execute().fetch() == [{"uid": 1, "n": 3}, {"uid": 2, "n": 2}]
    assert groups.having("count(*)", gte=3).execute().one().uid == 1
    assert photos.get("uid").distinct().order_by("uid").execute().fetch() == [{"uid": 1}, {"uid": 2}]


@pytest.mark.row("11.20")
def test_writing_gives_back_what_it_is_asked_for(db: Session) -> None:
    row = db.insert("photo").data(uid=3, title="new").returning("id, title").execute().one()
    assert (row.id, row.title) == (6, "new")
    changed = db.update("photo").set(title="newer", size=None).filter(id=6).returning("*").execute().one()
    assert (changed.title, changed.size, changed.uid) == ("newer", None, 3)
    assert db.delete("photo").filter(uid__in=[2, 3]).returning("id").execute().fetch() == [
        {"id": 4},
        {"id": 5},
        {"id": 6},
    ]
    assert db.update("photo").data(title="x").filter(uid=1).execute().dispatch().rowcount == 3
    assert db.insert("photo").execute().commit().fetch() == []


def test_every_row_is_only_touched_when_asked_for(db: Session) -> None:
    for query in (
        db.delete("photo"),
        db.delete("photo").filter(uid=None),
        db.update("photo").set(size=1),
        db.update("photo").set(size=1).filter(),
    ):
        with pytest.raises(ValueError, match=r"every row of photo.*\.all\(\)"):
            query.execute()
    assert len(titles(db.select("photo"))) == 5
    db.update("photo").set(size=1).all().execute().commit()
    assert db.select("photo").filter(size=1).count().execute().value() == 5
    db.delete("photo").all().execute().commit()
    assert titles(db.select("photo")) == []


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda db: db.select("photo; DROP TABLE photo"), "'photo; DROP TABLE photo' is not an identifier"),
        (lambda db: db.select('photo"'), "is not an identifier"),
        (lambda db: db.select(""), "'' is not an identifier"),
        (lambda db: db.select("p" * 64), "63 at most"),
        (lambda db: db.select("photo").get("id, title --"), "'title --' is not a column"),
        (lambda db: db.select("photo").get("sleep(id)"), "unknown function 'sleep'"),
        (lambda db: db.select("photo").get("id as 1x"), "'1x' is not an identifier"),
        (lambda db: db.select("photo").filter(**{"id) OR (1": 1}), r"'id\) OR \(1' is not an identifier"),
        (
            lambda db: db.select("photo").filter(size__bigger=1),
            "unknown operator 'bigger' in 'size__bigger'; known: eq",
        ),
        (lambda db: db.select("photo").filter(size__isnotnull=True), "unknown operator 'isnotnull'"),
        (lambda db: db.select("photo").order_by("-id; --"), "is not an identifier"),
        (lambda db: db.select("photo").order_by("\u0131d"), "is not an identifier"),
        (lambda db: db.select("photo").group_by("a b"), "is not an identifier"),
        (lambda db: db.select("photo").limit("5; --"), "limit takes a number"),
        (lambda db: db.select("photo").offset(-1), "offset takes a number"),
        (lambda db: db.insert("photo").data(**{"a, b": 1}), "'a, b' is not an identifier"),
        (lambda db: db.insert("photo").data({"id": 1}, {"uid": 1}), "same columns"),
        (lambda db: db.insert("photo").data(id=1).returning("id; --"), "is not a column"),
        (lambda db: db.update("photo").set(**{'a"': 1}), "is not an identifier"),
        (lambda db: db.update("photo").filter(id=1).execute(), "changes nothing"),
        (lambda db: db.select("photo").filter(size=[1, 2]), "size cannot take list: expected one value; use __in"),
        (lambda db: db.select("photo").filter(size__in="12"), "size__in cannot take str: expected a list"),
        (lambda db: db.select("photo").filter(size__in=5), "size__in cannot take int"),
        (lambda db: db.select("photo").filter(size__between=[1]), "a lower and an upper bound"),
        (lambda db: db.select("photo").filter(title__contains=5), "expected text"),
        (lambda db: db.select("photo").filter(title__isnull="yes"), "expected True or False"),
    ],
)
def test_mistakes_are_named(db: Session, build: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build(db)
    assert len(titles(db.select("photo"))) == 5


def test_a_value_of_an_unknown_kind_is_an_error(db: Session) -> None:
    with pytest.raises(TypeError, match="object is not a value"):
        db.select("photo").filter(title=object()).execute()


def test_an_unknown_column_is_the_databases_error(db: Session) -> None:
    for query in (db.select("photo").filter(nope="nope"), db.select("photo").order_by("nope")):
        with pytest.raises(db.Error, match="nope"):
            query.execute().fetch()


@pytest.mark.row("11.9")
def test_one_row(db: Session) -> None:
    assert db.select("photo").filter(id=1).execute().one().title == "Alps"
    with pytest.raises(HTTPError, match="404 Not Found"):
        db.select("photo").filter(id=99).execute().one()
    with pytest.raises(HTTPError, match="409 Conflict: 3 rows"):
        db.select("photo").filter(uid=1).execute().one()


@pytest.mark.row("11.22")
def test_rows_are_dictionaries_with_attributes(db: Session) -> None:
    row = db.select("photo").get("id, title").filter(id=1).execute().one()
    assert isinstance(row, Row)
    assert row == {"id": 1, "title": "Alps"}
    row.announcements = [1]
    assert row["announcements"] == [1]
    del row.announcements
    with pytest.raises(AttributeError, match="no field 'announcements'; it has id, title"):
        _ = row.announcements


def test_values_come_back_as_they_went_in(db: Session) -> None:
    moment = datetime(2026, 11, 1, 12, 30, 15, 120, tzinfo=timezone(timedelta(hours=9)))
    values = {
        "uid": -5,
        "title": "naïve 日本 😀 ' \" \\ % _ ? :x",
        "hot": True,
        "made": moment,
        "day": date(2026, 11, 1),
        "raw": bytes(range(256)),
        "extra": {"a": [1, None, "ü"]},
    }
    made = db.insert("photo").data(**values).returning("*").execute().one()
    row = db.select("photo").filter(id=made.id).execute().one()
    for name, value in values.items():
        assert made[name] == row[name] == value
    assert type(row.hot) is bool
    assert row.made.utcoffset() == timedelta(0)


def test_moments_are_compared_as_moments(db: Session) -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    db.update("photo").set(made=noon).filter(id=1).execute().commit()
    for later in (noon + timedelta(microseconds=1), (noon + timedelta(1)).astimezone(timezone(timedelta(hours=-11)))):
        assert titles(db.select("photo").filter(made__lt=later)) == ["Alps"]
        assert titles(db.select("photo").filter(made__gte=later)) == []
    assert titles(db.select("photo").filter(made=noon.replace(tzinfo=None))) == ["Alps"]


def test_json_may_be_a_list(db: Session) -> None:
    row = db.insert("photo").data(extra=Json([1, "a"])).returning("extra").execute().one()
    assert row.extra == [1, "a"]


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_no_database_holds_is_the_senders_mistake(db: Session, text: str) -> None:
    with pytest.raises(HTTPError, match="400 Bad Request"):
        db.select("photo").filter(title=text).execute()


def test_the_text_of_a_shape_is_written_once(database: Database, db: Session) -> None:
    for number in range(5):
        db.select("photo").filter(uid=number, title__contains=str(number)).limit(number).execute().fetch()
    assert len(database.texts) == 2  # this one, and the INSERT of the fixture


def test_the_texts_that_are_kept_are_bounded(database: Database, db: Session) -> None:
    for number in range(2100):
        db.select("photo").filter(id__in=range(number)).compile(database.dialect, database.texts)
    assert len(database.texts) <= 2000
