"""Guards: what a refusal becomes on each protocol."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from atila import Atila
from atila.auth.guards import refuse
from atila.auth.schemes import User, quoted
from atila.errors import HTTPError
from atila.http.markup import Html
from atila.http.request import Request, Wire


def asking(wire: Wire, scheme: str | None = None) -> Any:
    """What `refuse` sees of a was."""
    app = Atila("tests")
    request = Request("GET", "/", wire=wire)
    request.route = SimpleNamespace(scheme=app.guards.schemes[scheme] if scheme else None)
    return SimpleNamespace(app=app, request=request)


@pytest.mark.parametrize("scheme", ["basic", "digest", "bearer", None])
def test_a_refusal_challenges_by_the_routes_scheme(scheme: str | None) -> None:
    with pytest.raises(HTTPError, match="401") as caught:
        refuse(asking("http", scheme), "no")
    assert all(name == "www-authenticate" for name, _ in caught.value.headers)
    assert all(value.lower().startswith(scheme or "bearer") for _, value in caught.value.headers)


@pytest.mark.row("10.23")
@pytest.mark.parametrize("scheme", ["basic", "digest", "bearer", None])
def test_a_websocket_is_refused_without_a_challenge(scheme: str | None) -> None:
    with pytest.raises(HTTPError, match="401") as caught:
        refuse(asking("websocket", scheme), "no")
    assert caught.value.headers == []


@pytest.mark.parametrize("outcome", [5, Html("<p>sign in</p>"), {"a": 1}])
def test_anything_but_text_is_the_answer(outcome: object) -> None:
    assert refuse(asking("http"), outcome) is outcome


def test_the_nearest_word_on_a_scheme_counts() -> None:
    guards = Atila("tests").guards
    schemes = guards.schemes
    assert guards.scheme_for((None, "basic", "digest"), "bearer") is schemes["basic"]
    assert guards.scheme_for((None, False, "digest"), "bearer") is None
    assert guards.scheme_for((None, None, True), "bearer") is schemes["bearer"]
    assert guards.scheme_for((None, None, False), "bearer") is None


def test_quoted_strings_stay_in_one_line() -> None:
    assert quoted('a"b\\c\r\nd\u00e9\x00') == '"a\\"b\\\\cd"'
    assert str(User("hans")) == "hans"
