"""Redis and Valkey: `was.redis("@cache").get("key")`. On redis-py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from atila.alias import Alias, Kind, Member
from atila.errors import SettingError

from .calls import Callback, Calls
from .members import Members
from .task import STA_NETERR, STA_TIMEOUT, Reply, Task

KINDS = (Kind.REDIS,)
Command = Sequence[Any]


class RedisStub(nullcontext[Any]):
    """The commands of one Redis, as redis-py names them: each returns its task at once.

    Answers are bytes, or text with `text=True`. A `with` block groups commands; it changes nothing else.
    """

    def __init__(
        self,
        calls: Calls,
        name: str,
        callback: Callback | None = None,
        timeout: float | None = None,
        *,
        text: bool = False,
    ) -> None:
        """Take "@alias"; `timeout` is in seconds. Raises SettingError for an alias that is not there or no Redis."""
        super().__init__(self)
        alias = calls.alias(name, *KINDS)
        if alias is None:
            raise SettingError(f"was.redis takes an alias such as '@cache', not {name!r}")
        self._calls = calls
        self._callback = callback
        self._timeout = calls.limits.timeout if timeout is None else timeout
        make = lambda: Servers(alias, text, calls.clients.loop.when_closing)  # noqa: E731 - needs what is here
        self._servers = calls.clients.client(("redis", alias, text), make)

    def __getattr__(self, name: str) -> Callable[..., Task[Any]]:
        if name.startswith("_") or not hasattr(redis.asyncio.Redis, name):
            raise AttributeError(f"redis-py has no command {name!r}")

        def command(*arguments: Any, **options: Any) -> Task[Any]:
            return self._fire(lambda client: getattr(client, name)(*arguments, **options))

        return command

    def pipeline(self, *commands: Command, transaction: bool = True) -> Task[list[Any]]:
        """Run commands together, as one transaction unless told otherwise: `pipeline(("set", "a", 1), ("incr", "a"))`.

        The data are their answers.
        """

        async def run(client: Any) -> Any:
            async with client.pipeline(transaction=transaction) as pipe:
                for name, *arguments in commands:
                    getattr(pipe, name)(*arguments)
                return await pipe.execute()

        return self._fire(run)

    def _fire(self, work: Callable[[Any], Any]) -> Task[Any]:
        return self._calls.task(self._servers.run(work, self._timeout), self._callback)


class Servers:
    """The connections to the servers of one alias. Lives as long as the process, on the loop of upstreams."""

    def __init__(self, alias: Alias, text: bool, when_closing: Callable[[Callable[[], Any]], None]) -> None:
        self.members = Members(alias)
        self._text = text
        self._clients: dict[int, Any] = {}
        when_closing(self._close)

    async def run(self, work: Callable[[Any], Any], patience: float) -> Reply[Any]:
        """Do something with a client, and return the reply; the next server is asked when one cannot be reached."""
        try:
            async with asyncio.timeout(patience):
                return Reply(await self._try(work, patience))
        except (TimeoutError, redis.exceptions.TimeoutError) as error:
            return Reply.failed(STA_TIMEOUT, error)
        except redis.exceptions.ConnectionError as error:
            return Reply.failed(STA_NETERR, error)
        except redis.exceptions.RedisError as error:
            return Reply(status_code=500, reason="Redis Error", error=error)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits gets it
            return Reply(status_code=500, reason="Request Failure", error=error)

    async def _try(self, work: Callable[[Any], Any], patience: float) -> Any:
        last: Exception | None = None
        for number, member in self.members.order():
            try:
                outcome = work(self._client(number, member, patience / len(self.members)))
                result = await outcome if asyncio.iscoroutine(outcome) or hasattr(outcome, "__await__") else outcome
            except redis.exceptions.ConnectionError as error:
                self.members.down(number)
                last = error
                continue
            self.members.up(number)
            return result
        raise last or RuntimeError("an alias has a member")

    def _client(self, number: int, member: Member, patience: float) -> Any:
        if number not in self._clients:
            self._clients[number] = redis.asyncio.Redis(
                host=member.host,
                port=member.port,
                db=int(member.database or 0),
                username=member.user or None,
                password=member.password or None,
                ssl=self.members.alias.ssl,
                max_connections=self.members.alias.max_conns,
                decode_responses=self._text,
                retry=Retry(NoBackoff(), 0),  # the next server is asked instead
                socket_connect_timeout=patience,
            )
        return self._clients[number]

    async def _close(self) -> None:
        while self._clients:
            await self._clients.popitem()[1].aclose()
