"""Databases by alias: one of each in a process, and the sessions that a request has with them.

`was.db` is `Sessions.of(platform, request)`, and `was.transaction` its `transaction`.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from atila.alias import Alias
from atila.errors import SettingError
from atila.http.request import Request
from atila.platform import Platform
from atila.upstream.task import Reply, on_loop

if TYPE_CHECKING:  # what follows is loaded with the first session
    from .database import Database
    from .everywhere import Everywhere
    from .session import Session
    from .sqlmaps import SqlMaps
    from .transaction import Transaction

CACHE_SIZE = 16_000_000  # bytes of the replies that a database keeps


def open_databases(platform: Platform) -> Databases:
    """Return the databases of a platform; none is opened before it is used."""
    return Databases(platform.aliases)


class Databases:
    """The databases of one process, by alias. A resource of the platform: closed with it."""

    def __init__(self, aliases: Mapping[str, Alias]) -> None:
        self._aliases = aliases
        self._open: dict[str, Database] = {}
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __call__(self, name: str) -> Session:
        """Return a new session with '@name'. Raises SettingError for an unknown alias."""
        return self.find(name).session()

    def find(self, name: str) -> Database:
        """Return the database '@name'. Raises SettingError for an unknown alias."""
        alias = self._aliases.get(name)
        if alias is None:
            raise SettingError(f"there is no alias {name!r}; known: {', '.join(self._aliases) or 'none'}")
        return self.get(alias)

    def find_members(self, name: str) -> list[Database]:
        """Return a database for each member of '@name'. Raises SettingError for an unknown alias."""
        alias = self.find(name).alias
        alone = (replace(alias, name=f"{name}/{place}", members=(each,)) for place, each in enumerate(alias.members))
        return [self.get(each) for each in alone]

    def get(self, alias: Alias) -> Database:
        """Return the database of an alias. Raises ValueError when the alias is no SQL database."""
        database = self._open.get(alias.name)
        if database is not None and database.alias is alias and self._process == os.getpid():
            return database
        with self._lock:
            if self._process != os.getpid():
                self._open, self._process = {}, os.getpid()  # a fork's connections belong to its parent
            database = self._open.get(alias.name)
            if database is None or database.alias != alias:
                from .database import Database

                if database is not None:
                    database.close()
                database = self._open[alias.name] = Database(alias)
        return database

    def usage(self) -> dict[str, dict[str, int]]:
        """Return the state of every pool that is in use, by alias; see `Pool.state`."""
        return {name: database.pool.state for name, database in list(self._open.items())}

    def close(self) -> None:
        """Close every connection that is not in use, and those in use when they come back."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()


class Sessions:
    """One request's sessions. Lives as long as the request.

    `was.db("@mydb")` twice is the same session: inside a `with` block of it, statements belong to its transaction, and
    another block is a savepoint. Tasks that an `async def` handler runs side by side have sessions of their own.
    """

    def __init__(
        self,
        databases: Databases,
        inline: bool = False,
        maps: SqlMaps | None = None,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        """Take the process's databases, whether the handler is a plain one, which may block where it runs, the app's
        templates of SQL, and how many bytes of replies a database keeps.
        """
        from .session import Asked

        self._asked = Asked(cache_size=cache_size)
        self._databases = databases
        self._inline = inline
        self._maps = maps
        self._open: dict[tuple[str, object], Session] = {}

    @classmethod
    def of(
        cls, platform: Platform, request: Request, maps: SqlMaps | None = None, cache_size: int = CACHE_SIZE
    ) -> Sessions:
        """Return the sessions of a request; those of a plain handler are inline."""
        route = request.route
        return cls(platform.resource(open_databases), route is not None and not route.asynchronous, maps, cache_size)

    @classmethod
    def outside(cls, platform: Platform, maps: SqlMaps | None = None) -> Sessions:
        """Return sessions for code that runs outside a request, such as a step of the app's start: they are inline."""
        return cls(platform.resource(open_databases), True, maps)

    def __call__(
        self, name: str, callback: Callable[[Reply[Any]], object] | None = None, use_cache: bool | float = True
    ) -> Session:
        """Return the session with '@name'. Raises SettingError for an unknown alias.

        With a `callback`, a session whose statements call it with their reply when that is there. `use_cache` is
        whether replies that `dispatch(cache=…)` kept are used, or a time (`was.getlu`) that they must be younger than.
        """
        if callback is None and use_cache is True:
            return self.open(name)
        from .session import Session

        asked = self._asked._replace(callback=callback, use_cache=use_cache)
        return Session(self._databases.find(name), self._inline, self._maps, asked)

    lb = __call__  # each new connection is to a member chosen by weight

    def map(self, name: str) -> Everywhere:
        """Return what runs a query on every member of '@name' at once. Raises SettingError for an unknown alias."""
        from .everywhere import Everywhere
        from .session import Session

        databases = self._databases.find_members(name)
        sessions = [Session(database, self._inline, self._maps, self._asked) for database in databases]
        return Everywhere(sessions, self._maps)

    def open(self, name: str) -> Session:
        """Return the session with '@name', the same one each time. Raises SettingError for an unknown alias."""
        key = (name, asyncio.current_task() if on_loop() else threading.get_ident())
        session = self._open.get(key)
        if session is None:
            session = self._open[key] = self._databases.find(name).session(self._inline, self._maps, self._asked)
        return session

    def transaction(self, name: str) -> Transaction:
        """Return an explicit transaction on '@name'. Raises SettingError for an unknown alias."""
        return self._databases.find(name).transaction()
