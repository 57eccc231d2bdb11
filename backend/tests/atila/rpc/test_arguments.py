"""From what a call gives by place or by name to a handler's parameters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from atila import Atila, HTTPError, Was
from atila.rpc.arguments import name_arguments
from atila.rpc.methods import Call, Methods


class Photo(msgspec.Struct):
    """A picture with a title."""

    title: str
    size: int = 0


def methods() -> Methods:
    """Methods of several shapes."""
    app = Atila("tests")
    app.route("/add")(lambda was, a, b=1: a + b)
    app.route("/open")(lambda was, a, **more: more)
    app.route("/all")(lambda was, **more: more)
    app.route("/one")(lambda was, struct: struct)

    @app.route("/typed")
    def typed(was: Was, options: dict[str, int], b: int = 1) -> None: ...

    @app.route("/save")
    def save(was: Was, photo: Photo, owner: str = "me") -> None: ...

    app.route("/photo/<int:number>")(lambda was, number: number)
    app.route("/tag/<name>")(lambda was, name: name)
    app.route("/file/<path:path>")(lambda was, path: path)
    app.route("/scale/<float:by>")(lambda was, by: by)
    app.route("/more/<int:number>")(lambda was, **more: more)

    @app.route("/day/<when>")
    def day(was: Was, when: datetime) -> None: ...

    app.build()
    return Methods(app.router, lambda route: None)


METHODS = methods()


def named(method: str, arguments: Any, *, nameable: bool = True) -> dict[str, Any]:
    return name_arguments(METHODS.find("", method), Call(method, arguments, nameable))


@pytest.mark.row("12.15")
@pytest.mark.parametrize(
    ("method", "arguments", "expected"),
    [
        ("add", [1, 2], {"a": 1, "b": 2}),
        ("add", [1], {"a": 1}),
        ("add", [], {}),
        ("add", {"b": 2, "a": 1}, {"b": 2, "a": 1}),
        ("open", [1], {"a": 1}),
        ("open", [1, {"x": 2}], {"a": 1, "x": 2}),
        ("all", [{"x": 2}], {"x": 2}),
        ("all", [], {}),
        # a struct alone: by name where it names what is required and nothing else, and nothing says it is an argument
        ("add", [{"a": 1}], {"a": 1}),
        ("add", [{"b": 1}], {"a": {"b": 1}}),
        ("add", [{"a": 1, "c": 2}], {"a": {"a": 1, "c": 2}}),
        ("one", [{"a": 1}], {"struct": {"a": 1}}),
        ("one", [{"struct": 1}], {"struct": 1}),
        ("typed", [{"options": {}}], {"options": {"options": {}}}),
        # a record takes the fields that are no other arguments
        ("save", {"title": "Sea", "owner": "you"}, {"owner": "you", "photo": {"title": "Sea"}}),
        ("save", {"photo": {"title": "Sea"}}, {"photo": {"title": "Sea"}}),
        ("save", [{"title": "Sea"}], {"photo": {"title": "Sea"}}),
    ],
)
def test_what_a_call_gives(method: str, arguments: Any, expected: dict[str, Any]) -> None:
    assert named(method, arguments) == expected


def test_by_name_only_where_the_protocol_lacks_names() -> None:
    assert named("add", [{"a": 1}], nameable=False) == {"a": {"a": 1}}


@pytest.mark.row("12.18")
@pytest.mark.parametrize(
    ("method", "arguments", "reason"),
    [
        ("add", [1, 2, 3], "add takes 2 arguments, not 3"),
        ("one", [1, {}], "one takes 1 argument, not 2"),
        ("open", [1, 2], "open takes 1 argument, not 2"),
        ("open", [1, {"x": 2}, 3], "open takes 1 argument, not 3"),
        ("open", [1, {"a": 2}], "open is given `a` twice"),
    ],
)
def test_what_does_not_fit(method: str, arguments: list[Any], reason: str) -> None:
    with pytest.raises(HTTPError, match=reason) as caught:
        named(method, arguments)
    assert (caught.value.status.code, caught.value.code) == (400, 40050)


MOMENT = datetime(2026, 1, 31)  # noqa: DTZ001 - XML-RPC has no zones


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        ("photo", 7, 7),
        ("photo", "7", 7),
        ("photo", "me", "me"),
        ("photo", None, None),
        ("tag", "a_b", "a_b"),
        ("tag", 7, 7),
        ("file", "a/b.txt", "a/b.txt"),
        ("scale", 2, 2.0),
        ("day", "2026-01-31T00:00:00", "2026-01-31T00:00:00"),
        ("day", MOMENT, MOMENT),  # which the hint takes
    ],
)
def test_parameters_of_a_path(method: str, given: Any, expected: Any) -> None:
    (value,) = named(method, [given]).values()
    assert (value, type(value)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("method", "given"),
    [
        *(("photo", value) for value in (-7, 10**18, "all", 1.5, True, [7], {"$gt": 0}, b"7", "")),
        *(("tag", value) for value in ({"$gt": ""}, ["a"], True, "", "a/b", "..", "a\nb", "a\0")),
        *(("file", value) for value in ("../../etc/passwd", "a/../b", "a\\b", "a\0", {"a": 1}, "")),
        *(("scale", value) for value in (-1.0, "1e3", [1.0])),
        *(("day", value) for value in ("", "../x")),
    ],
)
def test_what_no_path_has_no_handler_gets(method: str, given: Any) -> None:
    with pytest.raises(HTTPError, match="parameter") as caught:
        named(method, [given])
    assert (caught.value.status.code, caught.value.code) == (400, 40050)


def test_keywords_take_what_the_path_may_have_too() -> None:
    assert named("more", {"number": "7", "x": [1]}) == {"number": 7, "x": [1]}
    with pytest.raises(HTTPError, match="`number`"):
        named("more", {"number": {"$gt": 0}})
