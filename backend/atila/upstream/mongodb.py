"""MongoDB: `was.mongodb("@docs", "photos").find({"city": "Seoul"})`. On pymongo, when it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from typing import Any

from atila.alias import Alias, Kind
from atila.errors import SettingError

from .calls import Callback, Calls
from .task import STA_NETERR, STA_TIMEOUT, Reply, Task

try:
    import pymongo
    import pymongo.errors
except ImportError:  # told at the first use
    pymongo = None  # type: ignore[assignment]  # what an optional package is when it is not there

KINDS = (Kind.MONGODB,)
THREADS = 16  # calls at once, of one alias in one process
PATIENCE = {"serverSelectionTimeoutMS": "5000", "connectTimeoutMS": "5000", "socketTimeoutMS": "30000"}  # of a thread


class MongoStub(nullcontext[Any]):
    """The methods of one collection, as pymongo names them: each returns its task at once.

    A cursor's data is the list of its documents. A `with` block groups calls; it changes nothing else.
    """

    def __init__(
        self,
        calls: Calls,
        name: str,
        collection: str,
        callback: Callback | None = None,
        timeout: float | None = None,
    ) -> None:
        """Take "@alias" and a collection of its database; `timeout` is in seconds.

        Raises SettingError without pymongo, and for an alias that is not there or no MongoDB.
        """
        super().__init__(self)
        alias = calls.alias(name, *KINDS)
        if alias is None:
            raise SettingError(f"was.mongodb takes an alias such as '@docs', not {name!r}")
        if pymongo is None:
            raise SettingError(f"was.mongodb({name!r}) needs the package pymongo: pip install pymongo")
        self._calls = calls
        self._callback = callback
        self._timeout = calls.limits.timeout if timeout is None else timeout
        make = lambda: Server(alias, calls.clients.loop.when_closing)  # noqa: E731 - needs what is here
        self._server = calls.clients.client(("mongodb", alias), make)
        self._collection = collection

    def __getattr__(self, name: str) -> Callable[..., Task[Any]]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(*arguments: Any, **options: Any) -> Task[Any]:
            work = self._server.run(self._collection, name, arguments, options, self._timeout)
            return self._calls.task(work, self._callback)

        return call


class Server:
    """The connections to one MongoDB: all members are its replica set. Lives as long as the process.

    Its calls run on threads: pymongo's own asyncio leaves a socket open when what connects is cancelled.
    """

    def __init__(self, alias: Alias, when_closing: Callable[[Callable[[], Any]], None]) -> None:
        self.alias = alias
        self._threads = ThreadPoolExecutor(min(THREADS, alias.max_conns), f"mongodb-{alias.name}")
        self._client: Any = None
        when_closing(self._close)

    async def run(
        self, collection: str, method: str, arguments: tuple[Any, ...], options: dict[str, Any], patience: float
    ) -> Reply[Any]:
        """Call a method of a collection, and return the reply."""
        errors = pymongo.errors
        call = partial(self._call, collection, method, arguments, options)
        try:
            async with asyncio.timeout(patience):
                return Reply(await asyncio.get_running_loop().run_in_executor(self._threads, call))
        except (TimeoutError, errors.ExecutionTimeout, errors.NetworkTimeout) as error:
            return Reply.failed(STA_TIMEOUT, error)
        except errors.ConnectionFailure as error:
            return Reply.failed(STA_NETERR, error)
        except Exception as error:  # noqa: BLE001 - the driver's, or a wrong argument: whoever waits gets it
            return Reply(status_code=500, reason="Database Error", error=error)

    def _call(self, collection: str, method: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        outcome = getattr(self._database()[collection], method)(*arguments, **options)
        return outcome.to_list() if hasattr(outcome, "to_list") else outcome

    def _database(self) -> Any:
        first = self.alias.members[0]
        options: dict[str, Any] = PATIENCE | dict(first.options)
        if self._client is None:
            self._client = pymongo.MongoClient(
                [f"{member.host}:{member.port}" for member in self.alias.members],
                username=first.user or None,
                password=first.password or None,
                tls=self.alias.ssl,
                maxPoolSize=self.alias.max_conns,
                **options,
            )
        return self._client[first.database or "test"]

    async def _close(self) -> None:
        if self._client is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._client.close)
        self._threads.shutdown(wait=False)
