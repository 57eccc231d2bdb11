"""The cookies of a test's client."""

from __future__ import annotations

import pytest

from atila.testing.jar import Jar


def jar_of(*fields: str) -> Jar:
    jar = Jar()
    for field in fields:
        jar.keep(field)
    return jar


@pytest.mark.parametrize(("field", "path", "tls", "header"), [
    ("a=1", "/", False, "a=1"), ("a=1; Path=/x", "/", False, ""), ("a=1; Path=/x", "/x", False, "a=1"),
    ("a=1; Path=/x", "/x/y", False, "a=1"), ("a=1; Path=/x", "/xy", False, ""), ("a=1; path=/x/", "/x/y", False, "a=1"),
    ("a=1; path=/x/", "/x", False, ""), ("a=1; Secure", "/", False, ""), ("a=1; secure", "/", True, "a=1"),
    ("a=1; Max-Age=0", "/", False, ""), ("a=1; Max-Age=-1", "/", False, ""),
    ("a=1; Max-Age=60; HttpOnly", "/", False, "a=1"),
    ("a=b=c", "/", False, "a=b=c"), ("a=", "/", False, "a="),
])  # fmt: skip
def test_a_cookie_is_sent_where_it_belongs(field: str, path: str, tls: bool, header: str) -> None:
    assert jar_of(field).header(path, tls) == header


def test_a_later_cookie_replaces_one_of_its_name_and_path() -> None:
    jar = jar_of("a=1", "a=2; Path=/x", "a=3")
    assert jar.header("/x", tls=False) == "a=2; a=3"  # the longer path first
    assert (jar["a"], len(jar), list(jar)) == ("3", 1, ["a"])
    jar.keep("a=; Path=/x; Max-Age=0")
    assert jar.header("/x", tls=False) == "a=3"


def test_it_reads_like_a_dictionary() -> None:
    jar = jar_of("a=1; Path=/x", "b=2")
    jar["c"] = "3"
    assert dict(jar) == {"a": "1", "b": "2", "c": "3"}
    assert repr(jar) == "Jar({'a': '1', 'b': '2', 'c': '3'})"
    assert ("a" in jar, "d" in jar, jar.get("d")) == (True, False, None)
    del jar["a"]
    assert dict(jar) == {"b": "2", "c": "3"}
    for missing in ("a", "d"):
        with pytest.raises(KeyError, match=missing):
            del jar[missing]
        with pytest.raises(KeyError, match=missing):
            jar[missing]
    jar.clear()
    assert len(jar) == 0
