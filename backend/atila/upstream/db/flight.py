"""A read that was sent to the database while its handler goes on: it is over when somebody asks for its rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING, Any

from atila.upstream.task import Reply

from .connection import Connection
from .dialect import Statement
from .rows import Row

if TYPE_CHECKING:
    from .database import Database

Flights = dict["Flight", None]  # in the order they were sent


class Flight:
    """One statement on a connection of its own, which goes back to the pool with the rows. Safe for all threads.

    It has what a task asks of a future. No thread waits for it until `result` is called, or `add_done_callback`.
    """

    __slots__ = ("_connection", "_database", "_flights", "_lock", "_reply", "_statement")

    def __init__(self, database: Database, connection: Connection, statement: Statement, flights: Flights) -> None:
        """Take a connection on which the statement was sent, and the flights of the same session."""
        self._database = database
        self._connection: Connection | None = connection
        self._statement = statement
        self._flights = flights
        self._reply: Reply[list[Row]] | None = None
        self._lock = threading.Lock()
        flights[self] = None

    def done(self) -> bool:
        """Say whether the rows are there; does not wait."""
        if self._reply is None and self._lock.acquire(blocking=False):
            try:
                self._try(0)
            finally:
                self._lock.release()
        return self._reply is not None

    def result(self, timeout: float | None = None) -> Reply[list[Row]]:
        """Return the reply. Raises TimeoutError when it takes more than `timeout` seconds."""
        if self._reply is not None:
            return self._reply
        with self._lock:
            reply = self._try(timeout)
        if reply is None:
            raise FutureTimeout
        return reply

    def cancelled(self) -> bool:
        """Say no."""
        return False

    def exception(self) -> None:
        """Return nothing: errors are in the reply."""

    def add_done_callback(self, call: Callable[[Any], object]) -> None:
        """Have a function called with this once the rows are there: at once, or later on a thread."""
        if self.done():
            call(self)
        else:
            self._database.threads("single").submit(self._end_and_call, call)

    def _end_and_call(self, call: Callable[[Any], object]) -> None:
        self.result()
        call(self)

    def _try(self, timeout: float | None) -> Reply[list[Row]] | None:
        connection = self._connection
        if connection is None:
            return self._reply
        reply = connection.collect(timeout)
        if reply is None:
            return None
        self._connection = None
        self._flights.pop(self, None)
        self._database.pool.give_back(connection, self._statement.built)
        if connection.lost and not self._statement.writes:
            reply = self._database.run(self._statement)
        self._reply = reply
        return reply

    def __del__(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:  # nobody waited for its end
            self._database.abandon(connection)
