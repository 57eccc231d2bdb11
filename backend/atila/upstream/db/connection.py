"""A database: its pool of connections, and what runs single statements on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from atila.alias import Alias, Kind
from atila.upstream.task import STA_NETERR, STA_TIMEOUT, Reply

from .dialect import Dialect, Statement
from .query import Query
from .rows import Row, read_rows
from .session import Session
from .transaction import Transaction

if TYPE_CHECKING:
    from sqlalchemy.pool import QueuePool

KEPT = 8  # connections that stay open while nobody uses them
IDLE = 30.0  # seconds after which a connection is tried before it is used
PATIENCE = 10.0  # seconds to wait for a connection when all are taken


class Database:
    """One database and its connections. Lives as long as the process, or until `close`."""

    def __init__(self, target: str | Alias, patience: float = PATIENCE) -> None:
        """Take an alias or a URL; `patience` is in seconds. Opens nothing yet. Raises ValueError."""
        self.alias = Alias.from_url("@database", target) if isinstance(target, str) else target
        self.dialect = make_dialect(self.alias)
        # Imported here: it costs 27 MB, which processes without a database keep.
        from sqlalchemy.exc import TimeoutError as PoolTimeout
        from sqlalchemy.pool import QueuePool

        self.texts: dict[Any, str] = {}  # SQL by the shape of its query
        self._size = 1 if self.dialect.single else max(1, self.alias.max_conns)
        kept = min(KEPT, self._size)
        self._pool = QueuePool(
            self.dialect.connect,
            pool_size=kept,
            max_overflow=self._size - kept,
            timeout=patience,
            reset_on_return=None,  # `Lent.give_back` does it, when it is needed
            use_lifo=True,
        )
        self.refusals = (PoolTimeout, self.dialect.Error)  # what `borrow` raises
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def session(self, inline: bool = False) -> Session:
        """Return what runs queries for one request; an `inline` one blocks even an event loop."""
        return Session(self, inline)

    def transaction(self) -> Transaction:
        """Return an explicit transaction."""
        return Transaction(self)

    def prepare(self, query: str | Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> Statement:
        """Return the statement of a query, or of SQL in the driver's paramstyle ("?" or "%s") with its values.

        Raises ValueError or TypeError for what cannot be one.
        """
        if isinstance(query, Query):
            return query.compile(self.dialect, self.texts)
        adapt = self.dialect.adapt
        if isinstance(params, Mapping):
            return Statement(query, {name: adapt(value) for name, value in params.items()}, writes=True)
        return Statement(query, [adapt(value) for value in params] if params else None, writes=True)

    def run(self, statement: Statement) -> Reply[list[Row]]:
        """Run one statement that commits itself; a read is tried again when its connection was found dead."""
        reply, lost = self._run_once(statement)
        if lost and not statement.writes:
            reply, _ = self._run_once(statement)
        return reply

    def borrow(self) -> Lent:
        """Take a connection. Raises the driver's error, or sqlalchemy's TimeoutError when none comes free."""
        while True:
            lent = Lent(self, self._pool)
            if lent.answers():
                return lent
            lent.give_back()

    def renew(self, pool: QueuePool) -> None:
        """Give up a pool of which one connection turned out dead: the others are hardly better."""
        with self._lock:
            if self._pool is not pool:
                return
            self._pool = pool.recreate()
        pool.dispose()

    def owns(self, pool: QueuePool) -> bool:
        """Say whether a pool is still the one to give connections back to."""
        return self._pool is pool

    def threads(self, purpose: str) -> ThreadPoolExecutor:
        """Return the threads for one purpose. Those that wait for connections never hold up those that have one."""
        with self._lock:
            if purpose not in self._threads:
                self._threads[purpose] = ThreadPoolExecutor(self._size, f"db-{self.alias.name}-{purpose}")
            return self._threads[purpose]

    def submit(self, statement: Statement) -> Future[Reply[list[Row]]]:
        """Run one statement on a thread."""
        return self.threads("single").submit(self.run, statement)

    def close(self) -> None:
        """Close the idle connections and end the threads; a connection in use is closed when it comes back."""
        with self._lock:
            for threads in self._threads.values():
                threads.shutdown()
            self._threads.clear()
        self.renew(self._pool)

    def explain(self, error: Exception) -> Reply[list[Row]]:
        """Return the reply for an error that came instead of a connection."""
        return Reply.failed(STA_TIMEOUT if isinstance(error, self.refusals[0]) else STA_NETERR, error)

    def _run_once(self, statement: Statement) -> tuple[Reply[list[Row]], bool]:
        try:
            lent = self.borrow()
        except self.refusals as error:
            return self.explain(error), False
        try:
            reply = lent.execute(statement)
        finally:
            stray = lent.give_back()
        if stray:
            raise RuntimeError("a single statement opened a transaction, which was rolled back: use `with was.db(...)`")
        return reply, lent.lost


class Lent:
    """A connection on loan from the pool. Lives from `borrow` to `give_back`."""

    __slots__ = ("_connection", "_cursor", "_database", "_fairy", "_info", "_pool", "lost")

    def __init__(self, database: Database, pool: QueuePool) -> None:
        self._database = database
        self._pool = pool
        self._fairy = pool.connect()
        self._connection: Any = self._fairy.dbapi_connection
        self._info = self._fairy.info  # lives as long as the connection
        self._cursor: Any = self._info.get("cursor")
        if self._cursor is None:
            self._cursor = self._info["cursor"] = self.cursor()
        self.lost = False  # the connection died on us

    def execute(self, statement: Statement) -> Reply[list[Row]]:
        """Run a statement and read its rows; the driver's error is in the reply."""
        cursor = self._cursor
        try:
            self.run_on(cursor, statement)
            return Reply(read_rows(cursor), rowcount=cursor.rowcount)
        except self._database.dialect.Error as error:
            return Reply(status_code=500, reason="Database Error", error=error)

    def run_on(self, cursor: Any, statement: Statement) -> None:
        """Run a statement on a cursor of this connection. Raises the driver's error."""
        try:
            if statement.params is None:
                cursor.execute(statement.sql)
            else:
                cursor.execute(statement.sql, statement.params)
        except self._database.dialect.Error:
            self.lost = self._database.dialect.lost(self._connection)
            raise

    def command(self, sql: str) -> None:
        """Run BEGIN, COMMIT and their like. Raises the driver's error."""
        self.execute(Statement(sql, None, writes=True)).check()

    def cursor(self) -> Any:
        """Return a new cursor, for reading rows in portions."""
        return self._connection.cursor()

    def answers(self) -> bool:
        """Say whether the connection works; one that was used a moment ago is taken to."""
        used = self._info.get("used")
        if used is None or time.monotonic() - used < IDLE:
            return True
        self.execute(Statement("SELECT 1", None, writes=False))
        return not self.lost

    def give_back(self) -> bool:
        """Return the connection to the pool, or drop it when it is dead. Say whether it was in a transaction."""
        stray = not self.lost and self._database.dialect.in_transaction(self._connection)
        if stray:
            self.lost = self.execute(Statement("ROLLBACK", None, writes=True)).error is not None
        self._info["used"] = time.monotonic()
        if self.lost:
            self._database.renew(self._pool)
        if self._database.owns(self._pool):
            self._fairy.close()
        else:
            self._fairy.invalidate()  # its pool was given up
        return stray


def make_dialect(alias: Alias) -> Dialect:
    """Return the dialect of an alias. Raises ValueError when it is no SQL database."""
    # Imported when used: a project with SQLite only needs no psycopg2.
    if alias.kind is Kind.SQLITE3:
        from .sqlite import SQLite

        return SQLite(alias.members[0].database)
    if alias.kind is Kind.POSTGRESQL:
        from .postgresql import PostgreSQL

        return PostgreSQL(alias.members[0], alias.ssl)
    raise ValueError(f"{alias.name} is of kind {alias.kind}: was.db takes PostgreSQL and SQLite")
