"""Rows: dictionaries whose fields are attributes too."""

from __future__ import annotations

from typing import Any


class Row(dict[str, Any]):
    """One row: `row.title` is `row["title"]`. A field named as a dict's method is read as `row["items"]`."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the row has no field {name!r}; it has {', '.join(self) or 'none'}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"the row has no field {name!r}") from None


def read_rows(cursor: Any, count: int | None = None) -> list[Row]:
    """Return the rows, or the next `count`, that a DB-API cursor holds; none after a statement that returns none."""
    description = cursor.description
    if description is None:
        return []
    # psycopg2's are objects whose name costs a third of their first item; sqlite3's are tuples.
    names = [column[0] if type(column) is tuple else column.name for column in description]
    found = cursor.fetchall() if count is None else cursor.fetchmany(count)
    return [Row(zip(names, values)) for values in found]  # noqa: B905 - a row has all columns; strict costs a third more
