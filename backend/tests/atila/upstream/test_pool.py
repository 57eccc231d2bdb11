"""The pool of connections: who gets one, who waits, and which are closed; with SQLite's, which open fast."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from atila.alias import DB_SQLITE3, Alias
from atila.upstream.db import Database
from atila.upstream.db.connection import Connection
from atila.upstream.db.pool import Pool, PoolTimeoutError
from atila.upstream.db.sqlite import SQLite

Make = Callable[..., Pool]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return `make(size, patience)`: a pool on an empty file."""
    pools: list[Pool] = []

    def make(size: int = 3, patience: float = 2.0) -> Pool:
        pools.append(Pool(lambda: Connection(SQLite(str(tmp_path / "a.db"))), size, patience))
        return pools[-1]

    yield make
    for pool in pools:
        pool.renew()
        assert pool.state["idle"] == 0


def test_the_one_used_last_is_used_first(make: Make) -> None:
    pool = make()
    first, second = pool.take(), pool.take()
    pool.give_back(first)
    pool.give_back(second)
    assert pool.take() is second
    assert pool.take() is first
    assert pool.state == {"open": 2, "idle": 0, "waiting": 0, "size": 3}
    pool.give_back(first)
    pool.give_back(second)


def test_whoever_waits_gets_the_next_one(make: Make) -> None:
    pool = make(size=1)
    held = pool.take()
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(pool.take) for _ in range(2)]
        while pool.state["waiting"] < 2:
            time.sleep(0.001)
        pool.give_back(held)
        done = next(task for task in iter(lambda: next((w for w in waiting if w.done()), None), 0) if task is not None)
        pool.give_back(done.result())
        assert {task.result(2) for task in waiting} == {held}
    pool.give_back(held)
    assert pool.state == {"open": 1, "idle": 1, "waiting": 0, "size": 1}


def test_patience_ends(make: Make) -> None:
    pool = make(size=1, patience=0.05)
    held = pool.take()
    with pytest.raises(PoolTimeoutError, match=r"all 1 connections were in use for 0\.05 s"):
        pool.take()
    assert pool.take_now() is None
    pool.give_back(held)
    assert pool.take_now() is held
    pool.give_back(held)


def test_a_connection_that_cannot_be_opened_leaves_its_place(tmp_path: Path) -> None:
    pool = Pool(lambda: Connection(SQLite(str(tmp_path / "no" / "such.db"))), 1, 0.05)
    for _ in range(3):
        with pytest.raises(sqlite3.OperationalError, match="does not exist"):
            pool.take()
    assert pool.state["open"] == 0


def test_a_dead_one_makes_room_for_whoever_waits(make: Make) -> None:
    pool = make(size=1)
    held = pool.take()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.take)
        while not pool.state["waiting"]:
            time.sleep(0.001)
        held.lost = True
        pool.give_back(held)
        fresh = waiting.result(2)
    assert fresh is not held
    pool.give_back(fresh)


def test_one_that_was_idle_for_long_is_tried_first(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = make()
    old = pool.take()
    pool.give_back(old)
    old.used -= 100
    assert pool.take_now() is old  # it answers
    pool.give_back(old)
    old.used -= 100
    old.close()
    monkeypatch.setattr(SQLite, "lost", lambda dialect, driver: True)  # as a server's connection that was cut
    fresh = pool.take_now()
    assert fresh is not None
    assert fresh is not old
    pool.give_back(fresh)
    assert pool.state["open"] == 1


def test_those_nobody_needs_are_closed_one_by_one(make: Make) -> None:
    pool = make()
    held = [pool.take() for _ in range(3)]
    for connection in held:
        pool.give_back(connection)
    for connection in held[:2]:
        connection.used -= 100
    for left in (2, 1, 1):
        pool.give_back(pool.take())
        assert pool.state["open"] == left


def test_a_transaction_left_open_is_undone(make: Make) -> None:
    pool = make()
    connection = pool.take()
    connection.command("BEGIN")
    assert pool.give_back(connection) is True
    connection = pool.take()
    assert pool.give_back(connection) is False


def test_many_threads_never_share_one(make: Make) -> None:
    pool = make(size=4, patience=10)
    users: dict[int, int] = {}
    lock = threading.Lock()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(200):
            connection = pool.take() if chance.random() < 0.7 else pool.take_now()
            if connection is None:
                continue
            with lock:
                users[id(connection)] = users.get(id(connection), 0) + 1
                assert users[id(connection)] == 1
            if chance.random() < 0.02:
                connection.lost = True
            with lock:
                users[id(connection)] -= 1
            pool.give_back(connection)

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(work, range(12)))
    state = pool.state
    assert state["waiting"] == 0
    assert state["open"] == state["idle"] <= 4


def test_an_alias_says_how_many_and_how_long(tmp_path: Path) -> None:
    alias = Alias.parse("@db", DB_SQLITE3, str(tmp_path / "a.db"), max_conns=2, patience=0.05)
    database = Database(alias)
    held = [database.pool.take() for _ in range(2)]
    reply = database.session().execute("SELECT 1").dispatch()
    assert (reply.status_code, str(reply.error)) == (702, "all 2 connections were in use for 0.05 s")
    for connection in held:
        database.pool.give_back(connection)
    assert database.session().execute("SELECT 1 AS one").value() == 1
    database.close()


def test_settings_of_libpq_follow_a_url(postgresql_url: str) -> None:
    database = Database(f"{postgresql_url}?options=-c%20statement_timeout%3D50&application_name=photos")
    db = database.session()
    assert db.execute("SELECT current_setting('application_name') AS name").value() == "photos"
    with pytest.raises(db.Error, match="statement timeout"):
        db.execute("SELECT pg_sleep(5)").fetch()
    database.close()


def test_a_connection_that_was_opened_while_others_were_given_up_is_not_trusted(tmp_path: Path) -> None:
    opened: list[Connection] = []

    def connect() -> Connection:
        opened.append(Connection(SQLite(str(tmp_path / "a.db"))))
        if len(opened) == 1:
            pool.renew()  # another thread's connection was dead
        return opened[-1]

    pool = Pool(connect, 3, 1.0)
    assert pool.take() is opened[1]
    assert pool.state["open"] == 1
    pool.give_back(opened[1])
    pool.renew()


def test_a_connection_that_came_back_while_others_were_given_up_is_not_trusted(make: Make) -> None:
    pool = make()
    late = pool.take()
    pool.give_back(late)
    late.generation -= 1  # as if `renew` had been called in the middle of `give_back`
    assert pool.take_idle() is None
    found = pool.take()
    assert found is not late
    assert pool.state == {"open": 1, "idle": 0, "waiting": 0, "size": 3}
    pool.give_back(found)
    assert pool.take_idle() is found
    pool.give_back(found)
