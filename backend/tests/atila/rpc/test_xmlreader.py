"""Reading XML-RPC calls: nothing is expanded or fetched, limits hold, and the short way reads what the parser reads."""

from __future__ import annotations

import time
import xmlrpc.client as rpc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila import HTTPError
from atila.rpc import xmlreader
from atila.rpc.xmlreader import read_call

CALL = "<methodCall><methodName>echo</methodName><params><param><value>{}</value></param></params></methodCall>"


def read(value: str, depth: int = 64) -> Any:
    (argument,) = read_call(CALL.format(value).encode(), depth).arguments
    return argument


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
ATTACKS = {
    "billion laughs": f'<!DOCTYPE l [<!ENTITY l0 "ha">{LAUGHS}]>' + CALL.format("&l19;"),
    "quadratic blow-up": f'<!DOCTYPE l [<!ENTITY a "{"x" * 50_000}">]>' + CALL.format("&a;" * 1000),
    "a file": '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + CALL.format("&a;"),
    "an address": '<!DOCTYPE l [<!ENTITY a SYSTEM "http://127.0.0.1:9/">]>' + CALL.format("&a;"),
    "a parameter entity": '<!DOCTYPE l [<!ENTITY % p SYSTEM "http://127.0.0.1:9/d"> %p;]>' + CALL.format("1"),
    "an external DTD": '<!DOCTYPE methodCall SYSTEM "http://127.0.0.1:9/d.dtd">' + CALL.format("1"),
    "a public DTD": '<!DOCTYPE methodCall PUBLIC "-//x//y" "http://127.0.0.1:9/d.dtd">' + CALL.format("1"),
    "an empty DTD": "<!DOCTYPE methodCall []>" + CALL.format("1"),
    "an attribute's default": '<!DOCTYPE l [<!ATTLIST value a CDATA "1">]>' + CALL.format("1"),
    "a notation": '<!DOCTYPE l [<!NOTATION n SYSTEM "x">]>' + CALL.format("1"),
}


@pytest.mark.row("12.18")
@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "cp037"])
def test_document_types_are_refused_before_anything_is_made_of_them(name: str, charset: str) -> None:
    """In whatever encoding: the parser sees the declaration, no search for its letters does."""
    text = f"<?xml version='1.0' encoding='{charset}'?>"
    body = (
        (text + ATTACKS[name]).encode(charset) if charset != "cp037" else text.encode() + ATTACKS[name].encode(charset)
    )
    started = time.perf_counter()
    with pytest.raises(HTTPError) as caught:
        read_call(body)
    assert caught.value.status.code == 400
    assert time.perf_counter() - started < 1
    if charset in ("utf-8", "utf-16"):
        assert "refused" in str(caught.value)


def test_a_files_content_never_comes_back(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    body = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + CALL.format("&x;")
    with pytest.raises(HTTPError) as caught:
        read_call(body.encode())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("text", ["&unknown;", "&#0;", "&#x1f;", "&#xFFFE;", "&", "\x00", "\x0b", "]]>"])
def test_what_xml_does_not_allow_is_malformed(text: str) -> None:
    for value in (text, f"<string>{text}</string>"):
        with pytest.raises(HTTPError, match="malformed"):
            read(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&lt;&gt;&amp;&apos;&quot;", "<>&'\""),
        ("&#65;&#x1F600;", "A\U0001f600"),
        ("<![CDATA[<b>&amp;</b>]]>", "<b>&amp;</b>"),
        ("a<!-- not this -->b<?nor this?>c", "abc"),
        (" a\r\nb\rc ", " a\nb\nc "),
        ("a&#13;b", "a\rb"),
    ],
)
def test_text_as_xml_writes_it(text: str, expected: str) -> None:
    assert read(text) == expected
    assert read(f"<string>{text}</string>") == expected


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "us-ascii", "windows-1252", "koi8-r"])
def test_the_declared_encoding_counts(charset: str) -> None:
    text = {"us-ascii": "plain", "koi8-r": "Привет"}.get(charset, "é ü")
    body = f'<?xml version="1.0" encoding="{charset}"?>' + CALL.format(text)
    assert read_call(body.encode(charset)).arguments == [text]


@pytest.mark.parametrize("charset", ["utf-7", "idna", "unicode_escape", "rot13", "zlib", "none-such"])
def test_encodings_that_are_none(charset: str) -> None:
    with pytest.raises(HTTPError, match="malformed"):
        read_call(f'<?xml version="1.0" encoding="{charset}"?>{CALL.format("x")}'.encode())


@pytest.mark.row("12.15")
@pytest.mark.parametrize("kind", ["array", "struct"])
def test_depth_is_limited(kind: str) -> None:
    opening, closing = {
        "array": ("<array><data><value>", "</value></data></array>"),
        "struct": ("<struct><member><name>a</name><value>", "</value></member></struct>"),
    }[kind]

    def nested(levels: int) -> str:
        return opening * levels + "<int>1</int>" + closing * levels

    value, levels = read(nested(64)), 0
    while value != 1:
        value, levels = value[0] if kind == "array" else value["a"], levels + 1
    assert levels == 64
    for deep in (65, 50_000):
        with pytest.raises(HTTPError, match="nested too deep"):
            read(nested(deep))
    side_by_side = f"<array><data>{'<value><array><data/></array></value>' * 500}</data></array>"
    assert read(side_by_side, depth=2) == [[]] * 500


