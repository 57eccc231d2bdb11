"""What a filter keeps: keywords, and `Q(a=1) | ~Q(b=2)`, read into the parts of a query's text."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .expressions import PLAIN, Expression, is_query, parse_name, read_value
from .nodes import BOUND, Exists, Group, Name, Nested, Node, Term
from .operators import ALL, OPERATORS, cast_for

if TYPE_CHECKING:
    from .query import Query


COMPARING = frozenset({"eq", "neq", "gt", "gte", "lt", "lte"})
SCALARS = PLAIN - {type(None)}


class Q:
    """Conditions to combine: `Q(uid=1) & (Q(size__gt=10) | ~Q(title__contains="x"))`. Never changes.

    A condition whose value is None is left out, as in a filter. `~` keeps rows where it is unknown (NULL).
    """

    __slots__ = ("_conditions", "_joiner", "_negated", "_parts")

    def __init__(self, /, *parts: Q, **conditions: Any) -> None:
        self._joiner = "AND"
        self._negated = False
        self._parts: tuple[Q, ...] = parts
        self._conditions = conditions

    def __and__(self, other: Q) -> Q:
        return Q(self, other)

    def __or__(self, other: Q) -> Q:
        either = Q(self, other)
        either._joiner = "OR"
        return either

    def __invert__(self) -> Q:
        unlike = Q(self)
        unlike._negated = True
        return unlike

    def read(self, tables: tuple[str, ...]) -> tuple[Node | None, tuple[Any, ...]]:
        """Return the condition and its values; None when nothing is left of it. Raises as `read_conditions`."""
        nodes, values = read_conditions(self._parts, self._conditions, tables)
        if not nodes:
            return None, ()
        if len(nodes) == 1 and not self._negated:
            return nodes[0], values
        return Group(self._joiner, self._negated, nodes), values


class exists(Q):  # noqa: N801 - reads as the word of SQL that it is
    """Whether a query has rows: `filter(exists(db.select("photo").filter(uid=F("u.id"))))`."""

    __slots__ = ("_query",)

    def __init__(self, query: Query) -> None:
        super().__init__()
        self._query = query

    def read(self, tables: tuple[str, ...]) -> tuple[Node | None, tuple[Any, ...]]:
        return Exists(Nested(self._query)), (self._query,)


class Key(NamedTuple):
    """What a keyword of a filter names."""

    name: Name
    operator: str


def read_conditions(
    parts: tuple[Q, ...], conditions: dict[str, Any], tables: tuple[str, ...]
) -> tuple[tuple[Node, ...], tuple[Any, ...]]:
    """Read what a filter was given into conditions and the values they bind; what is compared with None is left out.

    `tables` are the names that "photo__size" may begin with. Raises ValueError for an unknown operator, a bad column,
    or a value that the operator cannot take.
    """
    nodes: list[Node] = []
    values: list[Any] = []
    for part in parts:
        if not isinstance(part, Q):
            raise TypeError(f"a filter takes Q(…) and keywords, not {type(part).__name__}")
        node, bound = part.read(tables)
        if node is not None:
            nodes.append(node)
            values.extend(bound)
    for keyword, value in conditions.items():
        simple = _simple_term(keyword, tables) if type(value) in SCALARS else None
        if simple is not None:
            nodes.append(simple)
            values.append(value)
            continue
        name, operator = read_key(keyword, tables)
        if value is None:
            continue
        try:
            node, bound = read_term(name, operator, value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{keyword} cannot take {type(value).__name__}: {error}") from error
        nodes.append(node)
        values.extend(bound)
    return tuple(nodes), tuple(values)


def read_term(left: Node, operator: str, value: Any) -> tuple[Term, tuple[Any, ...]]:
    """Return a comparison and its values. Raises TypeError or ValueError for a value the operator cannot take."""
    if operator == "isnull":
        operator = "isnull" if value else "isnotnull"
    elif operator == "contains" and isinstance(value, dict | list):
        operator = "holds"
    values = ALL[operator].read(value)
    cast = cast_for(operator, values) if operator in _JSON or (type(left) is Name and left.path) else ""
    for each in values:
        if type(each) not in PLAIN and (isinstance(each, Expression) or is_query(each)):
            sides, values = _read_sides(values)
            return Term(left, operator, sides, cast), values
    return _plain_term(left, operator, len(values), cast), values


@lru_cache(maxsize=2048)
def _simple_term(keyword: str, tables: tuple[str, ...]) -> Term | None:
    """Return the comparison of a column with any value but None, when the operator takes that as it is."""
    key = read_key(keyword, tables)
    return Term(key.name, key.operator, (BOUND,)) if key.operator in COMPARING and not key.name.path else None


@lru_cache(maxsize=2048)
def _plain_term(left: Node, operator: str, size: int, cast: str) -> Term:
    return Term(left, operator, (BOUND,) * size, cast)


@lru_cache(maxsize=2048)
def read_key(keyword: str, tables: tuple[str, ...] = ()) -> Key:
    """Read 'title', 'size__gte', 'photos.size__gte', 'p__size' or 'extra->city__eq'. Raises ValueError."""
    *before, last = keyword.split("__")
    if not before:
        return Key(parse_name(last), "eq")
    if last in OPERATORS:
        operator = last
    elif before[0] in tables:
        before, operator = [*before, last], "eq"
    else:
        known = ", ".join(OPERATORS)
        raise ValueError(f"unknown operator {last!r} in {keyword!r}; known: {known}; {before[0]!r} is no table here")
    if len(before) > 1 and before[0] not in tables:
        raise ValueError(f"unknown table {before[0]!r} in {keyword!r}; known: {', '.join(tables)}")
    return Key(parse_name(".".join(before)), operator)


def _read_sides(values: tuple[Any, ...]) -> tuple[tuple[Node, ...], tuple[Any, ...]]:
    read = [read_value(value) for value in values]
    return tuple(node for node, _ in read), tuple(value for _, bound in read for value in bound)


_JSON = ("holds", "has_key")
