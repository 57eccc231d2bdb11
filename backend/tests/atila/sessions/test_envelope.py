"""Signed cookies: only what we signed, for the purpose it was signed for, opens again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import BadData

from atila.errors import SettingError
from atila.http.cookies import Cookies
from atila.http.response import Response
from atila.sessions.envelope import Carrier, Envelope, Keys, Place, serializer

KEY, OTHER = "k" * 40, "o" * 40
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CONTENT = st.dictionaries(st.text(max_size=10), VALUES, max_size=4)


def sealed(envelope: Envelope, content: dict[str, object]) -> str:
    response = Response()
    envelope.send(response, content, None)
    return (response.get_header("set-cookie") or "").split(";")[0]


def envelope(keys: Keys = KEY, name: str | None = None, kind: str = "atlsess_") -> Envelope:
    return Envelope(kind, name, keys, Place())


@given(CONTENT)
def test_what_was_sealed_opens_again(content: dict[str, object]) -> None:
    cookies = Cookies(sealed(envelope(), content))
    assert envelope().open(cookies) == content
    assert envelope([OTHER, KEY]).open(cookies) == content
    assert envelope(OTHER).open(cookies) is None


@given(CONTENT, st.data())
def test_one_changed_character_closes_it(content: dict[str, object], data: st.DataObject) -> None:
    name, _, value = sealed(envelope(), content).partition("=")
    place = data.draw(st.integers(0, len(value) - 2))
    letter = data.draw(st.sampled_from("ABCabc019-_.").filter(lambda character: character != value[place]))
    assert envelope().open(Cookies(f"{name}={value[:place]}{letter}{value[place + 1 :]}")) is None


def test_a_name_and_a_kind_are_signed_too() -> None:
    _, _, value = sealed(envelope(), {"a": 1}).partition("=")
    assert envelope(name="ADM").open(Cookies(f"atlsess__ADM={value}")) is None
    assert envelope(kind="atlmbox_").open(Cookies(f"atlmbox_={value}")) is None


def test_only_dicts_are_content() -> None:
    value = serializer(KEY, "atlsess_ ").dumps([1])
    assert envelope().open(Cookies(f"atlsess_={value!s}")) is None


def test_host_names_where_the_place_allows() -> None:
    def name(path: str = "/", domain: str | None = None, secure: bool = True) -> str:
        return Envelope("atlsess_", "A", KEY, Place(path, domain, secure)).cookie_name

    assert name() == "__Host-atlsess__A"
    assert name(path="/admin") == name(domain="example.org") == name(secure=False) == "atlsess__A"


def test_a_carriers_own_envelope_lives_on_the_root_and_named_ones_on_the_mount() -> None:
    carrier = Carrier(Cookies(None), KEY, "127.0.0.1", root="/sub", tls=True)
    assert carrier.envelope("atlsess_").place == Place("/", None, True)
    assert carrier.envelope("atlsess_", "A").place == Place("/sub", None, True)
    assert carrier.envelope("atlsess_", "A", path="/x", secure=False).place == Place("/x")
    assert KEY not in repr(carrier)
    assert KEY not in repr(carrier.envelope("atlsess_"))


def test_keys_and_contents_that_cannot_work() -> None:
    for keys in (None, "", [], [KEY, ""]):
        with pytest.raises(SettingError, match="securekey"):
            serializer(keys, "x")
    with pytest.raises(ValueError, match="4096"):
        envelope().send(Response(), {"a": "".join(chr(33 + number * 7919 % 9000) for number in range(4000))}, None)
    with pytest.raises(ValueError, match="text, numbers, lists"):
        envelope().send(Response(), {"a": object()}, None)
    with pytest.raises(BadData):
        serializer(KEY, "one").loads(serializer(KEY, "two").dumps(1))
