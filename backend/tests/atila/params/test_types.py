"""Converters: from what a client sent to what a hint asks for."""

from __future__ import annotations

import math
import threading
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atila import RouteError, Upload
from atila.params.types import alternatives, converter_for, is_upload


@settings(deadline=None, max_examples=200, database=None)
@given(st.text(max_size=20) | st.integers().map(str) | st.floats().map(str))
def test_text_becomes_the_number_it_reads_as_or_is_refused(text: str) -> None:
    for hint in (int, float):
        try:
            value = converter_for("n", hint)(text, False)
        except ValueError:
            continue
        assert type(value) is hint
        assert math.isfinite(value)
        assert float(text) == float(value)


@settings(deadline=None, max_examples=100, database=None)
@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers()))
def test_json_values_keep_their_type(value: Any) -> None:
    for hint in (int, float, bool, str, list[int], str | None):
        try:
            found = converter_for("n", hint)(value, True)
        except ValueError:
            continue
        assert found == value


@pytest.mark.parametrize(
    ("hint", "value", "strict", "result"),
    [
        (int, "5", False, 5), (int | None, "5", False, 5), (bool, "true", False, True), (bool, "0", False, False),
        (list[int], "5", False, [5]), (list[int], ["5", "6"], False, [5, 6]), (tuple[str, ...], "a", False, ("a",)),
        (set[str], ["a", "a"], False, {"a"}), (Literal["a", "b"], "b", True, "b"), (float, 5, True, 5.0),
        (UUID, "12345678123456781234567812345678", False, UUID(int=0x12345678123456781234567812345678)),
        (Annotated[str, msgspec.Meta(max_length=2)], "ab", True, "ab"), (str, "", False, ""),
    ],
)  # fmt: skip
def test_conversions(hint: Any, value: object, strict: bool, result: object) -> None:
    assert converter_for("n", hint)(value, strict) == result


@pytest.mark.parametrize(
    ("hint", "value", "strict", "said"),
    [
        (int, "5", True, "parameter `n` should be an integer"),
        (int, "x", False, "parameter `n` should be an integer"),
        (float, "inf", False, "parameter `n` should be a number"),
        (float | None, "nan", False, "parameter `n` should be a number"),
        (bool, "maybe", False, "parameter `n` should be true or false"),
        (str, 5, True, "parameter `n` should be text"),
        (str, ["a", "b"], False, "parameter `n` should be text"),
        (list[int], ["5", "x"], False, "parameter `n[1]` is invalid: expected `int`, got `str`"),
        (Annotated[int, msgspec.Meta(ge=1)], "0", False, "parameter `n` is invalid: expected `int` >= 1"),
        (Literal["a"], "b", True, "parameter `n` is invalid: invalid enum value 'b'"),
    ],
)
def test_refusals(hint: Any, value: object, strict: bool, said: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is compared below
        converter_for("n", hint)(value, strict)
    assert str(refused.value) == said


def test_a_hint_that_nothing_sent_can_become() -> None:
    with pytest.raises(RouteError, match=r"argument n: .* cannot be read from a request"):
        converter_for("n", threading.Event)


def test_uploads_are_known_by_their_hint() -> None:
    assert is_upload(Upload)
    assert is_upload(list[Upload])
    assert is_upload(Upload | None)
    assert not is_upload(str)
    assert alternatives(Annotated[int | None, "x"]) == (int, type(None))
