"""Queries that read: `db.select("photo").get("id, title").filter(uid=1, size__gte=10).order_by("-id")`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast

from .columns import parse_columns, parse_names, parse_on, parse_order, parse_table
from .conditions import Q, read_conditions, read_term
from .dialect import LARGEST, Dialect, check_identifier
from .expressions import read_value
from .nodes import Column, Join, Name, Nested, Node, Shape, Table, Term
from .query import Query, bind
from .writer import write_all, write_columns, write_join, write_node, write_order, write_table, write_with

if TYPE_CHECKING:
    from .session import Session

EVERYTHING = parse_columns("*")


class Select(Query):
    """Reads rows."""

    writes = False
    _as = ""  # the name it goes by in another query
    _source_values: tuple[Any, ...] = ()
    _columns: tuple[Column, ...] = EVERYTHING
    _columns_values: tuple[Any, ...] = ()
    _distinct = False
    _joins: tuple[Join, ...] = ()
    _joins_values: tuple[Any, ...] = ()
    _group: tuple[Name, ...] = ()
    _having: tuple[Node, ...] = ()
    _having_values: tuple[Any, ...] = ()
    _compounds: tuple[tuple[str, Nested], ...] = ()
    _compounds_values: tuple[Any, ...] = ()
    _order: tuple[tuple[Name, bool], ...] = ()
    _limit: int | None = None
    _offset: int | None = None
    _lock = ""

    def __init__(self, session: Session | None, table: str | Select) -> None:
        if isinstance(table, str):
            super().__init__(session, table)
            return
        self._session = session
        self._table = table.as_table()
        self._tables = (self._table.known,)
        self._source_values = (table,)

    def get(self, /, *columns: str, **named: Any) -> Self:
        """Choose columns: "id, title", "count(*) as total", "p.*"; all of them by default.

        Expressions and queries of one value are given by name: `get("id", area=F("width") * F("height"))`.
        """
        texts = parse_columns(", ".join(columns) if len(columns) != 1 else columns[0]) if columns else ()
        if not named:
            return self._copy(_columns=texts or EVERYTHING, _columns_values=())
        read = [(check_identifier(name), *read_value(value)) for name, value in named.items()]
        chosen = texts + tuple(Column(node, name) for name, node, _ in read)
        return self._copy(_columns=chosen or EVERYTHING, _columns_values=_join_values(values for _, _, values in read))

    def distinct(self) -> Self:
        """Give equal rows once."""
        return self._copy(_distinct=True)

    def join(self, table: str | Select, on: str | Q = "", /, *, using: str = "", **named: Any) -> Self:
        """Join rows of a table, or of `query.as_("q")`: `join("users u", "u.id = photo.user_id")`.

        Instead of `on`, `using` names columns that both have; more conditions follow as in a filter. Raises ValueError.
        """
        return self._add_join("INNER", table, on, using, named)

    def left_join(self, table: str | Select, on: str | Q = "", /, *, using: str = "", **named: Any) -> Self:
        """Join, and keep the rows that find no partner."""
        return self._add_join("LEFT", table, on, using, named)

    def right_join(self, table: str | Select, on: str | Q = "", /, *, using: str = "", **named: Any) -> Self:
        """Join, and keep the rows of the joined table that find no partner."""
        return self._add_join("RIGHT", table, on, using, named)

    def full_join(self, table: str | Select, on: str | Q = "", /, *, using: str = "", **named: Any) -> Self:
        """Join, and keep the rows of both that find no partner."""
        return self._add_join("FULL", table, on, using, named)

    def cross_join(self, table: str | Select, /) -> Self:
        """Join each row with each."""
        return self._add_join("CROSS", table, "", "", {})

    def as_(self, name: str) -> Self:
        """Name the query, to select from it or to join it: `db.select(query.as_("q"))`."""
        return self._copy(_as=check_identifier(name))

    def as_table(self) -> Table:
        """Return the query as a table of another one. Raises ValueError when it has no name."""
        if not self._as:
            raise ValueError(f"a query used as a table needs a name: {self._table.known}…as_('q')")
        return Table(Nested(self), self._as)

    def group_by(self, /, *columns: str) -> Self:
        """Group rows that are equal in these columns."""
        return self._copy(_group=self._group + parse_names(", ".join(columns)))

    def having(self, function: str, /, **tests: Any) -> Self:
        """Keep the groups of which a function says so: `having("count(*)", gte=2)`."""
        (column,) = parse_columns(function)
        terms: list[Term] = []
        values: tuple[Any, ...] = ()
        for operator, value in tests.items():
            if value is None:
                continue
            read_conditions((), {f"x__{operator}": value}, ())  # names what is wrong
            term, bound = read_term(column.node, operator, value)
            terms.append(term)
            values += bound
        return self._copy(_having=(*self._having, *terms), _having_values=self._having_values + values)

    def union(self, other: Select) -> Self:
        """Add the rows of another query, equal rows once. Order and limits then are those of the whole."""
        return self._add_compound("UNION", other)

    def union_all(self, other: Select) -> Self:
        """Add the rows of another query."""
        return self._add_compound("UNION ALL", other)

    def intersect(self, other: Select) -> Self:
        """Keep the rows that another query gives too."""
        return self._add_compound("INTERSECT", other)

    def except_(self, other: Select) -> Self:
        """Leave out the rows that another query gives."""
        return self._add_compound("EXCEPT", other)

    def order_by(self, /, *columns: str) -> Self:
        """Sort by columns, the first one first; "-created_at" is descending."""
        return self._copy(_order=self._order + parse_order(", ".join(columns)))

    def limit(self, count: int) -> Self:
        """Give `count` rows at most."""
        return self._copy(_limit=_check_count(count, "limit"))

    def offset(self, count: int) -> Self:
        """Skip the first `count` rows."""
        return self._copy(_offset=_check_count(count, "offset"))

    def __getitem__(self, rows: slice) -> Self:
        """`query[20:30]` is limit 10, offset 20."""
        if not isinstance(rows, slice) or rows.step is not None:
            raise TypeError("a query is sliced as query[first:last]; fetch() it to take single rows")
        start = _check_count(rows.start or 0, "a slice")
        if rows.stop is None:
            return self._copy(_offset=start or None)
        return self._copy(_offset=start or None, _limit=max(0, _check_count(rows.stop, "a slice") - start))

    def aggregate(self, /, *columns: str, **named: str) -> Self:
        """Ask for figures over the rows the filter keeps: `aggregate("max(size)")`, `aggregate(most="max(size)")`."""
        asked = parse_columns(", ".join([*columns, *(f"{column} as {name}" for name, column in named.items())]))
        if self._compounds:
            whole = self._copy(_order=(), _limit=None, _offset=None).as_("whole")
            return cast(Self, Select(self._session, whole).aggregate(*columns, **named))
        return self._copy(_columns=asked, _columns_values=(), _order=(), _limit=None, _offset=None)

    def count(self) -> Self:
        """Count the rows the filter keeps, whatever the limit: `query.count().execute().value()`."""
        return self.aggregate("count(*)")

    def for_update(self, skip_locked: bool = False) -> Self:
        """Lock the rows until the `with` block ends, so that nobody changes them before this request does.

        With `skip_locked`, rows that somebody else has locked are left out. (SQLite locks the whole file.)
        """
        return self._copy(_lock="skip" if skip_locked else "wait", writes=True)

    @property
    def locks(self) -> bool:
        """Whether it locks the rows it reads."""
        return bool(self._lock)

    def shape(self) -> Shape:
        bounds = (self._limit is None, self._offset is None, self._lock, self._as)
        chosen = (self._columns, self._distinct, self._joins, self._group, self._having, self._compounds, self._order)
        return (Select, self._with, self._table, self._where, chosen, bounds)

    def write(self, dialect: Dialect) -> str:
        parts = [write_with(self._with, dialect), self._write_core(dialect)]
        parts += [f" {operator} {nested.query.write(dialect)}" for operator, nested in self._compounds]
        if self._order:
            parts.append(f" ORDER BY {write_order(self._order, dialect)}")
        if self._limit is not None or self._offset is not None:
            parts.append(f" LIMIT {dialect.placeholder}")  # SQLite has no OFFSET without one
        if self._offset is not None:
            parts.append(f" OFFSET {dialect.placeholder}")
        if self._lock:
            parts.append(dialect.for_update + (dialect.skip_locked if self._lock == "skip" else ""))
        return "".join(parts)

    def values(self, dialect: Dialect) -> list[Any]:
        parts = self._with_values + self._columns_values + self._source_values + self._joins_values + self._where_values
        values = bind(parts + self._having_values + self._compounds_values, dialect)
        if self._limit is not None or self._offset is not None:
            values.append(LARGEST if self._limit is None else self._limit)
        if self._offset is not None:
            values.append(self._offset)
        return values

    def _write_core(self, dialect: Dialect) -> str:
        parts = [
            "SELECT DISTINCT " if self._distinct else "SELECT ",
            write_columns(self._columns, dialect),
            f" FROM {write_table(self._table, dialect)}",
            *(write_join(join, dialect) for join in self._joins),
            self._write_where(dialect),
            f" GROUP BY {', '.join(write_node(name, dialect) for name in self._group)}" if self._group else "",
            f" HAVING {write_all(self._having, dialect)}" if self._having else "",
        ]
        return "".join(parts)

    def _add_join(self, how: str, table: str | Select, on: str | Q, using: str, named: dict[str, Any]) -> Self:
        joined = parse_table(table) if isinstance(table, str) else table.as_table()
        tables = (*self._tables, joined.known)
        on_text = parse_on(on) if isinstance(on, str) and on else ()
        nodes, values = read_conditions((on,) if isinstance(on, Q) else (), named, tables)
        columns = tuple(check_identifier(name.strip()) for name in using.split(",")) if using else ()
        if bool(on_text + nodes) is bool(columns) and how != "CROSS":
            raise ValueError(f"joining {joined.known}: say either how ('a.x = b.y', or conditions), or using='column'")
        join = Join(how, joined, on_text + nodes, columns)
        source = () if isinstance(table, str) else (table,)
        return self._copy(
            _tables=tables, _joins=(*self._joins, join), _joins_values=(*self._joins_values, *source, *values)
        )

    def _add_compound(self, operator: str, other: Select) -> Self:
        if other._order or other._limit is not None or other._offset is not None:
            raise ValueError("order_by and limit belong to the whole: say them after union, intersect or except_")
        if self._compounds and self._compounds[-1][0] != operator:
            whole = Select(self._session, self.as_("former"))
            return cast(Self, whole._add_compound(operator, other))
        if other._compounds or other._with:
            other = Select(None, other.as_("latter"))
        return self._copy(
            _compounds=(*self._compounds, (operator, Nested(other))),
            _compounds_values=(*self._compounds_values, other),
        )


def _join_values(parts: Any) -> tuple[Any, ...]:
    return tuple(value for values in parts for value in values)


def _check_count(count: int, what: str) -> int:
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError(f"{what} takes a number of rows from 0, not {count!r}")
    return min(count, LARGEST)
