"""Reads that are under way while the handler goes on: PostgreSQL's, in plain handlers."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from atila.alias import Alias
from atila.upstream.db import Database, Fn, Session
from atila.upstream.db.postgresql import PostgreSQL
from atila.upstream.task import STA_NORMAL, STA_TIMEOUT
from tests.atila.upstream.test_transactions import kill_connections

NAP = "SELECT pg_sleep(%s) AS nap, %s AS number"


@pytest.fixture
def served(postgresql_url: str) -> Iterator[Database]:
    opened = Database(postgresql_url, patience=2)
    opened.session().execute("CREATE TABLE photo (id SERIAL PRIMARY KEY, title TEXT)").commit()
    yield opened
    opened.close()


@pytest.fixture
def flying(served: Database) -> Session:
    return served.session(inline=True)


@pytest.mark.row("11.18")
def test_reads_run_side_by_side_on_one_thread(flying: Session) -> None:
    started = time.monotonic()
    naps = [flying.execute(NAP, [0.3, number]) for number in range(3)]
    assert time.monotonic() - started < 0.25
    assert [nap.one().number for nap in naps] == [0, 1, 2]
    assert 0.3 <= time.monotonic() - started < 0.75
    assert threading.active_count() < 20


def test_a_read_that_takes_long_is_left_and_found_again(served: Database, flying: Session) -> None:
    nap = flying.execute(NAP, [0.2, 1])
    assert nap.dispatch(0.02).status == STA_TIMEOUT
    assert nap.dispatch(wait=False).status_code == 0
    assert nap.one().number == 1
    assert nap.done
    assert nap.dispatch().status == STA_NORMAL
    assert served.pool.state["idle"] == served.pool.state["open"]


def test_whoever_waits_on_another_thread_is_called(flying: Session) -> None:
    called = threading.Event()
    nap = flying.execute(NAP, [0.1, 1])
    nap.when_done(called.set)
    assert not called.is_set()
    assert called.wait(5)
    again = threading.Event()
    nap.when_done(again.set)
    assert again.is_set()
    with ThreadPoolExecutor(4) as threads:
        nap = flying.execute(NAP, [0.1, 2])
        assert [task.result().number for task in [threads.submit(nap.one) for _ in range(4)]] == [2] * 4


def test_a_read_nobody_wants_any_more_is_ended(served: Database) -> None:
    nap = served.session(inline=True).execute(NAP, [60, 1])
    nap.dispatch(0.01)
    session = served.session(inline=True)
    del nap
    gc.collect()
    running = "SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE %s AND state = 'active'"
    deadline = time.monotonic() + 5
    while session.execute(running, ["SELECT pg_sleep(60)%"]).value() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert session.execute(running, ["SELECT pg_sleep(60)%"]).value() == 0
    assert served.pool.state["idle"] == served.pool.state["open"] >= 1


def test_a_failed_read_that_nobody_looks_at_is_logged(flying: Session, caplog: pytest.LogCaptureFixture) -> None:
    flying.execute("SELECT nope FROM photo")
    deadline = time.monotonic() + 5
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.01)
    assert "nobody looked" in caplog.text
    assert "nope" in caplog.text


def test_a_loop_that_fires_reads_never_takes_all_connections(postgresql_url: str) -> None:
    small = Database(Alias.from_url("@small", postgresql_url, max_conns=3), patience=1)

    def read(number: int) -> list[int]:
        session = small.session(inline=True)
        tasks = [session.execute("SELECT %s::int AS n", [number * 100 + step]) for step in range(20)]
        return [task.value() for task in tasks]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(read, range(16)))
    assert found == [[number * 100 + step for step in range(20)] for number in range(16)]
    assert small.pool.state["open"] <= 3
    small.close()


def test_writes_are_over_when_they_return_and_keep_their_order(served: Database, flying: Session) -> None:
    flying.insert("photo").data(title="a").execute()
    before = flying.select("photo").count().execute()
    flying.insert("photo").data(title="b").execute()
    assert flying.select("photo").count().execute().value() == 2
    assert before.value() in (1, 2)
    with flying as db:
        db.insert("photo").data(title="c").execute()
        assert db.select("photo").count().execute().value() == 3  # on the block's own connection
        assert served.session().select("photo").count().execute().value() == 2


def test_a_read_whose_connection_died_is_sent_again(served: Database, flying: Session, postgresql_url: str) -> None:
    flying.select("photo").count().execute().value()
    kill_connections(postgresql_url)
    assert flying.select("photo").count().execute().value() == 0
    nap = flying.select("pg_class").get(number=Fn("abs", 7), nap=Fn("pg_sleep", 0.3)).limit(1)
    task, raw = nap.execute(), flying.execute(NAP, [0.3, 7])  # SQL of one's own may do anything: its sender decides
    time.sleep(0.05)
    kill_connections(postgresql_url)
    with pytest.raises(served.dialect.Error):
        raw.fetch()
    assert task.one().number == 7


def test_a_large_answer_and_a_large_question(flying: Session) -> None:
    text = "x" * 3_000_000
    many = flying.execute("SELECT generate_series(1, 50000) AS n, %s::text AS t", ["y" * 50])
    assert flying.execute("SELECT length(%s) AS n", [text]).value() == len(text)
    assert len(many.fetch()) == 50_000


def test_an_error_in_the_middle_leaves_the_connection_usable(served: Database, flying: Session) -> None:
    for _ in range(3):
        with pytest.raises(served.dialect.Error, match="division by zero"):
            flying.execute("SELECT 1 / (n - 3) AS x FROM generate_series(1, 5) n").fetch()
    assert served.pool.state["open"] == 1
    assert flying.execute("SELECT 1 AS one").value() == 1


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        away = Database(f"postgresql://x:secret@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=1")
        started = time.monotonic()
        reply = away.session().execute("SELECT 1").dispatch()
        assert (reply.status_code, str(reply.error)) == (701, "no answer from 127.0.0.1 within 1 s")
        assert time.monotonic() - started < 3
        assert away.pool.state["open"] == 0
        away.close()


@pytest.mark.row("11.27")
def test_another_member_answers_when_one_is_down(postgresql_url: str) -> None:
    address = postgresql_url.partition("://")[2]
    down = "nobody:x@127.0.0.1:1/none 9"
    shared = Database(Alias.parse("@db", "postgresql", [down, address]))
    for _ in range(5):
        assert shared.session().execute("SELECT 1 AS one").value() == 1
        shared.pool.renew()
    shared.close()


def test_a_connection_that_is_ended_while_it_is_opened_is_opened_again(
    served: Database, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up = PostgreSQL._set_up
    ended: list[object] = []

    def set_up_late(dialect: PostgreSQL, connection: Any) -> None:
        if dialect is served.dialect and not ended:
            ended.append(connection)
            kill_connections(postgresql_url)
        set_up(dialect, connection)

    monkeypatch.setattr(PostgreSQL, "_set_up", set_up_late)
    served.pool.renew()
    assert served.session(inline=True).execute("SELECT 1 AS one").value() == 1
    assert len(ended) == 1


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a signal of Unix's")
def test_a_wait_that_is_interrupted_leaves_no_connection_in_the_middle(served: Database, flying: Session) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        nap = flying.execute(NAP, [60, 1])
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        with pytest.raises(KeyboardInterrupt):
            nap.dispatch()
    finally:
        signal.signal(signal.SIGUSR1, before)
    del nap
    gc.collect()
    assert flying.execute("SELECT 1 AS one").value() == 1


def test_no_read_fails_while_the_server_hangs_up_again_and_again(served: Database, postgresql_url: str) -> None:
    served.session().insert("photo").data(title="a").execute().commit()
    ended = threading.Event()

    def read(_: int) -> int:
        count = 0
        while not ended.is_set():
            session = served.session(inline=True)
            tasks = [session.select("photo").count().execute() for _ in range(3)]
            assert [task.value() for task in tasks] == [1, 1, 1]
            count += 3
        return count

    with ThreadPoolExecutor(6) as threads:
        reading = [threads.submit(read, number) for number in range(6)]
        try:
            for _ in range(4):
                time.sleep(0.15)
                kill_connections(postgresql_url)
        finally:
            time.sleep(0.1)
            ended.set()
        assert all(task.result() > 0 for task in reading)


def test_many_reads_of_one_session_at_once(postgresql_url: str) -> None:
    wide = Database(Alias.from_url("@wide", postgresql_url, max_conns=20), patience=2)
    session = wide.session(inline=True)
    tasks = [session.execute("SELECT %s::int AS n", [number]) for number in range(20)]
    assert wide.pool.state["open"] == 8
    assert [task.value() for task in tasks] == list(range(20))
    wide.close()


def test_a_read_nobody_wants_when_the_process_ends(served: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    nap = served.session(inline=True).execute(NAP, [60, 1])
    nap.dispatch(0.01)
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)  # as the interpreter does
    del nap
    gc.collect()
    monkeypatch.undo()
    assert served.pool.state["idle"] == 0
