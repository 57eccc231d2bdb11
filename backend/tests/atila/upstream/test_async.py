"""The same sessions in `async def` handlers: the loop goes on while threads work."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from atila.alias import Alias
from atila.concurrency import drive
from atila.errors import HTTPError
from atila.upstream.db import Database, Session, Sessions
from atila.upstream.db.registry import Databases


def count(database: Database) -> int:
    return int(database.session().select("photo").count().execute().value())


def test_a_query_is_awaited(database: Database, db: Session) -> None:
    async def handler() -> None:
        rows = await db.select("photo").filter(uid=1).execute()
        assert [row.id for row in rows] == [1, 2, 3]
        task = await db.select("photo").filter(id=1).execute().settled()
        assert task.one().title == "Alps"
        with pytest.raises(HTTPError, match="404"):
            (await db.select("photo").filter(id=99).execute().settled()).one()
        with pytest.raises(db.Error, match="nope"):
            await db.execute("SELECT nope FROM photo")
        with pytest.raises(ValueError, match="unknown operator"):
            db.select("photo").filter(a__b=1)

    asyncio.run(handler())


def test_queries_run_side_by_side(postgresql_url: str) -> None:
    database = Database(postgresql_url)

    async def handler() -> float:
        db = database.session()
        await db.execute("SELECT 1")
        loop = asyncio.get_running_loop()
        start = loop.time()
        ticks = asyncio.create_task(tick())
        await asyncio.gather(*(db.execute("SELECT pg_sleep(0.3)::text AS done").settled() for _ in range(3)))
        assert ticks.cancel()  # the loop was free all the time
        return loop.time() - start

    async def tick() -> None:
        while True:
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0.01)
            assert asyncio.get_running_loop().time() - before < 0.25

    assert asyncio.run(handler()) < 0.8
    database.close()


@pytest.mark.row("11.18")
def test_an_async_block_is_a_transaction(database: Database) -> None:
    async def handler() -> None:
        async with database.session() as db:
            for number in range(20):
                db.insert("photo").data(uid=number).execute()  # in this order, without waiting
            made = await db.insert("photo").data(title="last").returning("id").execute()
            assert made[0].id == 21
            assert await asyncio.to_thread(count, database) == 0
            with contextlib.suppress(ZeroDivisionError):
                async with db:
                    db.delete("photo").all().execute()
                    raise ZeroDivisionError
        assert [row.uid for row in await db.select("photo").order_by("id").limit(3).execute()] == [0, 1, 2]
        with pytest.raises(ZeroDivisionError):
            async with db:
                await db.delete("photo").all().execute()
                raise ZeroDivisionError
        with pytest.raises(db.IntegrityError):
            async with db:
                db.insert("photo").data(size=-1).execute()

    asyncio.run(handler())
    assert count(database) == 21


def test_a_request_that_is_cancelled_rolls_back_and_gives_its_connection_back(database_url: str) -> None:
    database = Database(Alias.from_url("@db", database_url, max_conns=1), patience=2)
    database.session().execute("CREATE TABLE photo (title TEXT)").commit()

    async def handler(inserted: asyncio.Event) -> None:
        async with database.session() as db:
            await db.insert("photo").data(title="a").execute()
            inserted.set()
            await asyncio.sleep(60)

    async def client() -> None:
        for _ in range(3):
            inserted = asyncio.Event()
            request = asyncio.create_task(handler(inserted))
            await inserted.wait()
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
        assert await database.session().select("photo").execute() == []

    asyncio.run(client())
    database.close()


def test_many_blocks_share_few_connections(database_url: str) -> None:
    database = Database(Alias.from_url("@db", database_url, max_conns=2), patience=20)
    database.session().execute("CREATE TABLE photo (size INTEGER)").commit()
    database.session().insert("photo").data(size=0).execute().commit()

    async def grow() -> None:
        async with database.session() as db:
            row = (await db.select("photo").for_update().execute())[0]
            await db.update("photo").set(size=row.size + 1).all().execute()

    async def client() -> None:
        await asyncio.gather(*(grow() for _ in range(20)))

    asyncio.run(client())
    assert database.session().select("photo").execute().one().size == 20
    database.close()


def test_tasks_side_by_side_have_transactions_of_their_own(database: Database) -> None:
    sessions = Sessions(Databases({"@database": database.alias}))

    async def write(title: str, fail: bool) -> None:
        async with sessions.open("@database") as db:
            await db.insert("photo").data(title=title).execute()
            if fail:
                raise ZeroDivisionError

    async def handler() -> list[Any]:
        writes = (write(title, title in "bd") for title in "abcd")
        return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(handler())
    assert [type(result) for result in results] == [type(None), ZeroDivisionError] * 2
    rows = database.session().select("photo").get("title").execute().fetch()
    assert sorted(row.title for row in rows) == ["a", "c"]


def test_the_two_kinds_of_blocks_do_not_mix(database: Database) -> None:
    async def plain_inside() -> None:
        async with database.session() as db:
            with pytest.raises(RuntimeError, match="`async with` too"):
                db.__enter__()

    async def plain_alone() -> None:
        db = database.session()
        with pytest.warns(RuntimeWarning, match="use `async with`"):
            db.__enter__()
        db.insert("photo").data(title="a").execute().commit()
        with pytest.raises(RuntimeError, match="`with` too"):
            await db.__aenter__()
        db.__exit__(None, None, None)

    asyncio.run(plain_inside())
    asyncio.run(plain_alone())
    assert count(database) == 1


def test_a_plain_handler_may_block_where_there_are_no_threads(database: Database) -> None:
    async def engine_without_threads() -> None:
        sessions = Sessions(Databases({"@database": database.alias}), inline=True)
        with sessions.open("@database") as db:
            db.insert("photo").data(title="a").execute().commit()
        assert sessions.open("@database").select("photo").execute().one().title == "a"

    asyncio.run(engine_without_threads())


def test_a_coroutine_that_a_thread_steps_has_blocks_too(database: Database) -> None:
    async def handler() -> list[Any]:
        async with database.session() as db:
            await db.insert("photo").data(title="a").execute()
            with contextlib.suppress(ZeroDivisionError):
                async with db:
                    await db.insert("photo").data(title="b").execute()
                    raise ZeroDivisionError
        return await db.select("photo").get("title").execute()

    assert drive(handler()) == [{"title": "a"}]
