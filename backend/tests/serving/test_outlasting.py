"""Workers are killed and replaced: what all share stays, and only the requests of a killed one are lost."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .cluster import KINDS, Cluster, clusters
from .conftest import Start
from .engine_process import wait_until


@pytest.fixture(params=KINDS)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    yield from clusters(request.param, tmp_path)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP])
def test_what_all_share_outlasts_their_workers(cluster: Cluster, how: signal.Signals) -> None:
    cluster.peers[0].get("/set", key="kept", value=41)
    stamped = cluster.peers[0].get("/stamp", key="mine")["stamps"]["mine"]
    for _ in range(3):
        cluster.peers[0].get("/use", key="visitor", limit=5)
    engine = cluster.engines[0]
    before = set(engine.workers)
    if how == signal.SIGKILL:
        os.kill(cluster.peers[0].pid, how)
        wait_until(lambda: cluster.peers[0].pid not in engine.workers and len(engine.workers) == len(before), 10)
    else:
        engine.tell(how)
        wait_until(lambda: not before & set(engine.workers) and len(engine.workers) == len(before), 20)
    count = len(before)
    cluster.peers[:count] = cluster.ask(engine, count)
    state = cluster.peers[0].state()
    assert (state["numbers"]["kept"], state["stamps"]["mine"]) == (41, stamped)
    assert cluster.peers[0].get("/use", key="visitor", limit=5)["left"] == 1
    cluster.peers[0].get("/add", key="kept")
    cluster.everywhere(lambda state: state["numbers"]["kept"] == 42)
    received = [len(peer.state()["received"]) for peer in cluster.peers]
    cluster.all_at_once("/say", count=5)
    for peer, number in zip(cluster.peers, received, strict=True):
        wait_until(lambda: len(peer.state()["received"]) == number + 5 * len(cluster.peers))  # noqa: B023
    assert all(peer.state()["health"]["members"] == count for peer in cluster.peers[:count])


def test_a_killed_worker_takes_only_its_own_requests_along(start: Start) -> None:
    began = time.monotonic()
    engine = start(
        """
        @app.route("/slow")
        async def slow(was):
            print("BEGUN", os.getpid(), flush=True)
            await asyncio.sleep(1.5)
            return was.API(pid=os.getpid())

        @app.route("/pid")
        async def pid(was):
            return was.API(pid=os.getpid())

        skitai.mount("/", app)
        """,
        workers=2,
        access_log=False,
    )
    start_took = time.monotonic() - began
    outcomes: list[int] = []

    def ask() -> None:
        try:
            outcomes.append(httpx.get(f"{engine.url}/slow", timeout=20).json()["pid"])
        except httpx.TransportError:
            outcomes.append(0)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    wait_until(lambda: engine.output.count("BEGUN") == 16)
    victim, other = engine.workers
    ran_there = engine.output.count(f"BEGUN {victim}")
    os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    wait_until(lambda: _asked(engine.url) not in (victim, other, 0), 20)
    took = time.monotonic() - killed
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [0] * ran_there + [other] * (16 - ran_there)
    assert took < max(2.0, 2 * start_took), f"back after {took:.1f} s"


def test_a_worker_that_is_killed_while_it_starts_is_started_again(start: Start) -> None:
    engine = start(
        """
        time.sleep(0.3)

        @app.route("/pid")
        async def pid(was):
            return was.API(pid=os.getpid())

        skitai.mount("/", app)
        """,
        workers=2,
        access_log=False,
    )
    first, other = engine.workers
    os.kill(first, signal.SIGKILL)
    for _ in range(3):
        wait_until(lambda: len(engine.workers) == 2 and first not in engine.workers)  # noqa: B023
        [first] = set(engine.workers) - {other}
        os.kill(first, signal.SIGKILL)
    wait_until(lambda: len(engine.workers) == 2 and first not in engine.workers)
    assert engine.output.count("was killed by SIGKILL; starting it again") == 4
    last = (set(engine.workers) - {other}).pop()
    wait_until(lambda: _asked(engine.url) == last, 20)
    assert {_asked(engine.url) for _ in range(60)} == {other, last}  # each answers all that it takes
    assert engine.stop() == 0


def test_after_a_storm_of_kills_and_replacements_every_worker_serves(start: Start) -> None:
    engine = start(
        """
        from skitai.supervisor import Supervisor
        Supervisor.crashes_allowed = 1000

        @app.route("/pid")
        async def pid(was):
            return was.API(pid=os.getpid())

        skitai.mount("/", app)
        """,
        workers=3,
        access_log=False,
    )
    choice = random.Random(7)
    answers: list[int] = []
    stopping = threading.Event()

    def ask() -> None:
        while not stopping.is_set():
            answers.append(_asked(engine.url))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(12):
        time.sleep(choice.random() * 0.5)
        if choice.random() < 0.3:
            engine.tell(signal.SIGHUP)
        else:
            with contextlib.suppress(ProcessLookupError, IndexError):  # it ended already; none is left for a moment
                os.kill(choice.choice(engine.workers), signal.SIGKILL)
    stopping.set()
    for thread in threads:
        thread.join()
    wait_until(lambda: len(engine.workers) == 3 and {_asked(engine.url) for _ in range(40)} == set(engine.workers), 40)
    assert answers.count(0) <= 12 * (3 + 3)  # with each of the 12 those that ran, and those that waited for it
    assert engine.stop() == 0


def _asked(url: str) -> int:
    """Return which worker answers a new connection, 0 when none does."""
    try:
        return int(httpx.get(f"{url}/pid", timeout=20).json()["pid"])
    except httpx.TransportError:
        return 0
