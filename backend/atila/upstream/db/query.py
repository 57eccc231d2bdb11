"""Queries, built step by step: `db.select("photo").get("id, title").filter(uid=1, size__gte=10).order_by("-id")`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from atila.upstream.task import Task

from .columns import Column, parse_columns
from .dialect import LARGEST, Dialect, Statement, check_identifier
from .operators import Term, read_conditions, write_term
from .rows import Row

if TYPE_CHECKING:
    from .session import Session

Shape = tuple[Any, ...]  # everything about a query but its values
Where = tuple[tuple[bool, tuple[Term, ...]], ...]  # groups of terms; True: a row they hold for is left out


class Query(ABC):
    """What the four kinds of queries share. Each step returns a changed copy, so a query can be the start of several.

    Names are checked and quoted, values bound, which ruff's S608 cannot see.
    Texts are cached by shape for the life of the Database.
    """

    writes = True

    def __init__(self, session: Session | None, table: str) -> None:
        self._session = session
        self._table = check_name(table)
        self._where: Where = ()
        self._where_values: tuple[Any, ...] = ()
        self._everything = False
        self._returning: tuple[Column, ...] = ()

    def filter(self, /, **conditions: Any) -> Self:
        """Keep the rows for which all conditions hold; a condition with None is ignored.

        Operators: eq neq gt gte lt lte in between contains startswith endswith (and with i: whatever the case)
        like ilike regex isnull. Raises ValueError for another, or for a bad column.
        """
        return self._add_terms(False, conditions)

    def exclude(self, /, **conditions: Any) -> Self:
        """Leave out the rows for which all conditions hold; rows where they are unknown (NULL) stay."""
        return self._add_terms(True, conditions)

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
            if len(texts) >= 2000:  # shapes; far more than a program has, but `__in` makes one for each length
                texts.clear()
            texts[shape] = sql
        return Statement(sql, self.values(dialect), self.writes)

    @abstractmethod
    def shape(self) -> Shape:
        """Return what the text depends on."""

    @abstractmethod
    def write(self, dialect: Dialect) -> str:
        """Return the text."""

    @abstractmethod
    def values(self, dialect: Dialect) -> list[Any]:
        """Return the values in the order of the text's placeholders."""

    def _add_terms(self, negated: bool, conditions: dict[str, Any]) -> Self:
        terms, values = read_conditions(conditions)
        if not terms:
            return self
        return self._copy(_where=(*self._where, (negated, terms)), _where_values=self._where_values + values)

    def _copy(self, **changes: Any) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy.__dict__.update(changes)
        return copy

    def _write_where(self, dialect: Dialect) -> str:
        if not self._where:
            return ""
        groups = []
        for negated, terms in self._where:
            group = " AND ".join(
                write_term(term, dialect.quote(term.column), dialect.placeholder, dialect.rewrites) for term in terms
            )
            groups.append(f"({group}) IS NOT TRUE" if negated else group)
        return " WHERE " + " AND ".join(groups)

    def _write_returning(self, dialect: Dialect) -> str:
        return f" RETURNING {write_columns(self._returning, dialect)}" if self._returning else ""

    def _sought(self, dialect: Dialect) -> list[Any]:
        return [dialect.seek(value) for value in self._where_values]


