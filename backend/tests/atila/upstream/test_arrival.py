"""Reads of PostgreSQL that an event loop collects as they arrive, without threads."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from atila.alias import Alias
from atila.upstream.db import Database, Fn
from tests.atila.upstream.test_transactions import kill_connections

NAP = "SELECT pg_sleep(%s) AS nap, %s AS number"
PATIENCE = 20.0  # seconds until a test gives up


@pytest.fixture
def served(postgresql_url: str) -> Iterator[Database]:
    """A database with four connections that were used a moment ago."""
    opened = Database(Alias.from_url("@db", postgresql_url, max_conns=4), patience=2)
    held = [opened.pool.take() for _ in range(4)]
    for connection in held:
        opened.pool.give_back(connection)
    yield opened
    opened.close()


def run(work: Any) -> Any:
    return asyncio.run(asyncio.wait_for(work, PATIENCE))


@pytest.mark.row("11.18")
def test_reads_run_side_by_side_without_threads(served: Database) -> None:
    async def work() -> list[int]:
        db = served.session()
        naps = [db.execute(NAP, [0.2, number]) for number in range(3)]
        assert not any(thread.name.startswith("db-") for thread in threading.enumerate())
        return [(await nap)[0].number for nap in naps]

    started = time.monotonic()
    assert run(work()) == [0, 1, 2]
    assert time.monotonic() - started < 0.55
    assert served.pool.state["idle"] == 4


def test_more_reads_than_connections(served: Database) -> None:
    async def work() -> list[int]:
        db = served.session()
        naps = [db.execute(NAP, [0.01, number]) for number in range(20)]
        return [(await nap)[0].number for nap in reversed(naps)]

    assert run(work()) == list(range(19, -1, -1))
    assert served.pool.state["open"] == served.pool.state["idle"] == 4


def test_several_wait_for_one_and_one_gives_up(served: Database) -> None:
    async def work() -> list[Any]:
        nap = served.session().execute(NAP, [0.1, 5])
        leaving = asyncio.ensure_future(nap.settled())
        waiting = [asyncio.ensure_future(nap.settled()) for _ in range(3)]
        await asyncio.sleep(0.01)
        leaving.cancel()
        found = await asyncio.gather(*waiting)
        return [task.one().number for task in found]

    assert run(work()) == [5, 5, 5]


def test_rows_nobody_waits_for_are_collected_all_the_same(served: Database) -> None:
    async def work() -> None:
        served.session().execute(NAP, [0.05, 1])
        assert served.pool.state["idle"] == 3
        while served.pool.state["idle"] < 4:  # noqa: ASYNC110 - the pool tells nobody
            await asyncio.sleep(0.01)

    run(work())


def test_blocking_on_the_loop_is_warned_about_and_works(served: Database) -> None:
    async def work() -> int:
        nap = served.session().execute(NAP, [0.05, 3])
        with pytest.warns(RuntimeWarning, match="blocks the event loop"):
            assert nap.dispatch(0.01).status_code == 702
        with pytest.warns(RuntimeWarning, match="blocks the event loop"):
            return int(nap.one().number)

    assert run(work()) == 3


def test_another_thread_may_ask(served: Database) -> None:
    async def work() -> int:
        nap = served.session().execute(NAP, [0.05, 4])
        return int((await asyncio.to_thread(nap.one)).number)

    assert run(work()) == 4


def test_a_read_whose_connection_died_is_sent_again(served: Database, postgresql_url: str) -> None:
    async def work() -> list[int]:
        db = served.session()
        nap = db.select("pg_class").get(number=Fn("abs", 7), nap=Fn("pg_sleep", 0.3)).limit(1)
        await asyncio.to_thread(kill_connections, postgresql_url)
        first = (await nap.execute())[0].number
        slow = nap.execute()
        raw = db.execute(NAP, [0.3, 2])  # may do anything: its sender decides
        await asyncio.sleep(0.05)
        await asyncio.to_thread(kill_connections, postgresql_url)
        with pytest.raises(served.dialect.Error):
            await raw
        return [first, (await slow)[0].number]

    assert run(work()) == [7, 7]


def test_an_error_and_a_large_question(served: Database) -> None:
    for _ in range(4):
        connection = served.pool.take()
        with socket.socket(fileno=os.dup(connection.socket)) as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # a large question leaves bit by bit
        served.pool.give_back(connection)
        served.pool._idle.rotate()

    async def work() -> int:
        db = served.session()
        with pytest.raises(served.dialect.Error, match="division by zero"):
            await db.execute("SELECT 1 / (n - 3) AS x FROM generate_series(1, 5) n")
        rows = await db.execute("SELECT length(%s) AS n, pg_sleep(0.05)", ["x" * 8_000_000])
        assert len(await db.execute("SELECT generate_series(1, 30000) AS n")) == 30_000
        return int(rows[0].n)

    assert run(work()) == 8_000_000
    assert served.pool.state["open"] == served.pool.state["idle"]


def test_a_read_is_awaited_on_the_loop_of_another_thread(served: Database) -> None:
    async def wait(nap: Any) -> int:
        return int((await nap)[0].number)

    async def work() -> int:
        nap = served.session().execute(NAP, [0.1, 6])
        return await asyncio.to_thread(asyncio.run, wait(nap))

    assert run(work()) == 6


def test_a_read_that_a_thread_sent_is_awaited_on_a_loop(served: Database) -> None:
    nap = served.session(inline=True).execute(NAP, [0.1, 8])

    async def work() -> int:
        return int((await nap)[0].number)

    assert run(work()) == 8


def test_a_plain_handler_on_the_loop_reads_again_when_its_connection_died(
    served: Database, postgresql_url: str
) -> None:
    kill_connections(postgresql_url)

    async def work() -> int:
        return int(served.session(inline=True).select("pg_class").get(n=Fn("abs", 7)).limit(1).execute().value())

    assert run(work()) == 7
