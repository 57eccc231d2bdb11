"""One connection to a database, and the cursor that single statements run on."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from atila.upstream.task import Reply

from .dialect import Dialect, Statement
from .rows import Row, read_rows

IDLE = 30.0  # seconds unused after which it is tried before it is used again
PROBE = Statement("SELECT 1", None, writes=False)
ROLLBACK = Statement("ROLLBACK", None, writes=True)


class Connection:
    """A connection that commits each statement by itself. Belongs to a pool, and to one user at a time."""

    __slots__ = ("_cursor", "_dialect", "_driver", "_waits", "generation", "lost", "used")

    def __init__(self, dialect: Dialect) -> None:
        """Open it. Raises the driver's error."""
        self._dialect = dialect
        self._driver = dialect.connect()
        self._waits = dialect.flies  # `execute` only sends
        self._cursor = self.cursor()
        self.lost = False  # it died on its user
        self.used = time.monotonic()
        self.generation = 0  # of the pool's connections

    def execute(self, statement: Statement) -> Reply[list[Row]]:
        """Run a statement and read its rows; the driver's error is in the reply."""
        try:
            self.run_on(self._cursor, statement)
            return self._read()
        except Exception as error:  # noqa: BLE001 - see `_failed`
            return _failed(error)

    def run_on(self, cursor: Any, statement: Statement) -> None:
        """Run a statement on a cursor of this connection. Raises the driver's error."""
        try:
            if statement.params is None:
                cursor.execute(statement.sql)
            else:
                cursor.execute(statement.sql, statement.params)
            if self._waits:
                self._dialect.wait(self._driver, None)
        except BaseException as error:
            self._look(error)
            raise

    def send(self, statement: Statement) -> Reply[list[Row]] | None:
        """Send a statement, for `collect` to read its rows; a reply is there at once when that failed."""
        try:
            self._cursor.execute(statement.sql, statement.params)
        except Exception as error:  # noqa: BLE001 - see `_failed`
            self._look(error)
            return _failed(error)
        return None

    @property
    def socket(self) -> int:
        """The number of its socket, which an event loop watches."""
        return int(self._driver.fileno())

    @property
    def sending(self) -> bool:
        """Whether a part of what was sent had not left when `collect` last looked."""
        return self._dialect.sending(self._driver)

    def collect(self, timeout: float | None) -> Reply[list[Row]] | None:
        """Wait for the end of what was sent, and read its rows; None when that takes more than `timeout` seconds."""
        try:
            if not self._dialect.wait(self._driver, timeout):
                return None
            return self._read()
        except BaseException as error:
            self._look(error)
            if not isinstance(error, Exception):
                raise
            return _failed(error)

    def cancel(self) -> None:
        """End what was sent, whose rows nobody wants; the connection is of no use then."""
        self.lost = True
        with contextlib.suppress(self._dialect.Error):
            self._dialect.cancel(self._driver)

    def _read(self) -> Reply[list[Row]]:
        cursor = self._cursor
        return Reply(read_rows(cursor), rowcount=cursor.rowcount)

    def _look(self, error: BaseException) -> None:
        # What interrupted a wait leaves the connection in the middle of something.
        self.lost = not isinstance(error, Exception) or self._dialect.lost(self._driver)

    def command(self, sql: str) -> None:
        """Run BEGIN, COMMIT and their like. Raises the driver's error."""
        self.execute(Statement(sql, None, writes=True)).check()

    def cursor(self) -> Any:
        """Return a new cursor, for reading rows in portions."""
        return self._driver.cursor()

    def answers(self) -> bool:
        """Say whether the connection works, by trying."""
        self.execute(PROBE)
        return not self.lost

    def roll_back(self) -> bool:
        """Roll back what was left open, and say whether there was something."""
        stray = not self.lost and self._dialect.in_transaction(self._driver)
        if stray:
            self.lost = self.execute(ROLLBACK).error is not None
        return stray

    def close(self) -> None:
        """Close it, if it is open."""
        with contextlib.suppress(self._dialect.Error):  # it was closed
            self._driver.close()


def _failed(error: Exception) -> Reply[list[Row]]:
    # Not only PEP 249's errors: psycopg2 raises TypeError and IndexError for a wrong number of values, and what reads a
    # column ValueError, for a date after 9999. Whoever waits gets it, and the connection goes back.
    return Reply(status_code=500, reason="Database Error", error=error)
