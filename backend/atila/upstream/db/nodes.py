"""The parts a query's text is made of. They hold no values: equal parts give equal SQL.

Each is a tuple with its kind last, so that parts of different kinds are never equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from .query import Query


class Name(NamedTuple):
    """A column, "photo.size" or "*"; with a path, what lies there in its JSON, read as `cast`."""

    name: str
    path: tuple[str, ...] = ()
    cast: str = ""  # "text", "number", "boolean" or "json"; "" is what the place of the name suggests
    kind: str = "name"


class Bound(NamedTuple):
    """The place of a value."""

    kind: str = "bound"


class Binary(NamedTuple):
    """Two parts with an operator between them."""

    operator: str
    left: Node
    right: Node
    kind: str = "binary"


class Call(NamedTuple):
    """A function of parts."""

    function: str
    arguments: tuple[Node, ...]
    distinct: bool = False
    kind: str = "call"


class Column(NamedTuple):
    """One thing that a SELECT or RETURNING gives, perhaps under another name."""

    node: Node
    alias: str = ""
    kind: str = "column"


class Term(NamedTuple):
    """One comparison. `cast` says what is read from a path of JSON that does not say so itself."""

    left: Node
    operator: str
    sides: tuple[Node, ...]
    cast: str = ""
    kind: str = "term"


class Group(NamedTuple):
    """Conditions joined by AND or OR; a negated group holds where they do not, or where they are unknown."""

    joiner: str
    negated: bool
    nodes: tuple[Node, ...]
    kind: str = "group"


class Exists(NamedTuple):
    """Whether a query has rows."""

    nested: Nested
    kind: str = "exists"


class Table(NamedTuple):
    """A table, or a query, that rows come from; `known` is the name it goes by in the query."""

    source: str | Nested
    alias: str = ""
    kind: str = "table"

    @property
    def known(self) -> str:
        return self.alias or str(self.source)


class Join(NamedTuple):
    """Another table, how it is joined, and by what."""

    how: str
    table: Table
    on: tuple[Node, ...]
    using: tuple[str, ...] = ()
    kind: str = "join"


class With(NamedTuple):
    """A query that goes by a name in the one it belongs to."""

    name: str
    columns: tuple[str, ...]
    recursive: bool
    nested: Nested
    kind: str = "with"


class Nested:
    """A query inside another one; equal to those of its shape, whatever their values."""

    __slots__ = ("query", "shape")

    def __init__(self, query: Query) -> None:
        self.query = query.detached()
        self.shape = query.shape()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nested) and self.shape == other.shape

    def __hash__(self) -> int:
        return hash(self.shape)


Node: TypeAlias = Name | Bound | Binary | Call | Term | Group | Exists | Nested
Shape: TypeAlias = tuple[Any, ...]  # everything about a query but its values
BOUND = Bound()
STAR = Name("*")
