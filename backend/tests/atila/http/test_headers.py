"""Header fields: any case, several of a name, none that breaks the message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila.http.headers import Headers, accepts, check_field, parse_content_type
from atila.http.request import Request
from atila.http.response import Response


def test_names_are_of_any_case_and_keep_their_order() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert (headers["a"], headers.get("B"), headers.get("c"), headers.get("c", "4")) == ("1", "2", None, "4")
    assert headers.get_all("A") == ["1", "3"]
    assert (list(headers), len(headers), "B" in headers, "c" in headers) == (["a", "b"], 2, True, False)
    assert repr(headers) == "Headers([('a', '1'), ('b', '2'), ('a', '3')])"
    with pytest.raises(KeyError):
        headers["c"]


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_field_that_passes_is_one_line_of_latin_1(name: str, value: str) -> None:
    try:
        check_field(name, value)
    except ValueError:
        return
    line = f"{name}: {value}"
    assert len(line.encode("latin-1").splitlines()) == 1
    assert "\x00" not in line


@given(st.lists(st.tuples(st.sampled_from(["a", "B", "c"]), st.from_regex(r"[ -~]{0,10}", fullmatch=True))))
def test_setting_replaces_and_adding_adds(fields: list[tuple[str, str]]) -> None:
    response = Response()
    for name, value in fields:
        response.set_header(name, value)
    assert dict(response.get_headers()) == {name.lower(): value for name, value in fields}
    assert len(response.get_headers()) == len({name.lower() for name, _ in fields})
    response.add_header("A", "more")
    assert response.get_headers()[-1] == ("a", "more")


@pytest.mark.parametrize(("text", "kind", "parameters"), [
    ("text/html; charset=utf-8", "text/html", {"charset": "utf-8"}), ("TEXT/HTML", "text/html", {}), ("", "", {}),
    ('multipart/form-data; boundary="a;b\\"c"', "multipart/form-data", {"boundary": 'a;b"c'}),
    ("a/b;x=1;X=2", "a/b", {"x": "2"}), ("a/b; =; x", "a/b", {}),
])  # fmt: skip
def test_a_content_type_and_its_parameters(text: str, kind: str, parameters: dict[str, str]) -> None:
    assert parse_content_type(text) == (kind, parameters)


@given(st.text(max_size=100))
def test_no_content_type_and_no_accept_breaks_the_readers(text: str) -> None:
    parse_content_type(text)
    assert isinstance(accepts(text, "text/html"), bool)


def test_vary_names_each_field_once() -> None:
    response = Response()
    for name in ("Accept", "origin", "accept"):
        response.vary(name)
    assert response.get_header("vary") == "Accept, origin"
    star = Response(headers=[("vary", "*")])
    star.vary("accept")
    assert star.get_header("vary") == "*"


@pytest.mark.parametrize(("lines", "address"), [
    (["1.1.1.1"], "1.1.1.1"), (["6.6.6.6, 1.1.1.1"], "1.1.1.1"), (["6.6.6.6", "1.1.1.1"], "1.1.1.1"), ([], "9.9.9.9"),
    ([""], "9.9.9.9"), (["6.6.6.6, "], "9.9.9.9"),
])  # fmt: skip
def test_a_forged_forwarding_line_does_not_count(lines: list[str], address: str) -> None:
    source = Headers([("X-Forwarded-For", line) for line in lines])
    assert Request("GET", "/", "", source, peer="9.9.9.9", forwarded=True).get_remote_addr() == address
    assert Request("GET", "/", "", source, peer="9.9.9.9").get_remote_addr() == "9.9.9.9"


def test_a_longer_name_is_another_type() -> None:
    assert not accepts("text/htmlx, application/text/html", "text/html")
