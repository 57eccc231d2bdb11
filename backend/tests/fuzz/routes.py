"""Rules, paths and the parameters in them."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from enum import Enum
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec

from atila.errors import HTTPError, RouteError
from atila.http.uploads import Upload
from atila.params.types import converter_for
from atila.routing.router import Redirect, Router
from atila.routing.rule import Rule
from tests.fuzz.fields import lines
from tests.fuzz.outcome import outcome


def _page(was: object, **parameters: object) -> None:
    """A handler that takes everything."""


def _router(*rules: str) -> Router:
    router = Router()
    for rule in rules:
        router.route(rule)(_page)
    return router


_ROUTER = _router(
    "", "/", "/photos", "/photos/", "/photos/<int:id>", "/photos/<id>", "/photos/<float:size>/<name>",
    "/users/<int:uid>/", "/users/<int:uid>/photos/<int:id>", "/files/<path:rest>", "/<first>/<second>/<third>", "/é/ü",
)  # fmt: skip


def rule(data: bytes) -> None:
    """A rule that can be read builds paths that it matches itself."""
    text, *values = lines(data, 4)
    try:
        read = Rule(text)
    except RouteError:
        return
    try:
        built = read.build(dict(zip(read.names, values, strict=False)))
    except (KeyError, ValueError):
        return
    if built and "%" not in text and len(read.names) == text.count("<"):
        _built_again(_router(text), built)


def path(data: bytes) -> None:
    """A path matches, or is 404 or 405; the path of its route and parameters leads to both again."""
    text = unquote(data.decode("latin-1"), errors="replace")
    try:
        outcome(_ROUTER.match, text, "GET")
    except Redirect:
        assert not text.endswith("/")
        return
    try:
        route, parameters = _ROUTER.match(text, "GET")
        built = route.rule.build(parameters)
    except (HTTPError, ValueError):  # no route, or a text that adapters refuse before
        return
    assert _ROUTER.match(unquote(built), "GET") == (route, parameters)


def _built_again(router: Router, built: str) -> None:
    route, parameters = router.match(unquote(built), "GET")
    again = route.rule.build(parameters)
    assert router.match(unquote(again), "GET") == (route, parameters)


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Point(msgspec.Struct):
    """A record."""

    x: int
    y: float = 0.0


_HINTS: dict[str, Any] = {
    "an int": int, "a float": float, "a bool": bool, "text": str, "maybe": int | None, "either": int | str,
    "ints": list[int], "words": set[str], "pair": tuple[int, str], "day": dt.date, "moment": dt.datetime,
    "span": dt.timedelta, "uuid": uuid.UUID, "bytes": bytes, "choice": Literal["a", "b", 3], "colour": Colour,
    "point": Point, "points": list[Point], "map": dict[str, int], "file": Upload, "files": list[Upload],
    "small": Annotated[int, msgspec.Meta(ge=0, le=9)],
    "short": Annotated[str, msgspec.Meta(max_length=3, pattern="^a")],
}  # fmt: skip
_CONVERTERS = {name: converter_for("value", hint) for name, hint in _HINTS.items()}


def parameter(data: bytes) -> None:
    """Every converter takes every text and every JSON value, or says in a ValueError why not."""
    text = data.decode("latin-1")
    values: list[Any] = [text, text.split(",")]
    with contextlib.suppress(ValueError, RecursionError):
        values.append(msgspec.json.decode(data))
    for name, convert in _CONVERTERS.items():
        for value in values:
            for strict in (False, True):
                try:
                    converted = convert(value, strict)
                except ValueError as error:
                    assert "parameter `value" in str(error)  # noqa: PT017 - the reason is what the client reads
                    continue
                if name in ("an int", "uuid", "day", "a bool"):
                    assert convert(str(converted), False) == converted
