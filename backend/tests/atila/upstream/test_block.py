"""Blocks whose connection dies under them, and the lane that runs an async block's steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from atila.upstream.db import Database
from atila.upstream.db.block import Lane
from tests.atila.upstream.test_transactions import count, kill_connections

PATIENCE = 10.0  # seconds until a test gives up


@pytest.fixture
def served(postgresql_url: str) -> Iterator[Database]:
    """A PostgreSQL, whose connections can be ended from outside, with an empty table."""
    opened = Database(postgresql_url)
    opened.session().execute("CREATE TABLE photo (id SERIAL, title TEXT)").commit()
    yield opened
    opened.close()


def test_a_connection_that_dies_in_an_inner_block_fails_both(served: Database, postgresql_url: str) -> None:
    caught: list[type[Exception]] = []
    with pytest.raises(served.dialect.Error), served.session() as db:
        db.insert("photo").data(title="outer").execute()
        try:
            with db:
                db.insert("photo").data(title="inner").execute()
                kill_connections(postgresql_url)
                db.insert("photo").data(title="never").execute()
        except served.dialect.Error as error:
            caught.append(type(error))
    assert len(caught) == 1
    assert count(served) == 0
    with served.session() as db:  # the next one has a connection of its own
        db.insert("photo").data(title="next").execute()
    assert count(served) == 1


def test_a_transaction_that_cannot_begin_fails_its_block(served: Database, postgresql_url: str) -> None:
    with pytest.raises(served.dialect.Error), served.session() as db:
        assert db.select("photo").count().execute().value() == 0  # borrows a connection, begins nothing
        kill_connections(postgresql_url)
        reply = db.insert("photo").data(title="never").execute().dispatch()
        assert reply.error is not None
    assert count(served) == 0


def test_an_inner_block_that_cannot_begin_says_so_at_once(served: Database, postgresql_url: str) -> None:
    with pytest.raises(served.dialect.Error), served.session() as db:
        assert db.select("photo").count().execute().value() == 0
        kill_connections(postgresql_url)
        with db:
            raise AssertionError("it is not entered")


def test_steps_run_one_after_another_in_their_order() -> None:
    done: list[int] = []
    with ThreadPoolExecutor(2) as first, ThreadPoolExecutor(4) as then:
        lane = Lane(first, then)
        steps = [lane.submit(done.append, number) for number in range(50)]
        for step in steps:
            step.result(PATIENCE)
    assert done == list(range(50))


def test_the_first_step_waits_elsewhere_than_those_after_it() -> None:
    with ThreadPoolExecutor(1, "first") as first, ThreadPoolExecutor(1, "then") as then:
        lane = Lane(first, then)
        names = [lane.submit(lambda: threading.current_thread().name).result(PATIENCE) for _ in range(2)]
        while names[-1].startswith("first"):  # the first thread takes what comes before it has looked
            names.append(lane.submit(lambda: threading.current_thread().name).result(PATIENCE))
    assert names[0].startswith("first")
    assert names[-1].startswith("then")


def test_a_step_that_was_cancelled_is_left_out_and_one_that_fails_stops_nothing() -> None:
    go_on = threading.Event()
    done: list[str] = []

    def fail() -> None:
        raise LookupError("no")

    with ThreadPoolExecutor(1) as threads:
        lane = Lane(threads, threads)
        waiting = lane.submit(go_on.wait, PATIENCE)
        cancelled: Future[None] = lane.submit(done.append, "cancelled")
        failed, last = lane.submit(fail), lane.submit(done.append, "last")
        assert cancelled.cancel()
        go_on.set()
        assert waiting.result(PATIENCE)
        with pytest.raises(LookupError):
            failed.result(PATIENCE)
        last.result(PATIENCE)
    assert done == ["last"]
