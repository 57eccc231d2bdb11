"""Bodies: query strings, forms and JSON, read strictly."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atila.errors import HTTPError
from atila.http.body import FormLimits, collect, parse_json, parse_multipart, parse_query
from atila.testing.forms import encode_multipart

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=150, database=None)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
def test_a_query_string_reads_as_what_was_written(pairs: list[tuple[str, str]]) -> None:
    assert parse_query(urlencode(pairs)) == collect(pairs)
    assert parse_query(urlencode(pairs, quote_via=quote)) == collect(pairs)


@settings(deadline=None, max_examples=150, database=None)
@given(st.text(st.sampled_from("ab=&;1é%+2"), max_size=20))
def test_the_short_way_and_the_long_way_agree(text: str) -> None:
    try:
        found = parse_query(text)
    except HTTPError:  # an escape that is no UTF-8
        assert "%" in text
        return
    assert found == collect(parse_qsl(text, keep_blank_values=True))


def test_too_many_fields_are_400() -> None:
    for text in ("a=1&" * 11, "%61=1&" * 11):
        assert len(parse_query(text[:-1], 11)) == 1
        with pytest.raises(HTTPError, match="more than 10 fields"):
            parse_query(text[:-1], 10)


@settings(deadline=None, max_examples=200, database=None)
@given(JSON, st.sampled_from([None, 2]), st.booleans())
def test_json_reads_as_what_was_written(value: Any, indent: int | None, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()) == value


def write(value: Any, pairs: Any) -> str:
    """Write JSON; a dict's `pairs` may repeat its keys."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{write(item, pairs)}" for name, item in pairs(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write(item, pairs) for item in value) + "]"
    return json.dumps(value)


@settings(deadline=None, max_examples=150, database=None)
@given(JSON)
def test_a_key_that_is_there_twice_is_always_found(value: Any) -> None:
    once = write(value, lambda item: list(item.items()))
    twice = write(value, lambda item: [*item.items(), *list(item.items())[:1]])
    assert parse_json(once.encode()) == value
    if twice != once:
        with pytest.raises(HTTPError, match="twice in one object"):
            parse_json(twice.encode())


@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")])
def test_the_depth_of_json_has_a_limit(opened: str, closed: str) -> None:
    def nested(levels: int) -> bytes:
        return (opened * levels + "1" + closed * levels).encode()

    assert parse_json(nested(5), 5)
    with pytest.raises(HTTPError, match="deeper than 5 levels"):
        parse_json(nested(6), 5)
    assert parse_json(b'["[[[[[[[[[["]', 2)
    assert parse_json(b"[[],[],[],[],[],[]]", 2)


def test_large_numbers_are_taken_without_a_second_look_at_keys() -> None:
    text = b'{"a": {"n": 123456789012345678901234567890}}'
    assert parse_json(text) == {"a": {"n": 123456789012345678901234567890}}
    with pytest.raises(HTTPError, match="twice"):
        parse_json(text[:-2] + b', "n": 1}}')


@settings(deadline=None, max_examples=60, database=None)
@given(
    st.dictionaries(TEXT.filter(lambda name: name and name.isprintable() and '"' not in name), TEXT, max_size=4),
    st.binary(max_size=100),
)
def test_a_multipart_form_reads_as_what_was_written(fields: dict[str, str], content: bytes) -> None:
    body, kind = encode_multipart(fields, {"the file": ("a.bin", content)})
    found = parse_multipart(body, kind.partition("boundary=")[2], FormLimits())
    file = found.pop("the file")
    assert found == fields
    assert (file.read(), file.name, file.size) == (content, "a.bin", len(content))
    file.close()


@settings(deadline=None, max_examples=60, database=None)
@given(st.data())
def test_a_cut_off_form_is_never_taken_for_a_whole_one(data: st.DataObject) -> None:
    body, kind = encode_multipart({"a": "1"}, {"f": ("a.txt", b"abc")})
    cut = data.draw(st.integers(0, len(body) - 5))  # the last two bytes are a line break that may be missing
    with pytest.raises(HTTPError):
        parse_multipart(body[:cut], kind.partition("boundary=")[2], FormLimits())


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "nonsense"])
def test_a_charset_that_no_form_has_is_refused(charset: str) -> None:
    head = f'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset={charset}'
    body = f"--x\r\n{head}\r\n\r\nhi\r\n--x--\r\n".encode()
    with pytest.raises(HTTPError, match="malformed"):
        parse_multipart(body, "x", FormLimits())


def test_numbers_of_any_size_are_read_and_keys_beside_them_still_counted() -> None:
    huge = 123456789012345678901234567890
    assert parse_json(f'[{{"a": {huge}}}]'.encode()) == [{"a": huge}]
    with pytest.raises(HTTPError, match="twice"):
        parse_json(f'[{{"a": {huge}, "a": 1}}]'.encode())
