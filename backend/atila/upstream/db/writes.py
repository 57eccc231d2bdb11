"""Queries that change rows: insert, update, delete; each can give back what it wrote."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from .columns import parse_columns
from .dialect import Dialect, Json, Statement, check_identifier
from .expressions import parse_name, read_value
from .nodes import BOUND, Column, Name, Nested, Node, Shape
from .query import Query, bind
from .writer import write_columns, write_node, write_table, write_with

if TYPE_CHECKING:
    from .select import Select

Assignments = tuple[tuple[Name, Node], ...]


class Conflict(NamedTuple):
    """What an INSERT does about a row that is there: nothing, or changes to it."""

    keys: tuple[str, ...]
    changes: Assignments


class Write(Query, ABC):
    """What INSERT, UPDATE and DELETE share."""

    _returning: tuple[Column, ...] = ()

    def returning(self, /, *columns: str) -> Self:
        """Give back columns of the rows that were written: `returning("id")`."""
        return self._copy(_returning=parse_columns(", ".join(columns)))

    def _write_returning(self, dialect: Dialect) -> str:
        return f" RETURNING {write_columns(self._returning, dialect)}" if self._returning else ""


class Insert(Write):
    """Adds rows."""

    _names: tuple[str, ...] = ()
    _rows: tuple[tuple[Node, ...], ...] = ()
    _rows_values: tuple[Any, ...] = ()
    _query: Nested | None = None
    _conflict: Conflict | None = None
    _conflict_values: tuple[Any, ...] = ()

    def data(self, /, *rows: Mapping[str, Any], **values: Any) -> Self:
        """Give one row as keywords, or several as mappings with the same keys. None is NULL."""
        if values:
            rows = (*rows, values)
        names = tuple(rows[0]) if rows else ()
        for name in names:
            check_identifier(name)
        nodes: list[tuple[Node, ...]] = []
        bound: list[Any] = []
        for row in rows:
            if row.keys() != rows[0].keys():
                raise ValueError(f"all rows need the same columns: {sorted(rows[0])} and {sorted(row)}")
            read = [read_value(row[name]) for name in names]
            nodes.append(tuple(node for node, _ in read))
            bound += [value for _, each in read for value in each]
        return self._copy(_names=names, _rows=tuple(nodes), _rows_values=tuple(bound), _query=None)

    set = data

    def query(self, columns: str, rows: Select) -> Self:
        """Add what a query gives: `insert("archive").query("id, title", db.select("photo").get("id, title"))`."""
        names = tuple(check_identifier(name.strip()) for name in columns.split(","))
        return self._copy(_names=names, _rows=(), _rows_values=(rows,), _query=Nested(rows))

    def upsert(self, /, *keys: str, **changes: Any) -> Self:
        """Change the row that is there with the same `keys`, instead of failing.

        It gets the given values, or only these changes: `upsert("name", hits=F("page.hits") + 1)`; "excluded.hits" is
        the value that could not be added. Raises ValueError without keys or without columns.
        """
        names = _split(keys)
        others = [name for name in self._names if name not in names]
        if not names or not (changes or others):
            raise ValueError("upsert('key') comes after data(), and needs the columns that tell equal rows")
        given, values = read_assignments(changes)
        every = tuple((Name(name), Name(f"excluded.{name}")) for name in others)
        return self._copy(_conflict=Conflict(names, given or every), _conflict_values=values)

    def ignore(self, /, *keys: str) -> Self:
        """Leave out rows that are there already: with the same `keys`, or by any constraint."""
        return self._copy(_conflict=Conflict(_split(keys), ()), _conflict_values=())

    def filter(self, /, *conditions: Any, **named: Any) -> Self:
        """Refused: an INSERT has no filter."""
        raise TypeError(f"an INSERT has no filter: {', '.join(named) or conditions}")

    def exclude(self, /, *conditions: Any, **named: Any) -> Self:
        """Refused as `filter` is."""
        return self.filter(*conditions, **named)

    def shape(self) -> Shape:
        return (Insert, self._with, self._table, self._names, self._rows, self._query, self._conflict, self._returning)

    def write(self, dialect: Dialect) -> str:
        head = f"{write_with(self._with, dialect)}INSERT INTO {write_table(self._table, dialect)}"
        tail = self._write_conflict(dialect) + self._write_returning(dialect)
        if not self._names:
            return f"{head} DEFAULT VALUES{tail}"
        columns = ", ".join(map(dialect.quote, self._names))
        if self._query is not None:
            # SQLite reads ON after a SELECT as a join's, unless the SELECT ends in a WHERE.
            added = write_node(self._query, dialect)
            return f"{head} ({columns}) SELECT * FROM {added} AS added WHERE 1 = 1{tail}"  # noqa: S608 - checked
        rows = ", ".join(f"({', '.join(write_node(node, dialect) for node in row)})" for row in self._rows)
        return f"{head} ({columns}) VALUES {rows}{tail}"

    def values(self, dialect: Dialect) -> list[Any]:
        values = bind(self._with_values, dialect) if self._with_values else []
        values += adapt(self._rows_values, dialect)
        return values + adapt(self._conflict_values, dialect) if self._conflict_values else values

    def _write_conflict(self, dialect: Dialect) -> str:
        if self._conflict is None:
            return ""
        keys = f" ({', '.join(map(dialect.quote, self._conflict.keys))})" if self._conflict.keys else ""
        changes = write_assignments(self._conflict.changes, dialect)
        return f" ON CONFLICT{keys} DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"


class Filtered(Write):
    """An UPDATE or a DELETE: it says which rows, or that it means all of them."""

    _everything = False

    def all(self) -> Self:
        """Mean every row of the table."""
        return self._copy(_everything=True)

    def compile(self, dialect: Dialect, texts: dict[Shape, str]) -> Statement:
        if not self._where and not self._everything:
            kind = type(self).__name__.upper()
            raise ValueError(f"this {kind} would touch every row of {self._table.source}: filter() it, or say .all()")
        return super().compile(dialect, texts)


class Update(Filtered):
    """Changes rows."""

    _data: Mapping[str, Any] = {}
    _changes: Assignments = ()
    _changes_values: tuple[Any, ...] = ()

    def data(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> Self:
        """Give the new values. None is NULL; `F("size") + 1` reads the old ones.

        A key such as "extra->city" changes what lies there in a column's JSON.
        """
        given = {**self._data, **(values or {}), **named}
        changes, bound = read_assignments(given)
        return self._copy(_data=given, _changes=changes, _changes_values=bound)

    set = data

    def shape(self) -> Shape:
        return (Update, self._with, self._table, self._where, self._changes, self._returning)

    def write(self, dialect: Dialect) -> str:
        if not self._changes:
            raise ValueError(f"this UPDATE of {self._table.source} changes nothing: give it data()")
        head = f"{write_with(self._with, dialect)}UPDATE {write_table(self._table, dialect)}"
        changes = write_assignments(self._changes, dialect)
        return f"{head} SET {changes}{self._write_where(dialect)}{self._write_returning(dialect)}"

    def values(self, dialect: Dialect) -> list[Any]:
        before = bind(self._with_values, dialect) if self._with_values else []
        return before + adapt(self._changes_values, dialect) + bind(self._where_values, dialect)


class Delete(Filtered):
    """Removes rows."""

    def shape(self) -> Shape:
        return (Delete, self._with, self._table, self._where, self._returning)

    def write(self, dialect: Dialect) -> str:
        head = f"{write_with(self._with, dialect)}DELETE FROM {write_table(self._table, dialect)}"  # noqa: S608
        return head + self._write_where(dialect) + self._write_returning(dialect)

    def values(self, dialect: Dialect) -> list[Any]:
        return bind(self._with_values + self._where_values, dialect)


def read_assignments(values: Mapping[str, Any]) -> tuple[Assignments, tuple[Any, ...]]:
    """Return what is to be set, and the values that binds. Raises ValueError for what is no column."""
    changes: list[tuple[Name, Node]] = []
    bound: list[Any] = []
    for key, value in values.items():
        name = parse_name(key)
        node, each = read_value(value)
        if name.path and node is BOUND and not isinstance(value, Json):
            each = (Json(value),)
        changes.append((name, node))
        bound += each
    return tuple(changes), tuple(bound)


def write_assignments(changes: Assignments, dialect: Dialect) -> str:
    """Return "column = value, …"."""
    written = []
    for name, node in changes:
        column, value = dialect.quote(name.name), write_node(node, dialect)
        written.append(f"{column} = {dialect.write_path(column, name.path, value) if name.path else value}")
    return ", ".join(written)


def adapt(values: tuple[Any, ...], dialect: Dialect) -> list[Any]:
    """Return values that are stored as the driver takes them; a query among them gives its own."""
    stored: list[Any] = []
    for value in values:
        if isinstance(value, Query):
            stored.extend(value.values(dialect))
        else:
            stored.append(dialect.adapt(value))
    return stored


def _split(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(check_identifier(name.strip()) for key in keys for name in key.split(","))
