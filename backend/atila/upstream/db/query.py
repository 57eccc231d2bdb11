"""What all queries share: conditions, names for other queries, and the text that is kept for each shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from atila.upstream.task import Task

from .columns import parse_table
from .conditions import Q, read_conditions
from .dialect import Dialect, Statement, check_identifier
from .expressions import PLAIN
from .nodes import Group, Nested, Node, Shape, Table, With
from .rows import Row
from .writer import write_all

if TYPE_CHECKING:
    from .session import Session

TEXTS = 2000  # shapes a database keeps the text of; far more than a program has, but `__in` makes one for each length


class Query(ABC):
    """One statement, built step by step. Each step returns a changed copy, so a query can be the start of several.

    Names are checked and quoted, values bound. What a step did not set is found in the class.
    """

    writes = True
    built = True  # its text is ours, and opens no transaction
    _session: Session | None = None
    _table: Table
    _tables: tuple[str, ...] = ()  # the names a condition may begin with
    _with: tuple[With, ...] = ()
    _with_values: tuple[Any, ...] = ()
    _where: tuple[Node, ...] = ()
    _where_values: tuple[Any, ...] = ()

    def __init__(self, session: Session | None, table: str) -> None:
        self._session = session
        self._table, self._tables = read_table(table)

    def filter(self, /, *conditions: Q, **named: Any) -> Self:
        """Keep the rows for which all conditions hold; a condition with None is ignored.

        Operators: eq neq gt gte lt lte in between contains startswith endswith (and with i: whatever the case)
        like ilike regex isnull has_key. Raises ValueError for another, or for a bad column.
        """
        nodes, values = read_conditions(conditions, named, self._tables)
        if not nodes:
            return self
        return self._copy(_where=self._where + nodes, _where_values=self._where_values + values)

    def exclude(self, /, *conditions: Q, **named: Any) -> Self:
        """Leave out the rows for which all conditions hold; rows where they are unknown (NULL) stay."""
        nodes, values = read_conditions(conditions, named, self._tables)
        if not nodes:
            return self
        unlike = Group("AND", True, nodes)
        return self._copy(_where=(*self._where, unlike), _where_values=self._where_values + values)

    def with_(self, name: str, query: Query) -> Self:
        """Give a query a name to be used as a table: `with_("big", db.select("photo").filter(size__gt=10))`.

        The name may list columns: `with_("tree(id, depth)", …)`. Raises ValueError for what is no name.
        """
        return self._add_with(name, query, recursive=False)

    def with_recursive(self, name: str, query: Query) -> Self:
        """As `with_`, for a query that reads what it gives: `first.union_all(following)`."""
        return self._add_with(name, query, recursive=True)

    def execute(self) -> Task[list[Row]]:
        """Run the query. Raises ValueError or TypeError at once for what cannot be a query or a value."""
        if self._session is None:
            raise RuntimeError("this query belongs to no database: db.execute(query) runs it")
        return self._session.execute(self)

    def compile(self, dialect: Dialect, texts: dict[Shape, str]) -> Statement:
        """Return the statement; `texts` keeps the SQL of shapes that were seen before."""
        shape = self.shape()
        sql = texts.get(shape)
        if sql is None:
            sql = self.write(dialect)
            if len(texts) >= TEXTS:
                texts.clear()
            texts[shape] = sql
        return Statement(sql, self.values(dialect), self.writes, not self.writes, self.built)

    @abstractmethod
    def shape(self) -> Shape:
        """Return what the text depends on."""

    @abstractmethod
    def write(self, dialect: Dialect) -> str:
        """Return the text. Raises ValueError for what this database cannot do."""

    @abstractmethod
    def values(self, dialect: Dialect) -> list[Any]:
        """Return the values in the order of the text's placeholders."""

    def detached(self) -> Self:
        """Return the query without its session: texts that are kept by shape hold on to parts of queries."""
        return self if self._session is None else self._copy(_session=None)

    def _add_with(self, name: str, query: Query, recursive: bool) -> Self:
        known, bracket, columns = name.partition("(")
        names = tuple(check_identifier(each.strip()) for each in columns.rstrip(") ").split(",")) if bracket else ()
        part = With(check_identifier(known.strip()), names, recursive, Nested(query))
        return self._copy(_with=(*self._with, part), _with_values=(*self._with_values, query))

    def _copy(self, **changes: Any) -> Self:
        copy = object.__new__(type(self))
        set_up = copy.__dict__
        set_up.update(self.__dict__)
        set_up.update(changes)
        return copy

    def _write_where(self, dialect: Dialect) -> str:
        return f" WHERE {write_all(self._where, dialect)}" if self._where else ""


@lru_cache(maxsize=2048)
def read_table(text: str) -> tuple[Table, tuple[str, ...]]:
    """Return a table, and what conditions call it. Raises ValueError for what is no table's name."""
    table = parse_table(text)
    return table, (table.known,)


def bind(values: Iterable[Any], dialect: Dialect) -> list[Any]:
    """Return values as the driver takes them; a query among them gives its own."""
    seek, bound = dialect.seek, []
    for value in values:
        if type(value) not in PLAIN and isinstance(value, Query):
            bound.extend(value.values(dialect))
        else:
            bound.append(seek(value))
    return bound
