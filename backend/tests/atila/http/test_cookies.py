"""Cookies: what is set comes back, and nothing breaks a header field."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from atila.http.cookies import Cookies, SetCookie, parse_cookies
from atila.http.headers import check_field

NAMES = st.from_regex(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True).filter(
    lambda name: not name.startswith("__")
)


@given(NAMES, st.text(max_size=200))
def test_any_value_comes_back(name: str, value: str) -> None:
    field = SetCookie(name, value).render() if value.isprintable() or value else f"{name}="
    check_field("set-cookie", field)
    assert parse_cookies(field.split(";")[0]) == {name: value}


@given(st.text(max_size=300))
def test_no_header_breaks_the_reader(header: str) -> None:
    cookies = Cookies(header)
    for name, value in cookies.items():
        assert name
        assert isinstance(value, str)
    assert len(list(cookies)) == len(cookies)


def test_quotes_and_their_escapes_are_taken_off() -> None:
    assert parse_cookies(r'a="b c"; d="\"x\\y\054"; e="; f=""') == {"a": "b c", "d": '"x\\y,', "e": '"', "f": ""}


def test_the_first_of_a_name_counts() -> None:
    assert parse_cookies("a=1; a=2") == {"a": "1"}


def test_without_a_header_there_are_none() -> None:
    assert dict(Cookies(None).items()) == {}
