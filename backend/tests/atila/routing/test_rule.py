"""Rules: what they match they build, and the other way round."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atila.errors import HTTPError, RouteError
from atila.routing.route import Route, RouteOptions
from atila.routing.router import Redirect, Router
from atila.routing.rule import MISS, READERS, Rule, Segment

SOUND = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="_/\\\ufffd")
WORD = st.text(SOUND, min_size=1, max_size=12).filter(lambda text: text not in (".", ".."))
VALUES = {
    "int": st.integers(0, 10**18 - 1) | st.sampled_from(["me", "notme", "new"]),
    "float": st.integers(0, 10**9).map(lambda number: number / 8),
    "string": WORD,
}
REST = st.lists(WORD | st.just("a_b"), min_size=1, max_size=3).map("/".join)


@st.composite
def rules_and_values(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A rule's text, and a value for each of its parameters."""
    parts: list[str] = []
    values: dict[str, object] = {}
    for number, kind in enumerate(draw(st.lists(st.sampled_from(["literal", *VALUES]), max_size=5))):
        if kind == "literal":
            parts.append(draw(st.sampled_from(["episodes", "x", "7", "a.b"])))
            continue
        values[f"p{number}"] = draw(VALUES[kind])
        parts.append(f"<{kind}:p{number}>")
    if draw(st.booleans()):
        values["path"] = draw(REST)
        parts.append("<path>")
    return "/" + "/".join(parts), values


def routed(*rules: str) -> Router:
    """A router with a handler for each rule."""
    router = Router()
    for number, rule in enumerate(rules):
        router.add(Route(Rule(rule), lambda was, **values: None, RouteOptions(), name=f"route{number}"))
    return router


@settings(deadline=None, max_examples=150, database=None)
@given(rules_and_values())
def test_build_and_match_are_inverse(given_rule: tuple[str, dict[str, object]]) -> None:
    text, values = given_rule
    path = Rule(text).build(values)
    assert path.isascii()
    assert "//" not in path
    route, found = routed(text).match(unquote(path), "GET")
    assert (route.rule.text, found) == (text, values)


@settings(deadline=None, max_examples=200, database=None)
@given(st.text(st.sampled_from("/_ab07.me%<>é\x00"), max_size=12))
def test_any_path_is_matched_or_refused(path: str) -> None:
    router = routed("/", "/a", "/a/<int:i>", "/a/<float:f>/b", "/b/<s>/", "/b/<s>/<path>")
    try:
        route, values = router.match(f"/{path}", "GET")
    except (HTTPError, Redirect):
        return
    assert set(values) == set(route.rule.names)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "007", 7), ("int", "me", "me"), ("int", "", MISS), ("int", "-1", MISS), ("int", "²", MISS),
        ("int", "1" * 18, int("1" * 18)), ("int", "1" * 19, MISS), ("float", "7", 7.0), ("float", "7.25", 7.25),
        ("float", "nan", MISS), ("float", "7.", MISS), ("float", "7\n", MISS), ("string", "a_b", "a b"),
        ("string", "", MISS), ("path", "a_b/c", "a_b/c"), ("path", "", MISS),
    ],
)  # fmt: skip
def test_readers(kind: str, text: str, value: object) -> None:
    found = READERS[kind](text)
    assert found is value or found == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", -1), ("int", "x"), ("int", None), ("float", "nan"), ("string", ""), ("string", "a/b"), ("string", "."),
        ("string", ".."), ("string", "a\\b"), ("string", "a\x00"), ("string", "\ud800"), ("path", ""),
        ("path", "a/../b"), ("path", "./a"), ("path", "a\r\nb"),
    ],
)  # fmt: skip
def test_values_that_no_url_can_carry(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"cannot stand for <{kind}:name>"):
        Segment("name", kind).write(value)


def test_what_a_rule_says_of_itself() -> None:
    rule = Rule("/user/<int:id>/pat/<name>")
    assert (rule.names, rule.tail, rule.base) == (("id", "name"), "name", "/user/")
    assert rule.without_tail() is not None
    assert repr(rule) == "Rule('/user/<int:id>/pat/<name>')"
    assert (Rule("").build({}), Rule("").tail, Rule("").without_tail()) == ("", None, None)
    assert Rule("/<id>").without_tail() is None
    assert Rule("/x").without_tail() is None
    with pytest.raises(KeyError):
        rule.build({"id": 7})


@pytest.mark.parametrize("text", ["x", "/<", "/<>", "/<1a>", "/<int:>", "/<INT:a>", "/a<b>", "/<a>/<a>", "/<path>/x"])
def test_rules_that_cannot_be_read(text: str) -> None:
    with pytest.raises(RouteError, match="rule"):
        Rule(text)
