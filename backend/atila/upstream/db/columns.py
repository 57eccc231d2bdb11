"""Columns and tables as text: "id, title, max(size) as biggest" and "photo as p"."""

from __future__ import annotations

import re
from functools import lru_cache

from .dialect import check_identifier
from .expressions import parse_name
from .nodes import STAR, Call, Column, Name, Node, Table, Term

_PATH = r"\w+(?:\.\w+)*(?:\s*->\s*[\w:@/+-]+)*"
_COLUMN = re.compile(
    rf"(?:(?P<function>[A-Za-z]+)\(\s*(?P<distinct>distinct\s+)?(?P<argument>{_PATH}|\*)\s*\)"
    rf"|(?P<all>(?:\w+\.)*\*)|(?P<column>{_PATH}))(?:\s+as\s+(?P<alias>\w+))?",
    re.IGNORECASE | re.ASCII,
)
_TABLE = re.compile(r"(?P<name>[\w.]+)(?:\s+(?:as\s+)?(?P<alias>\w+))?", re.IGNORECASE | re.ASCII)
_COMPARISON = re.compile(r"([\w.]+)\s*(=|<>|!=|<=|>=|<|>)\s*([\w.]+)", re.ASCII)
_COMPARISONS = {"=": "eq", "<>": "neq", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
FUNCTIONS = frozenset({"count", "sum", "avg", "min", "max", "lower", "upper", "length", "abs", "round", "trim"})


@lru_cache(maxsize=2048)
def parse_columns(text: str) -> tuple[Column, ...]:
    """Read "id, title, max(size) as biggest". Raises ValueError, which names the part it cannot read."""
    return tuple(_parse_column(part.strip()) for part in text.split(","))


@lru_cache(maxsize=2048)
def parse_table(text: str) -> Table:
    """Read "photo", "photo p" or "photo as p". Raises ValueError for what is no table's name."""
    match = _TABLE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} is not an identifier, or one and another name for it")
    for part in match["name"].split("."):
        check_identifier(part)
    return Table(match["name"], check_identifier(match["alias"]) if match["alias"] else "")


@lru_cache(maxsize=512)
def parse_on(text: str) -> tuple[Node, ...]:
    """Read "u.id = p.user_id and u.team = p.team". Raises ValueError, which names the part it cannot read."""
    return tuple(_parse_comparison(part.strip()) for part in re.split(r"\sand\s", text, flags=re.IGNORECASE))


@lru_cache(maxsize=512)
def parse_names(text: str) -> tuple[Name, ...]:
    """Read "user_id, extra->city". Raises ValueError for what is no name."""
    return tuple(parse_name(_tighten(part)) for part in text.split(","))


@lru_cache(maxsize=512)
def parse_order(text: str) -> tuple[tuple[Name, bool], ...]:
    """Read "-size, id": each name, and whether it is descending. Raises ValueError for what is no name."""
    parts = [part.strip() for part in text.split(",")]
    return tuple((parse_name(_tighten(part.removeprefix("-"))), part.startswith("-")) for part in parts)


def _parse_column(text: str) -> Column:
    match = _COLUMN.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:80]!r} is not a column: expected a name, or a function of one, with 'as' another name"
        )
    function = (match["function"] or "").lower()
    if function and function not in FUNCTIONS:
        raise ValueError(f"unknown function {match['function']!r}; known: {', '.join(sorted(FUNCTIONS))}")
    node: Node = _read_argument(match["argument"] or match["all"] or match["column"])
    if function:
        node = Call(function, (node,), distinct=bool(match["distinct"]))
    path = node.path if isinstance(node, Name) else ()
    # The databases name a function's column differently, and a path's.
    alias = match["alias"] or function or (path[-1] if path and path[-1].isidentifier() else "")
    return Column(node, check_identifier(alias) if alias else "")


def _read_argument(text: str) -> Name:
    if text == "*":
        return STAR
    if text.endswith(".*"):
        for part in text[:-2].split("."):
            check_identifier(part)
        return Name(text)
    return parse_name(_tighten(text))


def _parse_comparison(text: str) -> Node:
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:80]!r} does not join: expected 'one.column = other.column', several with 'and'")
    return Term(parse_name(match[1]), _COMPARISONS[match[2]], (parse_name(match[3]),))


def _tighten(text: str) -> str:
    return "->".join(part.strip() for part in text.split("->"))
