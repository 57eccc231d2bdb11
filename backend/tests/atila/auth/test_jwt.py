"""Tokens: what was signed comes back, what was not does not."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila.auth.jwt import Tokens
from atila.errors import SettingError

KEY, OTHER = "k" * 40, "o" * 40
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
RESERVED = {"exp", "nbf", "iat", "iss", "err"}
CLAIMS = st.dictionaries(st.text(max_size=10).filter(lambda name: name not in RESERVED), VALUES, max_size=5)


@given(CLAIMS)
def test_claims_come_back_each_time(claims: dict[str, object]) -> None:
    tokens = Tokens.of(KEY)
    token = tokens.encode(claims)
    assert [tokens.decode(token) for _ in range(2)] == [claims, claims]
    assert Tokens.of([OTHER, KEY]).decode(token) == claims
    assert Tokens.of(OTHER).decode(token) == {"err": "invalid token"}


@given(st.data())
def test_one_changed_character_makes_a_token_invalid(data: st.DataObject) -> None:
    tokens = Tokens.of(KEY)
    token = tokens.encode({"level": "user", "exp": int(time.time()) + 60})
    place = data.draw(st.integers(0, len(token) - 2))  # the last one has bits that mean nothing
    letter = data.draw(st.characters(codec="ascii").filter(lambda character: character != token[place]))
    assert tokens.decode(token[:place] + letter + token[place + 1 :]) == {"err": "invalid token"}


@given(st.text(max_size=100))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert "err" in Tokens.of(KEY).decode(text)


def test_the_cache_holds_as_many_as_it_may() -> None:
    tokens = Tokens.of(KEY, cache_size=2)
    made = [tokens.encode({"n": number}) for number in range(5)]
    assert [tokens.decode(token)["n"] for token in made * 2] == [0, 1, 2, 3, 4] * 2
    assert len(tokens._cache) == 2


def test_readers_on_several_threads() -> None:
    tokens = Tokens.of(KEY, cache_size=3)
    made = [tokens.encode({"n": number}) for number in range(6)]
    wrong: list[object] = []

    def read() -> None:
        for _ in range(20):
            wrong.extend(token for number, token in enumerate(made) if tokens.decode(token) != {"n": number})

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_settings_that_cannot_work() -> None:
    with pytest.raises(SettingError, match="securekey"):
        Tokens.of(None).encode({})
    with pytest.raises(SettingError, match="securekey"):
        Tokens.of("").decode("a.b.c")
    with pytest.raises(SettingError, match="no algorithm"):
        Tokens.of(KEY).__class__([KEY], algorithm="none")
    with pytest.raises(ValueError, match="no algorithm"):
        Tokens.of(KEY).encode({}, alg="RS256")
