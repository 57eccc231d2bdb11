"""A read that an event loop collects when its rows arrive: no thread waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from atila.upstream.task import Reply

from .connection import Connection
from .dialect import Statement
from .rows import Row

if TYPE_CHECKING:
    from .database import Database


class Arrival(Future[Reply[list[Row]]]):
    """One statement on a connection of its own, which goes back to the pool as soon as the rows are there."""

    def __init__(self, database: Database, connection: Connection, statement: Statement) -> None:
        """Take a connection on which the statement was sent. Called on the loop."""
        super().__init__()
        self._database = database
        self._connection: Connection | None = connection
        self._statement = statement
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._awaiting: list[asyncio.Future[None]] = []
        self._socket = connection.socket  # a connection that died does not tell it any more
        self._loop.add_reader(self._socket, self._collect, 0)

    def result(self, timeout: float | None = None) -> Reply[list[Row]]:
        """Return the reply. Raises TimeoutError. On its loop it blocks, and reads what the loop then cannot read."""
        if self._connection is not None and threading.get_ident() == self._thread:
            self._collect(timeout)
            if self._connection is not None:
                raise TimeoutError
        return super().result(timeout)

    async def arrived(self) -> None:
        """Wait for the reply, on any loop."""
        if threading.get_ident() != self._thread:
            await asyncio.wrap_future(self)
            return
        waiter = self._loop.create_future()
        self._awaiting.append(waiter)
        await waiter

    def _collect(self, timeout: float | None) -> None:
        connection = self._connection
        if connection is None or (reply := connection.collect(timeout)) is None:
            return
        self._connection = None
        self._loop.remove_reader(self._socket)  # before anybody else gets the connection
        again = connection.lost and not self._statement.writes
        self._database.pool.give_back(connection, self._statement.built)
        if again:
            self._database.threads("single").submit(self._repeat)
        else:
            self.set_result(reply)
            self._wake()

    def _repeat(self) -> None:
        self.set_result(self._database.run(self._statement))
        with contextlib.suppress(RuntimeError):  # the loop has ended, and who waited with it
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for waiter in self._awaiting:
            if not waiter.done():  # cancelled
                waiter.set_result(None)
