"""The columns of a SELECT, as text: "id, title, max(size) as biggest"."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .dialect import check_identifier

_COLUMN = re.compile(
    r"(?:(?P<function>[A-Za-z]+)\(\s*(?P<distinct>distinct\s+)?(?P<argument>[\w.]+|\*)\s*\)|(?P<column>\*|\w+(?:\.\w+)*(?:\.\*)?))"
    r"(?:\s+as\s+(?P<alias>\w+))?",
    re.IGNORECASE | re.ASCII,
)
FUNCTIONS = frozenset({"count", "sum", "avg", "min", "max", "lower", "upper", "length", "abs"})


class Column(NamedTuple):
    """One thing a SELECT gives: a column, '*', or a function of a column, perhaps under another name."""

    name: str
    function: str = ""
    distinct: bool = False
    alias: str = ""


@lru_cache(maxsize=2048)
def parse_columns(text: str) -> tuple[Column, ...]:
    """Read "id, title, max(size) as biggest". Raises ValueError, which names the part it cannot read."""
    return tuple(_parse_column(part.strip()) for part in text.split(","))


def _parse_column(text: str) -> Column:
    match = _COLUMN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:80]!r} is not a column: expected a name, or a function of one, with 'as' another name"
        )
    function = (match["function"] or "").lower()
    if function and function not in FUNCTIONS:
        raise ValueError(f"unknown function {match['function']!r}; known: {', '.join(sorted(FUNCTIONS))}")
    name = match["argument"] or match["column"]
    for part in name.removesuffix("*").removesuffix(".").split(".") if name != "*" else ():
        check_identifier(part)
    alias = match["alias"] or function  # the databases name a function's column differently
    return Column(name, function, bool(match["distinct"]), check_identifier(alias) if alias else "")
