"""Who is asking: roles, tokens, and whose things may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from app.identity import Actor, Role
from atila.errors import HTTPError


@pytest.mark.parametrize(
    "claims", [{}, {"err": "token expired"}, {"uid": "1", "role": "user"}, {"uid": 1}, {"uid": 1, "role": "root"}]
)
def test_a_token_without_a_user_is_nobody(claims: dict[str, Any]) -> None:
    with pytest.raises(HTTPError) as refusal:
        Actor.from_claims(claims)
    assert refusal.value.status.code == 401
    assert refusal.value.headers == [("www-authenticate", 'Bearer realm="App"')]


@pytest.mark.parametrize(
    ("role", "wanted", "passes"),
    [
        ("user", [], True),
        ("user", ["user"], True),
        ("user", ["staff"], False),
        ("staff", ["staff"], True),
        ("staff", ["admin"], False),
        ("staff", ["admin", "staff"], True),
        ("admin", ["user"], True),
    ],
)
def test_a_role_may_what_those_below_it_may(role: Role, wanted: list[str], passes: bool) -> None:
    actor = Actor(1, role)
    if passes:
        actor.require(wanted)
        return
    with pytest.raises(HTTPError, match="403"):
        actor.require(wanted)


def test_me_and_the_own_number_are_the_same() -> None:
    actor = Actor(7, "user")
    assert actor.acting_for("me") == actor.acting_for(7) == actor.acting_for("7") == 7
    assert Actor(7, "staff").acting_for(8) == 8
