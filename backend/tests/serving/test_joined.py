"""Hosts that a real Redis joins: it goes away, comes back empty, hangs; hosts come later; no log has its password."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cluster import Cluster, clusters
from .engine_process import EngineProcess, wait_until


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    yield from clusters("two hosts", tmp_path)


def test_hosts_go_on_alone_while_redis_is_away_and_share_again_when_it_is_back(cluster: Cluster) -> None:
    assert cluster.redis is not None
    first, second = cluster.peers[0], cluster.peers[-1]
    first.get("/set", key="kept", value=7)
    first.get("/set", key="seats", value=3)
    cluster.everywhere(lambda state: state["numbers"]["seats"] == 3)

    cluster.redis.stop()
    cluster.everywhere(lambda state: state["health"]["status"] == "away")
    since = first.state()["health"]["away_since"]
    assert abs(since - time.time()) < 10
    assert first.get("/add", key="away", value=5)["total"] == 5
    assert second.get("/add", key="away", value=6)["total"] == 6
    first.get("/set", key="seats", value=4)
    first.get("/say", by="first", count=3)
    stamped = second.get("/stamp", key="mine")["stamps"]["mine"]
    alone = cluster.ask(cluster.engines[0], 2)
    for peer in alone:  # the workers of one host go on sharing
        wait_until(lambda: len(peer.state()["received"]) == 3)  # noqa: B023
        assert peer.state()["numbers"]["away"] == 5

    cluster.redis.start()  # with nothing in it
    cluster.everywhere(lambda state: state["health"]["status"] == "ok")
    cluster.everywhere(lambda state: state["numbers"]["away"] == 11)
    cluster.everywhere(lambda state: state["numbers"]["seats"] == 4 and state["numbers"]["kept"] == 7)
    cluster.everywhere(lambda state: state["stamps"]["mine"] == stamped)
    cluster.everywhere(lambda state: [number for _, number, _ in state["received"]] == [0, 1, 2])
    health = first.state()["health"]
    assert (health["away_times"], health["away_since"], health["lost"]) == (1, None, 0)
    assert health["away_last"] > 0
    second.get("/say", by="second", count=1)
    cluster.everywhere(lambda state: len(state["received"]) == 4)

    for engine in cluster.engines:
        assert engine.output.count("cannot be reached") == 1
        assert (
            len(re.findall(rf"Redis at 127\.0\.0\.1:{cluster.redis.port}/0 is back after [\d.]+ s", engine.output)) == 1
        )
        assert cluster.redis.password not in engine.output


def test_a_host_that_comes_later_finds_what_the_others_hold(cluster: Cluster) -> None:
    stamped = cluster.peers[0].get("/stamp", key="mine")["stamps"]["mine"]
    cluster.peers[0].get("/set", key="seats", value=9)
    cluster.peers[1].get("/say", by="early", count=2)
    cluster.everywhere(lambda state: len(state["received"]) == 2)
    [late] = cluster.ask(cluster.add_engine(1), 1)
    state = late.state()
    assert (state["numbers"]["seats"], state["stamps"]["mine"]) == (9, stamped)
    assert state["received"] == []
    late.get("/add", key="seats")
    cluster.everywhere(lambda state: state["numbers"]["seats"] == 10)


def test_a_redis_that_hangs_is_away_too(cluster: Cluster) -> None:
    assert cluster.redis is not None
    cluster.redis.halt()
    began = time.monotonic()
    assert cluster.peers[0].get("/add", key="away")["total"] == 1
    assert time.monotonic() - began < 1, "a request must not wait for Redis"
    cluster.everywhere(lambda state: state["health"]["status"] == "away", timeout=15)
    cluster.redis.go_on()
    cluster.everywhere(lambda state: state["health"]["status"] == "ok")
    cluster.everywhere(lambda state: state["numbers"]["away"] == 1)
    cluster.peers[-1].get("/add", key="away")
    cluster.everywhere(lambda state: state["numbers"]["away"] == 2)


def test_an_engine_starts_while_redis_is_away(cluster: Cluster) -> None:
    assert cluster.redis is not None
    cluster.redis.stop()
    engine = cluster.add_engine(1)
    [alone] = cluster.ask(engine, 1)
    assert alone.state()["health"]["status"] == "away"
    alone.get("/set", key="left", value=2)
    cluster.redis.start()
    cluster.everywhere(lambda state: state["numbers"]["left"] == 2)
    assert engine.output.count("cannot be reached") == 1


def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    cluster = Cluster("two hosts", tmp_path)
    assert cluster.redis is not None
    try:
        cluster.redis.start()
        right, cluster.redis.password = cluster.redis.password, "a-wrong-password"
        engine = cluster.add_engine(1)
        cluster.redis.password = right
        assert "cannot be reached" in engine.output
        assert "a-wrong-password" not in engine.output
    finally:
        cluster.end()


def test_a_worker_that_inherits_nothing_shares_with_other_hosts(cluster: Cluster) -> None:
    """As on Windows: the only worker has the hub and the bridge in itself."""
    alone = "from skitai import listening, supervisor\nlistening.INHERITED = supervisor._POSIX = False\n"
    engine = cluster.add_engine(1, before=alone)
    wait_until(lambda: _answers(engine), 20)
    cluster.peers += cluster.ask(engine, 1)
    late = cluster.peers[-1]
    assert late.state()["health"]["members"] == 1
    late.get("/set", key="seats", value=12)
    cluster.peers[0].get("/say", by="first", count=2)
    late.get("/say", by="late", count=3)
    cluster.everywhere(lambda state: state["numbers"]["seats"] == 12 and len(state["received"]) == 5)


def _answers(engine: EngineProcess) -> bool:
    try:
        engine.connect().close()
    except OSError:
        return False
    return True