class Select(Query):
    """Reads rows."""

    writes = False

    def __init__(self, session: Session | None, table: str) -> None:
        super().__init__(session, table)
        self._columns: tuple[Column, ...] = parse_columns("*")
        self._distinct = False
        self._group: tuple[str, ...] = ()
        self._having: tuple[tuple[Column, Term], ...] = ()
        self._having_values: tuple[Any, ...] = ()
        self._order: tuple[str, ...] = ()
        self._limit: int | None = None
        self._offset: int | None = None
        self._locked = False

    def get(self, /, *columns: str) -> Self:
        """Choose columns: "id, title", "count(*) as total", "p.*"; all of them by default."""
        return self._copy(_columns=parse_columns(", ".join(columns)))

    def distinct(self) -> Self:
        """Give equal rows once."""
        return self._copy(_distinct=True)

    def group_by(self, /, *columns: str) -> Self:
        """Group rows that are equal in these columns."""
        return self._copy(_group=self._group + _split_names(columns))

    def having(self, function: str, /, **tests: Any) -> Self:
        """Keep the groups of which a function says so: `having("count(*)", gte=2)`."""
        (column,) = parse_columns(function)
        terms, values = read_conditions({f"{column.function or column.name}__{name}": tests[name] for name in tests})
        having = self._having + tuple((column, term) for term in terms)
        return self._copy(_having=having, _having_values=self._having_values + values)

    def order_by(self, /, *columns: str) -> Self:
        """Sort by columns, the first one first; "-created_at" is descending."""
        names = tuple(name.strip() for column in columns for name in column.split(","))
        for name in names:
            check_name(name.removeprefix("-"))
        return self._copy(_order=self._order + names)

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
            return self._copy(_offset=start)
        return self._copy(_offset=start, _limit=max(0, _check_count(rows.stop, "a slice") - start))

    def aggregate(self, /, *columns: str, **named: str) -> Self:
        """Ask for figures over the rows the filter keeps: `aggregate("max(size)")`, `aggregate(most="max(size)")`."""
        asked = [*columns, *(f"{column} as {name}" for name, column in named.items())]
        return self._copy(_columns=parse_columns(", ".join(asked)), _order=(), _limit=None, _offset=None)

    def count(self) -> Self:
        """Count the rows the filter keeps, whatever the limit: `query.count().execute().value()`."""
        return self.aggregate("count(*)")

    def for_update(self) -> Self:
        """Lock the rows until the `with` block ends, so that nobody changes them before this request does."""
        return self._copy(_locked=True, writes=True)

    def shape(self) -> Shape:
        bounds = (self._limit is None, self._offset is None)
        chosen = (self._columns, self._distinct, self._group, self._having, self._order, self._locked)
        return (Select, self._table, self._where, chosen, bounds)

    def write(self, dialect: Dialect) -> str:
        parts = [
            "SELECT DISTINCT " if self._distinct else "SELECT ",
            write_columns(self._columns, dialect),
            f" FROM {dialect.quote(self._table)}",
            self._write_where(dialect),
            f" GROUP BY {', '.join(map(dialect.quote, self._group))}" if self._group else "",
            self._write_having(dialect),
            f" ORDER BY {', '.join(_write_order(name, dialect) for name in self._order)}" if self._order else "",
        ]
        if self._limit is not None or self._offset is not None:
            parts.append(f" LIMIT {dialect.placeholder}")  # SQLite has no OFFSET without one
        if self._offset is not None:
            parts.append(f" OFFSET {dialect.placeholder}")
        if self._locked:
            parts.append(dialect.for_update)
        return "".join(parts)

    def values(self, dialect: Dialect) -> list[Any]:
        values = self._sought(dialect)
        values += [dialect.seek(value) for value in self._having_values]
        if self._limit is not None or self._offset is not None:
            values.append(LARGEST if self._limit is None else self._limit)
        if self._offset is not None:
            values.append(self._offset)
        return values

    def _write_having(self, dialect: Dialect) -> str:
        tests = [
            write_term(term, _write_column(column, dialect, name=False), dialect.placeholder, dialect.rewrites)
            for column, term in self._having
        ]
        return f" HAVING {' AND '.join(tests)}" if tests else ""


class Write(Query, ABC):
    """What INSERT, UPDATE and DELETE share."""

    def returning(self, /, *columns: str) -> Self:
        """Give back columns of the rows that were written: `returning("id")`."""
        return self._copy(_returning=parse_columns(", ".join(columns)))


