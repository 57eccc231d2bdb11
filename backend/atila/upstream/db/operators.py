"""The operators of a filter: `size__gte=10` is a column, an operator and a value to bind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .dialect import Json
from .expressions import Expression, is_query

MANY = (list, tuple, set, frozenset, dict)


@dataclass(frozen=True, slots=True)
class Operator:
    """How an operator reads in SQL, and how its value becomes the values to bind."""

    sql: str  # {column} and {0}, {1} for the sides; {values} for any number of them
    read: Callable[[Any], tuple[Any, ...]]


def escape_like(text: str) -> str:
    """Return a LIKE pattern that matches exactly this text."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def cast_for(operator: str, values: tuple[Any, ...]) -> str:
    """Return how a path of JSON is read so that it can be compared with values. Raises TypeError."""
    if operator in ("holds", "has_key"):
        return "json"
    casts = {_cast_of(value) for value in values} or {"text"}
    if len(casts) > 1:
        raise TypeError("expected values of one kind")
    return casts.pop()


def _cast_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str | Expression) or is_query(value):
        return "text"
    raise TypeError("JSON is compared with text, numbers, True or False")


def _single(value: Any) -> tuple[Any, ...]:
    if isinstance(value, MANY):
        raise TypeError("expected one value; use __in for several")
    return (value,)


def _several(value: Any) -> tuple[Any, ...]:
    if is_query(value):
        return (value,)
    if isinstance(value, str | bytes | dict):
        raise TypeError("expected a list of values")
    return tuple(value)


def _pair(value: Any) -> tuple[Any, ...]:
    pair = (value,) if is_query(value) else _several(value)
    if len(pair) != 2:
        raise ValueError(f"expected a lower and an upper bound, got {len(pair)} values")
    return pair


def _nothing(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, bool | int):
        raise TypeError("expected True or False")
    return ()


def _pattern(value: Any) -> tuple[Any, ...]:
    # A pattern that ends in its escape character is an error to PostgreSQL and matches nothing in SQLite.
    text = _expect_text(value)
    dangling = len(text) - len(text.rstrip("\\"))
    return (text + "\\" * (dangling % 2),)


def _text(value: Any) -> tuple[Any, ...]:
    return (_expect_text(value),)


def _json(value: Any) -> tuple[Any, ...]:
    return (value if isinstance(value, Json) else Json(value),)


def _around(before: str, after: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: (before + escape_like(_expect_text(value)) + after,)


def _expect_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


_LIKE = "{column} LIKE {0} ESCAPE '\\'"
_ILIKE = "{column} ILIKE {0} ESCAPE '\\'"
OPERATORS: Mapping[str, Operator] = {
    "eq": Operator("{column} = {0}", _single),
    "neq": Operator("{column} <> {0}", _single),
    "gt": Operator("{column} > {0}", _single),
    "gte": Operator("{column} >= {0}", _single),
    "lt": Operator("{column} < {0}", _single),
    "lte": Operator("{column} <= {0}", _single),
    "in": Operator("{column} IN ({values})", _several),
    "between": Operator("{column} BETWEEN {0} AND {1}", _pair),
    "contains": Operator(_LIKE, _around("%", "%")),
    "startswith": Operator(_LIKE, _around("", "%")),
    "endswith": Operator(_LIKE, _around("%", "")),
    "icontains": Operator(_ILIKE, _around("%", "%")),
    "istartswith": Operator(_ILIKE, _around("", "%")),
    "iendswith": Operator(_ILIKE, _around("%", "")),
    "like": Operator(_LIKE, _pattern),
    "ilike": Operator(_ILIKE, _pattern),
    "regex": Operator("{column} ~ {0}", _text),
    "isnull": Operator("{column} IS NULL", _nothing),
    "has_key": Operator("{column} ? {0}", _text),
}
# What others become: `isnull=False`, and `contains` of a dictionary or a list.
HIDDEN: Mapping[str, Operator] = {
    "isnotnull": Operator("{column} IS NOT NULL", _nothing),
    "holds": Operator("{column} @> {0}", _json),
}
ALL = {**OPERATORS, **HIDDEN}
