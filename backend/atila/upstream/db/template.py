"""Queries whose text is a template: `was.sql.photos.by_owner(owner=1).filter(size__gte=10)[:20]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from atila.alias import Kind

from .dialect import LARGEST, Dialect, Statement
from .expressions import read_value
from .nodes import Node, Shape, Table
from .query import bind
from .select import EVERYTHING, Select
from .sqlmaps import Slot, SqlMaps, Text
from .writer import write_all, write_columns, write_node, write_order
from .writes import Delete, Insert, Update

if TYPE_CHECKING:
    from .query import Query
    from .session import Session

_READS = re.compile(r"\s*(select|values)\b", re.IGNORECASE)


class Template(Select):
    """A template and what goes into its slots; the steps of a SELECT fill those it has a place for."""

    built = False
    _text: Text
    _given: dict[str, Any]

    def __init__(self, session: Session | None, text: Text) -> None:
        self._session = session
        self._text = text
        self._given = {}
        self._table = Table(text.name)
        first = text.pieces[0] if text.pieces else ""
        self.writes = not (isinstance(first, str) and _READS.match(first))

    def data(self, /, **values: Any) -> Self:
        """Give values for slots. A list goes into {name:list}; a query or an expression is written where it stands.

        Raises ValueError for a name that the template does not have.
        """
        unknown = values.keys() - self._text.values
        if unknown:
            known = ", ".join(sorted(self._text.values)) or "none"
            raise ValueError(f"{self._text.name} has no slot {', '.join(sorted(unknown))}; it has {known}")
        return self._copy(_given={**self._given, **values})

    __call__ = set = data

    def shape(self) -> Shape:
        given = tuple((slot, self._shape_of(slot)) for slot in self._text.pieces if isinstance(slot, Slot))
        bounds = (self._limit is None, self._offset is None, self._as)
        steps = (self._columns, self._where, self._group, self._having, self._order, self._refused)
        return (Template, self._text.pieces, given, steps, bounds)

    def write(self, dialect: Dialect) -> str:
        self._refuse_what_has_no_place()
        if self._text.marks and dialect.placeholder == "?":
            raise ValueError(f"{self._text.name}: a '?' outside quotes is a place for a value to {dialect.name}")
        parts = [
            self._write_slot(piece, dialect) if isinstance(piece, Slot) else dialect.escape(piece)
            for piece in self._text.pieces
        ]
        return "".join(parts)

    def values(self, dialect: Dialect) -> list[Any]:
        bound: list[Any] = []
        for piece in self._text.pieces:
            if isinstance(piece, Slot):
                bound += bind(self._values_of(piece), dialect)
        return bound

    def _shape_of(self, slot: Slot) -> Any:
        if slot.form == "step":
            return None
        value = self._value_of(slot)
        if slot.form == "list":
            return len(value)
        return value if slot.form == "name" else read_value(value)[0]

    def _value_of(self, slot: Slot) -> Any:
        try:
            value = self._given[slot.name]
        except KeyError:
            raise ValueError(f"{self._text.name} needs a value for {{{slot.name}}}") from None
        if slot.form == "list" and not isinstance(value, list | tuple | set | frozenset):
            raise ValueError(f"{self._text.name}: {{{slot.name}:list}} takes a list, not {type(value).__name__}")
        if slot.form == "list" and not value and slot.negated:
            # SQL has no empty list, and NOT IN (NULL) holds for nothing.
            raise ValueError(f"{self._text.name}: NOT IN {{{slot.name}:list}} takes a list of one value at least")
        if slot.form == "name" and not isinstance(value, str):
            raise ValueError(f"{self._text.name}: {{{slot.name}:name}} takes a name, not {type(value).__name__}")
        return value

    def _write_slot(self, slot: Slot, dialect: Dialect) -> str:
        if slot.form == "step":
            return self._write_step(slot.name, dialect)
        value = self._value_of(slot)
        if slot.form == "name":
            return dialect.quote(value)
        if slot.form == "list":
            return f"({', '.join([dialect.placeholder] * len(value)) or 'NULL'})"
        node: Node = read_value(value)[0]
        return write_node(node, dialect)

    def _write_step(self, step: str, dialect: Dialect) -> str:
        match step:
            case "columns":
                return write_columns(self._columns, dialect)
            case "filters":
                return write_all(self._where, dialect) or "1 = 1"
            case "group_by":
                names = ", ".join(write_node(name, dialect) for name in self._group)
                return f"GROUP BY {names}" if names else ""
            case "having":
                return f"HAVING {write_all(self._having, dialect)}" if self._having else ""
            case "order_by":
                return f"ORDER BY {write_order(self._order, dialect)}" if self._order else ""
            case "limit":
                return "" if self._limit is None and self._offset is None else f"LIMIT {dialect.placeholder}"
            case _:
                return "" if self._offset is None else f"OFFSET {dialect.placeholder}"

    def _values_of(self, slot: Slot) -> tuple[Any, ...]:
        if slot.form == "step":
            return self._values_of_step(slot.name)
        value = self._value_of(slot)
        if slot.form == "list":
            return tuple(value)
        return () if slot.form == "name" else read_value(value)[1]

    def _values_of_step(self, step: str) -> tuple[Any, ...]:
        match step:
            case "columns":
                return self._columns_values
            case "filters":
                return self._where_values
            case "having":
                return self._having_values
            case "limit":
                unlimited = () if self._offset is None else (LARGEST,)
                return unlimited if self._limit is None else (self._limit,)
            case "offset":
                return () if self._offset is None else (self._offset,)
            case _:
                return ()

    @property
    def _refused(self) -> bool:
        return bool(self._joins or self._compounds or self._with or self._distinct or self._lock)

    def _refuse_what_has_no_place(self) -> None:
        taken = {
            "columns": self._columns is not EVERYTHING,
            "filters": bool(self._where),
            "group_by": bool(self._group),
            "having": bool(self._having),
            "order_by": bool(self._order),
            "limit": self._limit is not None or self._offset is not None,
            "offset": self._offset is not None,
        }
        lost = [f"{{this.{step}}}" for step, used in taken.items() if used and step not in self._text.steps]
        if self._refused:
            lost.append("joins, unions, with_, distinct or for_update")
        if lost:
            raise ValueError(f"{self._text.name} has no place for {', '.join(lost)}")


class Sql:
    """`was.sql`: queries that belong to no database yet; `was.db("@db").execute(query)` runs them.

    Templates are found by file and name: `was.sql.photos.by_owner`.
    """

    def __init__(self, maps: SqlMaps, session: Session | None = None) -> None:
        self._maps = maps
        self._session = session

    def select(self, table: str | Select) -> Select:
        """Start a query that reads."""
        return Select(self._session, table)

    def insert(self, table: str) -> Insert:
        """Start a query that adds rows."""
        return Insert(self._session, table)

    def update(self, table: str) -> Update:
        """Start a query that changes rows."""
        return Update(self._session, table)

    def delete(self, table: str) -> Delete:
        """Start a query that removes rows."""
        return Delete(self._session, table)

    def template(self, name: str, /, **values: Any) -> Template:
        """Return the query of the template "file.name". Raises SettingError when there is none."""
        return Template(self._session, self._maps.find(name)).data(**values)

    def as_sql(self, query: Query) -> Statement:
        """Return a query's text and values, as a driver's cursor takes them, for the engine that was set up."""
        return query.compile(self._dialect(), {})

    def __getattr__(self, file: str) -> SqlFile:
        if file.startswith("_"):
            raise AttributeError(file)
        return SqlFile(self, file)

    def _dialect(self) -> Dialect:
        # Imported when used: a project with SQLite only needs no psycopg2.
        if self._maps.engine is Kind.SQLITE3:
            from .sqlite import SQLite

            return SQLite("")
        from .postgresql import PostgreSQL

        return PostgreSQL(())


class SqlFile:
    """The templates of one file: `was.sql.photos`."""

    def __init__(self, sql: Sql, file: str) -> None:
        self._sql = sql
        self._file = file

    def __getattr__(self, name: str) -> Template:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._sql.template(f"{self._file}.{name}")

    def __call__(self, /, **values: Any) -> Template:
        """Return the query of a file that is one template."""
        return self._sql.template(self._file, **values)
