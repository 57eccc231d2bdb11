"""A request's way to a database: queries, single statements, and `with` blocks that are transactions."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from atila.django_project import QuerySet
from atila.errors import SettingError
from atila.upstream.task import Reply, Task, on_loop

from .block import Block, Lane
from .dialect import Statement
from .flight import Flights
from .query import Query
from .replies import Place
from .rows import Row
from .select import Select
from .sqlmaps import SqlMaps
from .template import Template
from .writes import Delete, Insert, Update

if TYPE_CHECKING:
    from .database import Database


class Asked(NamedTuple):
    """What `was.db` was asked beside a name: whom to call with replies, and which kept replies to use."""

    callback: Callable[[Reply[Any]], object] | None = None
    use_cache: bool | float = True
    cache_size: int = 16_000_000  # bytes of the replies that a database keeps


PLAIN = Asked()


class Session:
    """What `was.db("@mydb")` gives. Used by one request; holds a connection only inside a `with` block.

    Without a block each statement commits by itself. A `with` block is one transaction: it is committed at its end,
    and rolled back when an exception leaves it or a statement in it failed. It begins with the first statement that
    may write. A block inside a block is a savepoint. In an `async def` handler it is `async with`.

    On an event loop statements run on threads and their tasks are awaited; an `inline` session, a plain handler's,
    blocks even there, for engines that have no threads.
    """

    def __init__(
        self, database: Database, inline: bool = False, maps: SqlMaps | None = None, asked: Asked | None = None
    ) -> None:
        self._database = database
        self._maps = maps
        self._asked = asked or PLAIN
        self._inline = inline
        self._block: Block | None = None
        self._lane: Lane | None = None  # of an async block
        self._flights: Flights = {}  # reads that are under way
        self._depth = 0  # blocks that are open

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 - PEP 249's name
        """The driver's base error."""
        return self._database.dialect.Error

    @property
    def IntegrityError(self) -> type[Exception]:  # noqa: N802 - PEP 249's name
        """The driver's error for a value that is taken, missing or refused by a constraint."""
        return self._database.dialect.IntegrityError

    def select(self, table: str | Select) -> Select:
        """Start a query that reads a table, or what `query.as_("q")` gives."""
        return Select(self, table)

    def insert(self, table: str) -> Insert:
        """Start a query that adds rows."""
        return Insert(self, table)

    def update(self, table: str) -> Update:
        """Start a query that changes rows."""
        return Update(self, table)

    def delete(self, table: str) -> Delete:
        """Start a query that removes rows."""
        return Delete(self, table)

    def template(self, name: str, /, **values: Any) -> Template:
        """Start the query of the template "file.name", as `was.sql` does. Raises SettingError when there is none."""
        if self._maps is None:
            raise SettingError("templates of SQL belong to an app: use was.db(…).template")
        return Template(self, self._maps.find(name)).data(**values)

    def execute(
        self, query: str | Query | QuerySet, params: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> Task[list[Row]]:
        """Run a query, a Django QuerySet, or SQL with values in the driver's paramstyle: "?" or, PostgreSQL's, "%s".

        Raises ValueError or TypeError at once for what cannot be a query or a value.
        """
        statement = self._database.prepare(query, params)
        if self._block is None:
            if isinstance(query, Select) and query.locks:
                raise RuntimeError("for_update() locks until the end of a `with` block, and there is none")
            task = self._run_alone(statement)
        elif self._lane is None:
            task = Task(self._block.run(statement))
        else:
            task = Task(self._lane.submit(self._block.run, statement))
        if self._asked.callback is not None:
            task.when_done(partial(_report, task, self._asked.callback))
        return task

    def _run_alone(self, statement: Statement) -> Task[list[Row]]:
        database = self._database
        place = Place(database.cache, statement, self._asked.cache_size) if statement.flies else None
        if place is not None and database.cache.size:
            reply = place.find(self._asked.use_cache)
            if reply is not None:
                return Task(reply, place)
        if on_loop():
            return Task(database.run(statement) if self._inline else database.submit(statement), place)
        if place is not None and database.dialect.flies:
            return Task(database.fire(statement, self._flights), place)
        return Task(database.run(statement), place)

    def __enter__(self) -> Self:
        if self._lane is not None:
            raise RuntimeError("inside `async with` a block is `async with` too")
        if not self._inline and on_loop():
            warnings.warn("`with was.db(...)` blocks the event loop: use `async with`", RuntimeWarning, stacklevel=2)
        if self._block is None:
            self._block = Block(self._database)
        else:
            self._block.nest()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        block = self._close_level()
        block.leave(error)

    async def __aenter__(self) -> Self:
        if not on_loop():
            return self.__enter__()  # a coroutine that a worker thread steps
        if self._block is None:
            self._block = Block(self._database)
            self._lane = Lane(self._database.threads("block"), self._database.threads("held"))
        elif self._lane is None:
            raise RuntimeError("inside `with` a block is `with` too")
        else:
            await _finish(self._lane.submit(self._block.nest))
        self._depth += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lane = self._lane
        block = self._close_level()
        if lane is None:
            block.leave(error)
            return
        await _finish(lane.submit(block.leave, error))

    def _close_level(self) -> Block:
        block = self._block
        if block is None:
            raise RuntimeError("no block is open")
        self._depth -= 1
        if self._depth == 0:
            self._block = self._lane = None
        return block


def _report(task: Task[list[Row]], callback: Callable[[Reply[Any]], object]) -> None:
    callback(task.dispatch())


async def _finish(step: Future[None]) -> None:
    # Shielded: a request that is cancelled here must still end its transaction and give its connection back.
    await asyncio.shield(asyncio.wrap_future(step))
