"""A database: its pool of connections, and what runs single statements on them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from atila.alias import Alias, Kind
from atila.django_project import QuerySet, queryset_sql, resolve_alias
from atila.upstream.cache import Cache
from atila.upstream.task import STA_NETERR, STA_TIMEOUT, Reply

from .arrival import Arrival
from .connection import Connection
from .dialect import Dialect, Statement
from .flight import Flight, Flights
from .pool import Pool, PoolTimeoutError
from .query import Query
from .rows import Row
from .session import Asked, Session
from .sqlmaps import SqlMaps
from .transaction import Transaction

FLIGHTS = 8  # reads of one session that are under way at once
TRIES = 4  # of a read, on as many connections: several in the pool may have been hung up on at once


class Database:
    """One database and its connections. Lives as long as the process, or until `close`."""

    def __init__(self, target: str | Alias, patience: float | None = None) -> None:
        """Take an alias or a URL; `patience` (seconds) is the alias's by default. Opens nothing. Raises ValueError."""
        self.alias = Alias.from_url("@database", target) if isinstance(target, str) else target
        self.dialect = make_dialect(self.alias)
        self.texts: dict[Any, str] = {}  # SQL by the shape of its query
        self.cache = Cache()  # replies that were asked to be kept
        self.refusals = (PoolTimeoutError, self.dialect.Error)  # what `pool.take` raises
        self._size = 1 if self.dialect.single else max(1, self.alias.max_conns)
        self.pool = Pool(
            lambda: Connection(self.dialect), self._size, self.alias.patience if patience is None else patience
        )
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._lock = threading.Lock()

    def session(self, inline: bool = False, maps: SqlMaps | None = None, asked: Asked | None = None) -> Session:
        """Return what runs queries for one request; an `inline` one blocks even an event loop.

        `maps` are the templates of SQL that it finds, `asked` what was asked for its statements.
        """
        return Session(self, inline, maps, asked)

    def transaction(self) -> Transaction:
        """Return an explicit transaction."""
        return Transaction(self)

    def prepare(
        self, query: str | Query | QuerySet, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> Statement:
        """Return the statement of a query, of a Django QuerySet, or of SQL with its values, in the driver's paramstyle.

        Raises ValueError or TypeError for what cannot be one.
        """
        if isinstance(query, Query):
            return query.compile(self.dialect, self.texts)
        adapt = self.dialect.adapt
        if not isinstance(query, str):
            sql, values = queryset_sql(query, self.dialect.placeholder)
            return Statement(sql, [adapt(value) for value in values] if values else None, writes=False, flies=True)
        if isinstance(params, Mapping):
            return Statement(query, {name: adapt(value) for name, value in params.items()}, writes=True)
        bound = [adapt(value) for value in params] if params else None
        return Statement(query, bound, writes=True, flies=query.lstrip()[:6].lower() == "select")

    def run(self, statement: Statement) -> Reply[list[Row]]:
        """Run one statement that commits itself; a read is tried anew while its connections are found dead."""
        reply, lost = self._run_once(statement)
        tries = 1
        while lost and not statement.writes and tries < TRIES:
            reply, lost = self._run_once(statement)
            tries += 1
        return reply

    def fire(self, statement: Statement, flights: Flights) -> Flight | Reply[list[Row]]:
        """Send a read, and return what is going to have its rows; `flights` are those of the same session."""
        while len(flights) >= FLIGHTS:
            next(iter(flights)).result()
        try:
            connection = self.pool.take_now()
        except self.refusals as error:
            return self.explain(error)
        if connection is None:
            # Who holds connections and waits for another one would hold up those who do the same.
            for flight in list(flights):
                flight.result()
            return self.run(statement)
        failed = connection.send(statement)
        if failed is None:
            return Flight(self, connection, statement, flights)
        self.pool.give_back(connection)
        return self.run(statement) if connection.lost and not statement.writes else failed

    def abandon(self, connection: Connection) -> None:
        """End what was sent on a connection, and take that back: on a thread, as asking the server may take long."""
        try:
            self.threads("single").submit(self._abandon, connection)
        except RuntimeError:  # the process ends
            connection.close()

    def threads(self, purpose: str) -> ThreadPoolExecutor:
        """Return the threads for one purpose. Those that wait for connections never hold up those that have one."""
        with self._lock:
            if purpose not in self._threads:
                self._threads[purpose] = ThreadPoolExecutor(self._size, f"db-{self.alias.name}-{purpose}")
            return self._threads[purpose]

    def submit(self, statement: Statement) -> Future[Reply[list[Row]]]:
        """Run one statement for code on an event loop: a read of PostgreSQL on the loop, others on a thread."""
        connection = self.pool.take_idle() if statement.flies and self.dialect.flies else None
        if connection is None:
            return self.threads("single").submit(self.run, statement)
        reply = connection.send(statement) or connection.collect(0)
        if reply is None and not connection.sending:
            return Arrival(self, connection, statement)
        return self.threads("single").submit(self._finish, connection, statement, reply)

    def _finish(self, connection: Connection, statement: Statement, reply: Reply[list[Row]] | None) -> Reply[list[Row]]:
        if reply is None:
            return Flight(self, connection, statement, {}).result()
        self.pool.give_back(connection)
        return self.run(statement) if connection.lost and not statement.writes else reply

    def _abandon(self, connection: Connection) -> None:
        connection.cancel()
        self.pool.give_back(connection)

    def close(self) -> None:
        """Close the idle connections and end the threads; a connection in use is closed when it comes back."""
        with self._lock:
            for threads in self._threads.values():
                threads.shutdown()
            self._threads.clear()
        self.pool.renew()

    def explain(self, error: Exception) -> Reply[list[Row]]:
        """Return the reply for an error that came instead of a connection."""
        return Reply.failed(STA_TIMEOUT if isinstance(error, PoolTimeoutError) else STA_NETERR, error)

    def _run_once(self, statement: Statement) -> tuple[Reply[list[Row]], bool]:
        try:
            connection = self.pool.take()
        except self.refusals as error:
            return self.explain(error), False
        try:
            reply = connection.execute(statement)
        finally:
            stray = self.pool.give_back(connection)
        if stray:
            raise RuntimeError("a single statement opened a transaction, which was rolled back: use `with was.db(...)`")
        return reply, connection.lost


def make_dialect(alias: Alias) -> Dialect:
    """Return the dialect of an alias. Raises ValueError when it is no SQL database."""
    if alias.kind is Kind.DJANGO:
        alias = resolve_alias(alias)
    # Imported when used: a project with SQLite only needs no psycopg2.
    if alias.kind is Kind.SQLITE3:
        from .sqlite import SQLite

        return SQLite(alias.members[0].database, alias.patience)
    if alias.kind is Kind.POSTGRESQL:
        from .postgresql import PostgreSQL

        return PostgreSQL(alias.members, alias.ssl)
    raise ValueError(f"{alias.name} is of kind {alias.kind}: was.db takes PostgreSQL and SQLite")
