"""Writing XML-RPC values: as XML that any reader takes, and nothing that it cannot carry."""

from __future__ import annotations

import xmlrpc.client as rpc
from collections import OrderedDict
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila.rpc.xmlwriter import legible, write_value


def back(value: Any) -> Any:
    """Return what the standard library reads."""
    text = f"<methodResponse><params><param>{write_value(value)}</param></params></methodResponse>"
    return rpc.loads(text, use_builtin_types=True)[0][0]


class Size(IntEnum):
    """A number with a name."""

    LARGE = 3


class Named(str):
    """Text of a kind of its own."""

    __slots__ = ()


@pytest.mark.row("12.17", "12.19")
@pytest.mark.parametrize(
    ("value", "xml"),
    [
        (7, "<int>7</int>"),
        (-(2**31), "<int>-2147483648</int>"),
        (2**31, "<i8>2147483648</i8>"),
        (True, "<boolean>1</boolean>"),
        (1.5, "<double>1.5</double>"),
        (1e16, "<double>10000000000000000</double>"),
        (1e-7, "<double>0.0000001</double>"),
        (None, "<nil/>"),
        (b"ab", "<base64>YWI=</base64>"),
        ("a<b>&\r\n", "<string>a&lt;b&gt;&amp;&#13;\n</string>"),
        (datetime(2026, 1, 2, 3, 4, 5, 6), "<dateTime.iso8601>20260102T03:04:05</dateTime.iso8601>"),  # noqa: DTZ001
        (datetime(26, 1, 2), "<dateTime.iso8601>00260102T00:00:00</dateTime.iso8601>"),  # noqa: DTZ001
        (datetime(2026, 1, 2, tzinfo=UTC), "<string>2026-01-02T00:00:00Z</string>"),
        (date(2026, 1, 2), "<string>2026-01-02</string>"),
        (Decimal("1.50"), "<string>1.50</string>"),
        (UUID(int=1), "<string>00000000-0000-0000-0000-000000000001</string>"),
        (Size.LARGE, "<int>3</int>"),
        (Named("x"), "<string>x</string>"),
        (memoryview(b"ab"), "<string>YWI=</string>"),
        (OrderedDict(a=1), "<struct><member><name>a</name><value><int>1</int></value></member></struct>"),
        ([], "<array><data></data></array>"),
        ((), "<array><data></data></array>"),
        ({}, "<struct></struct>"),
        (
            {"a<": 1},
            "<struct><member><name>a&lt;</name><value><int>1</int></value></member></struct>",
        ),
    ],
)
def test_each_type_has_its_element(value: Any, xml: str) -> None:
    assert write_value(value) == f"<value>{xml}</value>"


def test_a_moment_with_a_zone_keeps_it() -> None:
    """dateTime.iso8601 has no zone, so such a moment travels as text; within others too."""
    assert back([{"at": datetime(2026, 1, 2, tzinfo=UTC)}]) == [{"at": "2026-01-02T00:00:00Z"}]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_arrives_as_it_is_or_not_at_all(text: str) -> None:
    shown = legible(text)
    assert back(shown) == shown
    assert back({shown: [shown]}) == {shown: [shown]}
    if shown != text:
        with pytest.raises(TypeError, match="XML has no character"):
            write_value(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_arrive_as_they_are(number: float) -> None:
    assert back(number) == number
    assert "e" not in write_value(number).removeprefix("<value><double>").removesuffix("</double></value>")


@pytest.mark.parametrize(
    "value",
    [float("nan"), 2**63, object(), [object()], {1: {(2, 3): 4}}, range(3), {datetime(2026, 1, 2, tzinfo=UTC): 1}],
)
def test_what_has_no_form(value: Any) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        write_value(value)
