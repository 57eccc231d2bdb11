"""The operators of a filter: `size__gte=10` is a column, an operator and a value to bind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from .dialect import check_identifier


@dataclass(frozen=True, slots=True)
class Operator:
    """How an operator reads in SQL, and how its value becomes the values to bind."""

    sql: str  # {column} and one {value} for each value; {values} for any number of them
    read: Callable[[Any], tuple[Any, ...]]


class Term(NamedTuple):
    """One comparison without its values; equal terms give equal SQL."""

    column: str
    operator: str
    size: int  # values to bind


def read_conditions(conditions: dict[str, Any]) -> tuple[tuple[Term, ...], tuple[Any, ...]]:
    """Read `filter`'s keywords into terms and the values they bind; what is compared with None is left out.

    Raises ValueError for an unknown operator, a bad column, or a value that the operator cannot take.
    """
    terms: list[Term] = []
    values: list[Any] = []
    for key, value in conditions.items():
        column, name = parse_key(key)
        if value is None:
            continue
        if name == "isnull":
            name = "isnull" if value else "isnotnull"
        try:
            read = OPERATORS[name].read(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{key} cannot take {type(value).__name__}: {error}") from error
        terms.append(Term(column, name, len(read)))
        values.extend(read)
    return tuple(terms), tuple(values)


@lru_cache(maxsize=2048)
def parse_key(key: str) -> tuple[str, str]:
    """Return column and operator of 'title', 'size__gte' or 'photos.size__gte'. Raises ValueError, naming the part."""
    column, separator, name = key.rpartition("__")
    if not separator:
        column, name = key, "eq"
    elif name not in OPERATORS or name == "isnotnull":
        known = ", ".join(name for name in OPERATORS if name != "isnotnull")
        raise ValueError(f"unknown operator {name!r} in {key!r}; known: {known}")
    for part in column.split("."):
        check_identifier(part)
    return column, name


def write_term(term: Term, column: str, placeholder: str, rewrites: Mapping[str, str]) -> str:
    """Return a term's SQL; `column` is quoted already."""
    if term.operator == "in" and term.size == 0:
        return "1 = 0"
    template = rewrites.get(term.operator) or OPERATORS[term.operator].sql
    return template.format(column=column, value=placeholder, values=", ".join([placeholder] * term.size))


def escape_like(text: str) -> str:
    """Return a LIKE pattern that matches exactly this text."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _single(value: Any) -> tuple[Any, ...]:
    if isinstance(value, list | tuple | set | frozenset | dict):
        raise TypeError("expected one value; use __in for several")
    return (value,)


def _several(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str | bytes | dict):
        raise TypeError("expected a list of values")
    return tuple(value)


def _pair(value: Any) -> tuple[Any, ...]:
    pair = _several(value)
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


def _regex(value: Any) -> tuple[Any, ...]:
    return (_expect_text(value),)


def _around(before: str, after: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: (before + escape_like(_expect_text(value)) + after,)


def _expect_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


_LIKE = "{column} LIKE {value} ESCAPE '\\'"
_ILIKE = "{column} ILIKE {value} ESCAPE '\\'"
OPERATORS = {
    "eq": Operator("{column} = {value}", _single),
    "neq": Operator("{column} <> {value}", _single),
    "gt": Operator("{column} > {value}", _single),
    "gte": Operator("{column} >= {value}", _single),
    "lt": Operator("{column} < {value}", _single),
    "lte": Operator("{column} <= {value}", _single),
    "in": Operator("{column} IN ({values})", _several),
    "between": Operator("{column} BETWEEN {value} AND {value}", _pair),
    "contains": Operator(_LIKE, _around("%", "%")),
    "startswith": Operator(_LIKE, _around("", "%")),
    "endswith": Operator(_LIKE, _around("%", "")),
    "icontains": Operator(_ILIKE, _around("%", "%")),
    "istartswith": Operator(_ILIKE, _around("", "%")),
    "iendswith": Operator(_ILIKE, _around("%", "")),
    "like": Operator(_LIKE, _pattern),
    "ilike": Operator(_ILIKE, _pattern),
    "regex": Operator("{column} ~ {value}", _regex),
    "isnull": Operator("{column} IS NULL", _nothing),
    "isnotnull": Operator("{column} IS NOT NULL", _nothing),
}
