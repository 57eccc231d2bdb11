"""From what a call gives by place or by name to a handler's parameters."""

from __future__ import annotations

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
