"""MongoDB: `was.mongodb("@docs", "photos").find({"city": "Seoul"})`. On pymongo, when it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
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
    """The connections to one MongoDB: all members are its replica set. Lives on the loop of upstreams."""

    def __init__(self, alias: Alias, when_closing: Callable[[Callable[[], Any]], None]) -> None:
        self.alias = alias
        self._client: Any = None
        when_closing(self._close)

    async def run(
        self, collection: str, method: str, arguments: tuple[Any, ...], options: dict[str, Any], patience: float
    ) -> Reply[Any]:
        """Call a method of a collection, and return the reply."""
        errors = pymongo.errors
        try:
            async with asyncio.timeout(patience):
                return Reply(await self._call(collection, method, arguments, options))
        except (TimeoutError, errors.ExecutionTimeout) as error:
            return Reply.failed(STA_TIMEOUT, error)
        except errors.ConnectionFailure as error:
            return Reply.failed(STA_NETERR, error)
        except Exception as error:  # noqa: BLE001 - the driver's, or a wrong argument: whoever waits gets it
            return Reply(status_code=500, reason="Database Error", error=error)

    async def _call(self, collection: str, method: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        outcome = getattr(self._database()[collection], method)(*arguments, **options)
        if hasattr(outcome, "__await__"):
            outcome = await outcome
        return await outcome.to_list() if hasattr(outcome, "to_list") else outcome

    def _database(self) -> Any:
        first = self.alias.members[0]
        options: dict[str, Any] = dict(first.options)
        if self._client is None:
            self._client = pymongo.AsyncMongoClient(
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
            await self._client.close()
