"""Queries in depth: joins, queries inside queries, Q and F, JSON, upserts, unions; on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from atila.upstream.db import Database, F, Fn, Q, Session, exists
from atila.upstream.db.select import Select

KEYS = {"SQLite": "INTEGER PRIMARY KEY AUTOINCREMENT", "PostgreSQL": "SERIAL PRIMARY KEY"}


@pytest.fixture
def people(db: Session) -> Session:
    """The five photos, their people, and one person without photos."""
    db.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, boss INTEGER)").commit()
    rows = [{"id": 1, "name": "Ann", "boss": None}, {"id": 2, "name": "Bob", "boss": 1}]
    db.insert("person").data(*rows, {"id": 3, "name": "Cid", "boss": 2}).execute().commit()
    return db


def ids(query: Select) -> list[int]:
    return [row.id for row in query.order_by("id").execute().fetch()]


@pytest.mark.row("11.20")
def test_joins(people: Session) -> None:
    photos = people.select("photo p").get("p.id, u.name").order_by("-p.id")
    joined = photos.join("person u", "u.id = p.uid").filter(p__size__gte=20, u__name="Ann").execute().fetch()
    assert joined == [{"id": 3, "name": "Ann"}, {"id": 2, "name": "Ann"}]
    persons = people.select("person as u").get("u.name, count(p.id) as photos").group_by("u.name").order_by("u.name")
    counted = persons.left_join("photo p", Q(p__uid=F("u.id")), p__size__lt=30)
    assert [tuple(row.values()) for row in counted.execute().fetch()] == [("Ann", 2), ("Bob", 0), ("Cid", 0)]
    turned = people.select("photo p").right_join("person u", "u.id = p.uid and p.size > u.id").get("u.id").distinct()
    assert [row.id for row in turned.order_by("u.id").execute().fetch()] == [1, 2, 3]
    assert len(people.select("photo").full_join("person", "person.id = photo.uid").execute().fetch()) == 6
    assert people.select("photo").cross_join("person").count().execute().value() == 15
    named = people.select("person").join(people.select("photo").get("uid as id").distinct().as_("q"), using="id")
    assert [row.name for row in named.order_by("id").execute().fetch()] == ["Ann", "Bob"]


@pytest.mark.row("11.20")
def test_queries_inside_queries(people: Session) -> None:
    of_bob = people.select("person").get("id").filter(name="Bob")
    assert ids(people.select("photo").filter(uid__in=of_bob)) == [4, 5]
    assert ids(people.select("photo").filter(uid=of_bob, size__gt=5)) == [4]
    assert ids(people.select("photo").exclude(uid__in=of_bob)) == [1, 2, 3]
    mine = people.select("photo p").filter(p__uid=F("person.id"), p__size__gte=30)
    assert ids(people.select("person").filter(exists(mine))) == [1, 2]
    assert ids(people.select("person").filter(~exists(mine), id__gt=0)) == [3]
    counts = people.select("person").get("name", photos=mine.count()).order_by("-photos", "name").limit(2)
    assert counts.execute().fetch() == [{"name": "Ann", "photos": 1}, {"name": "Bob", "photos": 1}]
    sums = people.select("photo").get("uid, sum(size) as total").filter(size__gt=0).group_by("uid")
    assert people.select(sums.as_("q")).filter(total__gte=60).execute().one() == {"uid": 1, "total": 60}
    with pytest.raises(ValueError, match=r"needs a name: photo…as_"):
        people.select(sums)


@pytest.mark.row("11.20")
def test_named_queries(people: Session) -> None:
    big = people.select("photo").filter(size__gte=20)
    found = people.select("big").with_("big", big).filter(size__lt=40)
    assert ids(found) == [2, 3]
    chain = people.select("person").get("id, boss").filter(name="Cid")
    above = people.select("person").join("above", "above.boss = person.id").get("person.id, person.boss")
    tree = people.select("above").with_recursive("above(id, boss)", chain.union_all(above)).order_by("id")
    assert [row.id for row in tree.execute().fetch()] == [1, 2, 3]
    people.update("photo").with_("big", big.get("id")).data(title="big").filter(
        id__in=people.select("big").get("id")
    ).execute().commit()
    assert ids(people.select("photo").filter(title="big")) == [2, 3, 4]
    people.delete("photo").with_("big", big.get("id")).filter(id__in=people.select("big").get("id")).execute().commit()
    assert ids(people.select("photo")) == [1, 5]


@pytest.mark.row("11.20")
def test_unions(people: Session) -> None:
    photos = people.select("photo").get("id")
    small, large = photos.filter(size__lte=20), photos.filter(size__gte=20)
    assert ids(small.union(large)) == [1, 2, 3, 4]
    assert ids(small.union_all(large)) == [1, 2, 2, 3, 4]
    assert ids(small.intersect(large)) == [2]
    assert ids(photos.except_(large).union(small)) == [1, 2, 5]
    assert ids(small.union(large.intersect(photos.filter(size=40)))) == [1, 2, 4]
    assert [row.id for row in small.union(large).order_by("-id").limit(2).execute().fetch()] == [4, 3]
    assert small.union(large).count().execute().value() == 4
    with pytest.raises(ValueError, match="belong to the whole"):
        small.union(large.limit(1))


@pytest.mark.row("11.20")
def test_conditions_combine(people: Session) -> None:
    photos = people.select("photo")
    assert ids(photos.filter(Q(size=10) | Q(size=40))) == [1, 4]
    assert ids(photos.filter(Q(size=10) | Q(size=40), uid=1)) == [1]
    assert ids(photos.filter(Q(uid=1) & ~Q(title__contains="A"))) == [2, 3]
    assert ids(photos.filter(~(Q(size=10) | Q(size=20)), uid=1)) == [3]
    assert ids(photos.filter(~Q(size=10))) == [2, 3, 4, 5]
    assert ids(photos.filter(Q(size=None) | Q(size=40))) == [4]
    assert ids(photos.filter(Q(Q(uid=1), Q(size__gte=20) | Q(title="Alps")))) == [1, 2, 3]
    assert len(ids(photos.filter(Q(), Q(size=None)))) == 5
    assert ids(photos.exclude(Q(uid=1) | Q(size=40))) == [5]
    with pytest.raises(TypeError, match="takes Q"):
        photos.filter("uid = 1")  # type: ignore[arg-type]  # what somebody might try


@pytest.mark.row("11.20")
def test_columns_stand_for_values(people: Session) -> None:
    photos = people.select("photo")
    assert ids(photos.filter(size__gt=F("uid") * 15)) == [2, 3, 4]
    assert ids(photos.filter(size__between=(F("id") * 10, 20))) == [1, 2]
    assert ids(photos.filter(size__in=[F("uid") * 10, 40])) == [1, 4]
    people.update("photo").data(size=F("size") + 5, title=F("title").concat("-", F("uid"))).filter(
        uid=1
    ).execute().commit()
    assert [(row.size, row.title) for row in photos.filter(uid=1).order_by("id").execute().fetch()] == [
        (15, "Alps-1"),
        (25, "Ålesund-1"),
        (35, "100%_sure-1"),
    ]
    figures = photos.get("id", area=(F("size") - 1) % 10, least=Fn("coalesce", F("size"), 0)).order_by("id")
    assert [(row.area, row.least) for row in figures.execute().fetch()] == [
        (4, 15),
        (4, 25),
        (4, 35),
        (9, 40),
        (None, 0),
    ]
    assert photos.get(turned=100 / F("size") + 1 - (2 * F("uid"))).filter(id=4).execute().value() == -1
    assert photos.get(turned=3 - F("uid"), rest=7 % F("uid"), more=1 + F("uid")).filter(id=4).execute().one() == {
        "turned": 1,
        "rest": 1,
        "more": 3,
    }
    assert photos.get(highest=Fn("max", F("size"))).execute().value() == 40
    for wrong in ("size; --", "a b", ""):
        with pytest.raises(ValueError, match="is not an identifier"):
            F(wrong)
    with pytest.raises(ValueError, match="is not an identifier"):
        Fn("max(size)--")


@pytest.mark.row("11.20")
def test_rows_are_added_or_changed(people: Session) -> None:
    notes = people.insert("photo")
    notes.data({"note": "a", "size": 1}, {"note": "b", "size": 2}).execute().commit()
    kept = notes.data({"note": "a", "size": 7}, {"note": "c", "size": 3}).upsert("note").returning("note, size")
    assert kept.execute().fetch() == [{"note": "a", "size": 7}, {"note": "c", "size": 3}]
    more = notes.data(note="a", size=5, title="new").upsert("note", size=F("photo.size") + F("excluded.size"))
    assert more.returning("size, title").execute().one() == {"size": 12, "title": None}
    assert notes.data(note="a", size=9).ignore("note").returning("size").execute().fetch() == []
    assert notes.data(note="d", size=9).ignore().returning("size").execute().value() == 9
    with pytest.raises(ValueError, match=r"after data\(\)"):
        notes.upsert("note")
    with pytest.raises(ValueError, match=r"needs the columns"):
        notes.data(note="a").upsert("note")


@pytest.mark.row("11.20")
def test_rows_of_a_query_are_added(people: Session) -> None:
    people.execute("CREATE TABLE archive (id INTEGER PRIMARY KEY, title TEXT)").commit()
    old = people.select("photo").get("id, title").filter(uid=1)
    added = people.insert("archive").query("id, title", old).returning("id").execute().fetch()
    assert sorted(row.id for row in added) == [1, 2, 3]
    again = people.insert("archive").query("id, title", people.select("photo").get("id, note")).upsert("id")
    again.execute().commit()
    assert people.select("archive").filter(title__isnull=True).count().execute().value() == 5
    row = people.insert("person").data(id=9, name=people.select("photo").get("title").filter(id=1)).returning("name")
    assert row.execute().value() == "Alps"


@pytest.mark.row("11.20")
def test_what_lies_in_json(people: Session) -> None:
    people.delete("photo").all().execute().commit()
    people.insert("photo").data(
        {"title": "a", "extra": {"owner": {"name": "Ann", "age": 30}, "hot": True, "tags": ["x", "y"], "a key": 1}},
        {"title": "b", "extra": {"owner": {"name": "100%_", "age": "30"}, "hot": False, "tags": []}},
        {"title": "c", "extra": None},
    ).execute().commit()

    def titles(*conditions: Q, **named: Any) -> str:
        rows = people.select("photo").filter(*conditions, **named).order_by("title").execute().fetch()
        return "".join(row.title for row in rows)

    assert titles(**{"extra->owner->name": "Ann"}) == "a"
    assert titles(**{"extra->owner->name__contains": "%_"}) == "b"
    assert titles(**{"extra->owner->name__in": ["Ann", "100%_"]}) == "ab"
    assert titles(**{"extra->owner->age": 30}) == "a"
    assert titles(**{"extra->owner->age__gte": 29.5}) == "a"
    assert titles(**{"extra->owner->age": "30"}) == "ab"
    assert titles(**{"extra->owner->age__between": (1, 40)}) == "a"
    assert titles(**{"extra->hot": True}) == "a"
    assert titles(**{"extra->hot": False}) == "b"
    assert titles(**{"extra->owner->gone__isnull": True}) == "abc"
    assert titles(**{"extra->tags->1": "y"}) == "a"
    assert titles(**{"extra->a key": 1}) == "a"
    assert titles(extra__has_key="hot") == "ab"
    assert titles(**{"extra->owner__has_key": "gone' OR '1'='1"}) == ""
    assert titles(Q(**{"extra->owner->age": 30}) | Q(title="c")) == "ac"
    ordered = people.select("photo").get("extra->owner->name as name, extra->owner->age").filter(title="a")
    assert ordered.order_by("extra->owner->name").execute().one() == {"name": "Ann", "age": 30}
    assert (
        people.select("photo").get(x=F("extra")["owner"]["age"].number() + 1).filter(title="a").execute().value() == 31
    )
    people.update("photo").data({"extra->owner->name": "Eve", "size": 3}).filter(title="a").execute().commit()
    assert people.select("photo").filter(title="a").execute().one().extra["owner"] == {"name": "Eve", "age": 30}
    people.update("photo").data({"extra->new": {"deep": [1, None]}}).filter(title="c").execute().commit()
    assert people.select("photo").filter(title="c").execute().one().extra == {"new": {"deep": [1, None]}}
    for wrong in ("it's", 'say "so"', "a\\b", "a%", "a,b}", ""):
        with pytest.raises(ValueError, match="is not a key of JSON"):
            F("extra")[wrong]
    with pytest.raises(ValueError, match="expected values of one kind"):
        people.select("photo").filter(**{"extra->owner->age__in": [1, "1"]})
    with pytest.raises(ValueError, match="JSON is compared with"):
        people.select("photo").filter(**{"extra->owner->age": b"1"})


@pytest.mark.row("11.20")
def test_json_that_holds_other_json(database: Database, people: Session) -> None:
    people.insert("photo").data(title="j", extra={"tags": ["x", "y"], "n": {"a": 1}}).execute().commit()
    query = people.select("photo").get("title").filter(extra__contains={"tags": ["y"]})
    if database.dialect.name == "SQLite":
        with pytest.raises(ValueError, match="SQLite cannot do this"):
            query.execute()
        return
    assert query.execute().value() == "j"
    assert people.select("photo").filter(extra__contains={"tags": ["z"]}).execute().fetch() == []
    assert people.select("photo").filter(**{"extra->n__contains": {"a": 1}}).count().execute().value() == 1


def test_rows_somebody_works_on_are_left_out(database: Database, people: Session) -> None:
    if database.dialect.name == "SQLite":
        with people as db:  # the whole file is locked
            assert db.select("photo").for_update(skip_locked=True).limit(1).execute().one().id == 1
        return
    with people as first, database.session() as second:
        assert first.select("photo").for_update().order_by("id").limit(1).execute().one().id == 1
        assert second.select("photo").for_update(skip_locked=True).order_by("id").limit(1).execute().one().id == 2


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda db: db.select("photo").join("person"), "joining person: say either how"),
        (lambda db: db.select("photo").join("person", "a = b", using="id"), "say either how"),
        (lambda db: db.select("photo").join("person", "1 = 1 OR x"), "does not join"),
        (lambda db: db.select("photo").join("person p q", "p.id = q.id"), "is not an identifier"),
        (lambda db: db.select("photo").filter(p__size=1), "unknown operator 'size' in 'p__size'.*'p' is no table here"),
        (lambda db: db.select("photo").filter(p__size__gt=1), "unknown table 'p'.*known: photo"),
        (lambda db: db.select("photo").with_("a b", db.select("x")), "is not an identifier"),
        (lambda db: db.select("photo").get(**{"a b": F("id")}), "is not an identifier"),
        (lambda db: db.select("photo").as_("a;b"), "is not an identifier"),
        (lambda db: db.insert("photo").data(id=1).upsert("id; --"), "is not an identifier"),
        (lambda db: db.select("photo").filter(size__between=db.select("x")), "a lower and an upper bound"),
        (lambda db: db.select("photo").filter(title__contains=F("note")), "expected text"),
    ],
)
def test_mistakes_in_depth_are_named(people: Session, build: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build(people)


def test_a_query_in_a_query_keeps_its_own_values_apart(people: Session) -> None:
    for low, high in ((10, 20), (20, 40), (30, 30)):
        part = people.select("photo").get("id").filter(size__gte=low)
        whole = people.select("photo").filter(id__in=part, size__lte=high)
        assert ids(whole) == [n for n in (1, 2, 3, 4) if low <= n * 10 <= high]


def test_everything_at_once_binds_in_order(people: Session) -> None:
    named = people.select("photo").filter(size__gte=10)
    inner = people.select("named").get("uid", total=Fn("sum", F("size") + 100)).filter(size__lte=40).group_by("uid")
    query = (
        people.select("person u")
        .with_("named", named)
        .get("u.name", bonus=F("q.total") + 1000, some=people.select("photo").filter(id=1).get("size"))
        .join(inner.as_("q"), "q.uid = u.id", q__total__gt=7)
        .filter(Q(u__name="Ann") | Q(u__name__startswith="B"), u__id__in=[1, 2, 3])
        .order_by("u.name")
        .limit(5)
        .offset(0)
    )
    assert [tuple(row.values()) for row in query.execute().fetch()] == [("Ann", 1360, 10), ("Bob", 1140, 10)]


def test_columns_of_one_table_halves_and_texts(people: Session) -> None:
    photos = people.select("photo p").join("person u", "u.id = p.uid").order_by("p.id").limit(1)
    assert photos.get("p.*").execute().one().title == "Alps"
    assert photos.get(half=F("p.size") / 2, twice=100 / F("p.size")).execute().one() == {"half": 5, "twice": 10}
    people.update("photo").data(extra={"place": {"id": 7}}).filter(id=1).execute().commit()
    assert photos.get(id=F("p.extra")["place"]["id"].text()).execute().value() == "7"
    assert photos.get(id=F("p.extra")["place"]["id"].number()).execute().value() == 7


def test_having_without_a_value_keeps_all_groups(people: Session) -> None:
    groups = people.select("photo").get("uid, count(*) as n").group_by("uid").order_by("uid")
    assert len(groups.having("count(*)", gte=None).execute().fetch()) == 2
    assert groups.having("count(*)", gte=3, lt=None).execute().one() == {"uid": 1, "n": 3}


def test_excluding_nothing_leaves_out_nothing(people: Session) -> None:
    assert ids(people.select("photo").exclude(size=None).exclude()) == [1, 2, 3, 4, 5]
