"""Odd strings through every operator: they come back unchanged and never become part of a statement."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from atila.upstream.db import Database, Session
from atila.upstream.db.dialect import Statement
from atila.upstream.db.operators import OPERATORS

ODD = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    st.lists(
        st.sampled_from(["'", '"', "\\", "%", "_", "?", "%s", "%(a)s", "{}", "--", "/*", ";", "$$", "]", "`", "\n"])
    ).map("".join),
)
ATTACKS = ["' OR 1=1 --", '"; DROP TABLE photo; --', "%(x)s %s %%", "\\'; --", "$1", "{value}", "x' UNION SELECT 1--"]
MATCHING: dict[str, Callable[[str], object]] = {
    "eq": lambda text: text,
    "gte": lambda text: text,
    "lte": lambda text: text,
    "in": lambda text: ["unlike", text],
    "between": lambda text: [text, text],
    "contains": lambda text: text[1:-1],
    "startswith": lambda text: text[:3],
    "endswith": lambda text: text[-3:] if text else "",
    "icontains": lambda text: text[1:-1],
    "istartswith": lambda text: text[:3],
    "iendswith": lambda text: text[-3:] if text else "",
    "like": lambda text: re.sub(r"([\\%_])", r"\\\1", text),
    "ilike": lambda text: re.sub(r"([\\%_])", r"\\\1", text),
    "regex": lambda text: "^" + "".join(f"[{char}]" if char.isalnum() and char.isascii() else "." for char in text),
}
OTHERS: dict[str, Callable[[str], object]] = {
    "neq": lambda text: text,
    "gt": lambda text: text,
    "lt": lambda text: text,
}
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def text_of(statement: Statement) -> str:
    return statement.sql


@slow
@given(text=ODD)
@example(text=ATTACKS[0])
@example(text=ATTACKS[1])
@example(text=ATTACKS[2])
@example(text=ATTACKS[3])
def test_odd_strings_come_back_and_are_found(database: Database, text: str) -> None:
    db = database.session()
    photo = db.select("photo").get("title")
    with db:
        made = db.insert("photo").data(title=text).returning("id, title").execute().one()
        assert made.title == text
        assert db.update("photo").set(note=text).filter(id=made.id).returning("note").execute().one().note == text
        for name, value in MATCHING.items():
            if name == "regex" and "\n" in text:
                continue  # whether "." is a line's end differs
            conditions: dict[str, Any] = {"id": made.id, f"title__{name}": value(text)}
            found = photo.filter(**conditions).execute().one()
            assert found.title == text, name
        for name, value in OTHERS.items():
            conditions = {"id": made.id, f"title__{name}": value(text)}
            assert photo.filter(**conditions).execute().fetch() == [], name
        db.delete("photo").filter(title=text).execute().commit()


@pytest.mark.parametrize("name", [name for name in OPERATORS if name not in ("isnull", "has_key")])
@slow
@given(text=ODD)
def test_values_never_change_the_text_of_a_statement(database: Database, name: str, text: str) -> None:
    def write(value: str) -> str:
        values = [value, value] if name in ("in", "between") else value
        query = database.session().select("photo").filter(**{f"title__{name}": values})
        return text_of(query.compile(database.dialect, {}))

    assert write(text) == write("plain")


def test_every_operator_is_driven() -> None:
    assert set(MATCHING) | set(OTHERS) | {"isnull", "has_key"} == set(OPERATORS)


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_as_a_name_is_refused(db: Session, text: str) -> None:
    for build in (
        lambda: db.select(text),
        lambda: db.select("photo").get(text),
        lambda: db.select("photo").filter(**{text: 1}),
        lambda: db.select("photo").filter(**{f"{text}__gte": 1}),
        lambda: db.select("photo").order_by(text),
        lambda: db.select("photo").group_by(text),
        lambda: db.insert("photo").data(**{text: 1}),
        lambda: db.update("photo").data(**{text: 1}),
        lambda: db.insert("photo").returning(text),
    ):
        with pytest.raises(ValueError, match="is not a"):
            build()
