"""`was.transaction("@mydb")`: a transaction whose every step is written out."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from atila.upstream.task import on_loop

from .query import Query
from .rows import Row, read_rows

if TYPE_CHECKING:
    from .connection import Connection
    from .database import Database


class Transaction:
    """A connection in a transaction; for plain handlers. Lives until `putback` or the end of its `with` block.

    What was not committed by then is rolled back. After `commit` or `rollback` the next `execute` begins anew.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._cursor: Any = None
        self._begun = False

    def execute(self, query: str | Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> Transaction:
        """Run a query, or SQL with values in the driver's paramstyle. Raises the driver's error."""
        if on_loop():
            warnings.warn("was.transaction blocks the event loop: use `async with was.db(...)`", RuntimeWarning, 2)
        statement = self._database.prepare(query, params)
        if self._connection is None:
            self._connection = self._database.pool.take()
            self._cursor = self._connection.cursor()
        if not self._begun:
            self._connection.command(self._database.dialect.begin)
            self._begun = True
        self._connection.run_on(self._cursor, statement)
        return self

    def fetchone(self) -> Row | None:
        """Return the next row of the last statement, None after the last one."""
        rows = self.fetchmany(1)
        return rows[0] if rows else None

    def fetchmany(self, count: int) -> list[Row]:
        """Return the next rows, `count` at most."""
        return read_rows(self._executed(), count)

    def fetchall(self) -> list[Row]:
        """Return the rows that are left."""
        return read_rows(self._executed())

    fetch = fetchall

    def commit(self) -> None:
        """Make what was done last. Raises the driver's error."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Undo what was done since the last commit."""
        self._end("ROLLBACK")

    def putback(self) -> None:
        """Give the connection back; what was not committed is undone."""
        connection, self._connection = self._connection, None
        self._begun = False
        if connection is not None:
            self._cursor.close()
            self._database.pool.give_back(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.putback()

    def _executed(self) -> Any:
        if self._connection is None:
            raise RuntimeError("nothing to fetch: execute() comes first")
        return self._cursor

    def _end(self, command: str) -> None:
        if self._connection is not None and self._begun:
            self._begun = False
            self._connection.command(command)