class Insert(Write):
    """Adds rows."""

    def __init__(self, session: Session | None, table: str) -> None:
        super().__init__(session, table)
        self._rows: tuple[Mapping[str, Any], ...] = ()

    def data(self, /, *rows: Mapping[str, Any], **values: Any) -> Self:
        """Give one row as keywords, or several as mappings with the same keys. None is NULL."""
        if values:
            rows = (*rows, values)
        for row in rows:
            for name in row:
                check_identifier(name)
            if row.keys() != rows[0].keys():
                raise ValueError(f"all rows need the same columns: {sorted(rows[0])} and {sorted(row)}")
        return self._copy(_rows=rows)

    set = data

    def filter(self, /, **conditions: Any) -> Self:
        """Refused: an INSERT has no filter."""
        raise TypeError(f"an INSERT has no filter: {', '.join(conditions)}")

    def exclude(self, /, **conditions: Any) -> Self:
        """Refused as `filter` is."""
        return self.filter(**conditions)

    def shape(self) -> Shape:
        return (Insert, self._table, tuple(self._rows[0]) if self._rows else (), len(self._rows), self._returning)

    def write(self, dialect: Dialect) -> str:
        head = f"INSERT INTO {dialect.quote(self._table)}"
        tail = self._write_returning(dialect)
        if not self._rows or not self._rows[0]:
            return f"{head} DEFAULT VALUES{tail}"
        columns = ", ".join(map(dialect.quote, self._rows[0]))
        row = f"({', '.join([dialect.placeholder] * len(self._rows[0]))})"
        return f"{head} ({columns}) VALUES {', '.join([row] * len(self._rows))}{tail}"

    def values(self, dialect: Dialect) -> list[Any]:
        names = tuple(self._rows[0]) if self._rows else ()
        return [dialect.adapt(row[name]) for row in self._rows for name in names]


class Filtered(Write):
    """An UPDATE or a DELETE: it says which rows, or that it means all of them."""

    def all(self) -> Self:
        """Mean every row of the table."""
        return self._copy(_everything=True)

    def compile(self, dialect: Dialect, texts: dict[Shape, str]) -> Statement:
        if not self._where and not self._everything:
            kind = type(self).__name__.upper()
            raise ValueError(f"this {kind} would touch every row of {self._table}: filter() it, or say .all()")
        return super().compile(dialect, texts)


class Update(Filtered):
    """Changes rows."""

    def __init__(self, session: Session | None, table: str) -> None:
        super().__init__(session, table)
        self._data: dict[str, Any] = {}

    def data(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Self:
        """Give the new values. None is NULL."""
        given = {**(values or {}), **named}
        for name in given:
            check_identifier(name)
        return self._copy(_data={**self._data, **given})

    set = data

    def shape(self) -> Shape:
        return (Update, self._table, self._where, tuple(self._data), self._returning)

    def write(self, dialect: Dialect) -> str:
        if not self._data:
            raise ValueError(f"this UPDATE of {self._table} changes nothing: give it data()")
        changes = ", ".join(f"{dialect.quote(name)} = {dialect.placeholder}" for name in self._data)
        returning = self._write_returning(dialect)
        return f"UPDATE {dialect.quote(self._table)} SET {changes}" + self._write_where(dialect) + returning  # noqa: S608

    def values(self, dialect: Dialect) -> list[Any]:
        return [dialect.adapt(value) for value in self._data.values()] + self._sought(dialect)


class Delete(Filtered):
    """Removes rows."""

    def shape(self) -> Shape:
        return (Delete, self._table, self._where, self._returning)

    def write(self, dialect: Dialect) -> str:
        table = dialect.quote(self._table)
        return f"DELETE FROM {table}{self._write_where(dialect)}{self._write_returning(dialect)}"  # noqa: S608

    def values(self, dialect: Dialect) -> list[Any]:
        return self._sought(dialect)


def check_name(name: str) -> str:
    """Return a dotted name. Raises ValueError when a part of it is no identifier."""
    for part in name.split("."):
        check_identifier(part)
    return name


def write_columns(columns: tuple[Column, ...], dialect: Dialect) -> str:
    """Return the columns of a SELECT or RETURNING."""
    return ", ".join(_write_column(column, dialect) for column in columns)


def _write_column(column: Column, dialect: Dialect, name: bool = True) -> str:
    table, dot, last = column.name.rpartition(".")
    written = f"{dialect.quote(table)}.*" if dot and last == "*" else "*" if last == "*" else dialect.quote(column.name)
    if column.function:
        written = f"{column.function}({'DISTINCT ' if column.distinct else ''}{written})"
    return f"{written} AS {dialect.quote(column.alias)}" if name and column.alias else written


def _write_order(name: str, dialect: Dialect) -> str:
    return f"{dialect.quote(name[1:])} DESC" if name.startswith("-") else dialect.quote(name)


def _split_names(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_name(name.strip()) for column in columns for name in column.split(","))


def _check_count(count: int, what: str) -> int:
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError(f"{what} takes a number of rows from 0, not {count!r}")
    return min(count, LARGEST)
