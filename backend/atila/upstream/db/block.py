"""A `with` block on a database: one transaction on one connection, with savepoints inside."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, TypeVar

from atila.upstream.task import Reply

from .dialect import Statement
from .rows import Row

if TYPE_CHECKING:
    from .connection import Connection
    from .database import Database

Value = TypeVar("Value")


class Block:
    """The transaction of a `with` block and the blocks in it. Borrows a connection at its first statement.

    A statement that failed makes its block fail: PostgreSQL would quietly turn the COMMIT into a ROLLBACK, and SQLite
    keep the half. What may fail goes into a block of its own.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._begun = False
        self._failures: list[Exception | None] = [None]  # the first of each level, outermost level first

    @property
    def depth(self) -> int:
        """How many blocks are open, this one and those inside it."""
        return len(self._failures)

    def run(self, statement: Statement) -> Reply[list[Row]]:
        """Run a statement; one that writes begins the transaction."""
        try:
            connection = self._borrow()
        except self._database.refusals as error:
            reply = self._database.explain(error)
        else:
            reply = self._run_on(connection, statement)
        if reply.error is not None and self._failures[-1] is None:
            self._failures[-1] = reply.error
        return reply

    def nest(self) -> None:
        """Open a block inside. Raises the driver's error."""
        connection = self._borrow()
        self._run_on(connection, Statement(f"SAVEPOINT level_{self.depth}", None, writes=True)).check()
        self._failures.append(None)

    def leave(self, error: BaseException | None) -> None:
        """End the innermost block: keep its work, or undo it after an error. Raises the failure of its statements."""
        failure = self._failures.pop()
        keep = error is None and failure is None
        if self._failures:
            self._leave_inner(keep)
        else:
            self._leave_outer(keep)
        if error is None and failure is not None:
            raise failure

    def _leave_inner(self, keep: bool) -> None:
        connection = self._borrow()
        name = f"level_{self.depth}"
        if not keep and not connection.lost:
            connection.command(f"ROLLBACK TO SAVEPOINT {name}")
        if not connection.lost:
            connection.command(f"RELEASE SAVEPOINT {name}")

    def _leave_outer(self, keep: bool) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if keep and self._begun:
                connection.command("COMMIT")
        finally:
            self._database.pool.give_back(connection)  # rolls back what was not committed

    def _borrow(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.pool.take()
        return self._connection

    def _run_on(self, connection: Connection, statement: Statement) -> Reply[list[Row]]:
        if statement.writes and not self._begun:
            began = connection.execute(Statement(self._database.dialect.begin, None, writes=True))
            if began.error is not None:
                return began
            self._begun = True
        return connection.execute(statement)


class Lane:
    """Runs steps on threads one after another, in the order they came. Lives as long as its block.

    `first` are the threads for the step that may wait for a connection, `then` those for the steps after it.
    """

    def __init__(self, first: Executor, then: Executor) -> None:
        self._next, self._then = first, then
        self._steps: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._lock = threading.Lock()
        self._running = False

    def submit(self, step: Callable[..., Value], *args: Any) -> Future[Value]:
        """Queue a step."""
        future: Future[Value] = Future()
        with self._lock:
            self._steps.append((future, step, args))
            start, self._running = not self._running, True
        if start:
            executor, self._next = self._next, self._then
            executor.submit(self._work)
        return future

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._steps:
                    self._running = False
                    return
                future, step, args = self._steps.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(step(*args))
            except BaseException as error:  # noqa: BLE001 - whoever waits for the step gets it
                future.set_exception(error)
