"""Sharing across origins: what counts as a question of a browser."""

from __future__ import annotations

import pytest

from atila.http.cors import is_preflight
from atila.http.headers import Headers
from atila.http.request import Request

ASKED = [("origin", "https://a.example"), ("access-control-request-method", "PUT")]


@pytest.mark.parametrize(
    ("method", "fields", "expected"),
    [("OPTIONS", ASKED, True), ("GET", ASKED, False), ("OPTIONS", ASKED[:1], False), ("OPTIONS", ASKED[1:], False)],
)
def test_a_preflight_has_a_method_and_two_fields(method: str, fields: list[tuple[str, str]], expected: bool) -> None:
    assert is_preflight(Request(method, "/", "", Headers(fields))) is expected