@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<int> 7 </int>", 7),
        ("<i4>+7</i4>", 7),
        ("<int>-007</int>", -7),
        ("<i8>9223372036854775807</i8>", 2**63 - 1),
        ("<int>-9223372036854775808</int>", -(2**63)),
        ("<double>-1</double>", -1.0),
        ("<double>.5</double>", 0.5),
        ("<double>1e3</double>", 1000.0),
        ("<ex:nil/>", None),
        ("<boolean> 0 </boolean>", False),
        ("<base64>\n YW\r\n I= </base64>", b"ab"),
        ("<base64/>", b""),
        ("<array/>", []),
        ("<struct/>", {}),
    ],
)
def test_what_clients_write(xml: str, value: object) -> None:
    got = read(xml)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("20260102T03:04:05", "2026-01-02T03:04:05"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        ("20260102T030405", "2026-01-02T03:04:05"),
        ("20260102T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("20260102T03:04:05+0200", "2026-01-02T03:04:05+02:00"),
        ("2026-01-02T03:04:05.250Z", "2026-01-02T03:04:05.250000+00:00"),
    ],
)
def test_moments(text: str, iso: str) -> None:
    assert read(f"<dateTime.iso8601>{text}</dateTime.iso8601>").isoformat() == iso


@pytest.mark.row("12.18")
@pytest.mark.parametrize(
    "xml",
    [
        "<int>9223372036854775808</int>",
        f"<int>{'9' * 100_000}</int>",
        "<int>1_000</int>",
        "<int>٣</int>",
        "<int>1.0</int>",
        "<int/>",
        "<double>nan</double>",
        "<double>inf</double>",
        "<double>1e999</double>",
        "<double>1_0</double>",
        "<boolean>true</boolean>",
        "<base64>YWI</base64>",
        "<base64>YW*I=</base64>",
        "<dateTime.iso8601>20261302T03:04:05</dateTime.iso8601>",
        "<dateTime.iso8601>2026-W01-1T00:00:00</dateTime.iso8601>",
        "<bigdecimal>1</bigdecimal>",
        "<INT>1</INT>",
        "<int>1</int><int>2</int>",
        "<int>1</int><array><data/></array>",
        "<int><b/>1</int>",
        "<struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct>",
        "<struct><member><name>a</name><name>b</name><value>1</value></member></struct>",
        "<struct><member><value>1</value></member></struct>",
        "<struct><member><name>a</name></member></struct>",
        "<array><value>1</value></array>",
        "<value>1</value>",
        "</value></param><param></param><param><value>",
        "</value><value>",
    ],
)
def test_values_that_are_none(xml: str) -> None:
    with pytest.raises(HTTPError, match="malformed"):
        read(xml)


@pytest.mark.parametrize(
    ("name", "fits"), [("a.b_c:d/e-9", True), (" echo\n", True), ("a b", False), ("é", False), ("a<b/>", False)]
)
def test_names_of_methods(name: str, fits: bool) -> None:
    body = CALL.format(1).replace("echo", name).encode()
    if fits:
        assert read_call(body).method == name.strip()
    else:
        with pytest.raises(HTTPError, match="malformed"):
            read_call(body)


# the short way

PIECES = st.sampled_from(
    [
        *("<value>", "</value>", "<int>", "</int>", "<i8>", "</i8>", "<string>", "</string>", "<param>", "</param>"),
        *("<boolean>", "</boolean>", "<double>", "</double>", "<nil/>", "<array>", "<!-- x -->", "<![CDATA[", "]]>"),
        *(
            "<params>",
            "</params>",
            "<methodName>",
            "</methodName>",
            "<methodCall>",
            "</methodCall>",
            "echo",
            "1",
            "-2.5",
        ),
        *(
            "text",
            "&lt;",
            "&x;",
            "é",
            "\u2028",
            "\ufffe",
            "\x0b",
            "\x00",
            "\u00a0",
            "\r",
            "\n",
            "\t",
            " ",
            ">",
            "&",
            "0",
        ),
    ]
)
SCALARS = (
    st.integers(-(2**31), 2**31 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)


def both_ways(body: bytes) -> tuple[Any, Any]:
    """Return what the patterns read, and what the parser does: a call, or None for what it refuses."""
    short = xmlreader._scan(body)
    try:
        return short, xmlreader._parse(body, 64)
    except HTTPError:
        return short, None


@given(st.lists(PIECES, max_size=8).map("".join))
def test_the_short_way_reads_nothing_that_the_parser_reads_otherwise(middle: str) -> None:
    for text in (CALL.format(middle), CALL.format(f"<string>{middle}</string>"), CALL.replace("echo", middle), middle):
        short, parsed = both_ways(text.encode())
        if short is not None:
            assert short == parsed


@given(st.lists(SCALARS, max_size=4))
def test_what_the_standard_library_sends_is_read_the_same_both_ways(values: list[Any]) -> None:
    try:
        body = rpc.dumps(tuple(values), "echo").encode()
    except UnicodeEncodeError:
        return
    short, parsed = both_ways(body)
    assert short is None or short == parsed


def test_most_calls_go_the_short_way() -> None:
    assert xmlreader._scan(rpc.dumps((2, "three", True, 4.5), "math.add").encode()) is not None
    assert xmlreader._scan(rpc.dumps(("a & b",), "echo").encode()) is None
