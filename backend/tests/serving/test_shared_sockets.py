"""Rooms and messages to clients: the same for one worker, for four, and for two hosts with a real Redis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from websockets.sync.client import ClientConnection, connect

from .cluster import KINDS, Cluster, clusters

MESSAGES = 100  # of each who talks


class Member(NamedTuple):
    """Somebody in the room, and the process that serves the connection."""

    connection: ClientConnection
    pid: int
    client_id: int


@pytest.fixture(scope="module", params=KINDS)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from clusters(request.param, tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def members(cluster: Cluster) -> Iterator[list[Member]]:
    """Members of one room, at least one at every worker."""
    with ExitStack() as stack:
        found: list[Member] = []
        while {member.pid for member in found} != {peer.pid for peer in cluster.peers}:
            assert len(found) < 100
            for engine in cluster.engines:
                url = f"ws://127.0.0.1:{engine.port}/chat?room_id=1"
                connection = stack.enter_context(connect(url))
                pid, client_id = str(connection.recv(5)).split()
                found.append(Member(connection, int(pid), int(client_id)))
        yield found


@pytest.mark.row("12.8")
def test_a_room_spans_all_processes(cluster: Cluster, members: list[Member]) -> None:
    """Everybody hears everything once, and what one says in its order."""
    until_joined(members)
    talkers = members[:4]

    def talk(member: Member) -> None:
        for number in range(MESSAGES):
            member.connection.send(f"{member.client_id} {number}")

    def listen(member: Member) -> list[list[str]]:
        return [str(member.connection.recv(20)).split() for _ in range(MESSAGES * len(talkers))]

    with ThreadPoolExecutor(len(members) + len(talkers)) as threads:
        talking = [threads.submit(talk, member) for member in talkers]
        heard = list(threads.map(listen, members))
        for each in talking:
            each.result()
    for received in heard:
        assert Counter(by for by, _ in received) == {str(member.client_id): MESSAGES for member in talkers}
        for member in talkers:
            assert [int(number) for by, number in received if by == str(member.client_id)] == list(range(MESSAGES))


@pytest.mark.row("12.11", "12.12")
def test_every_process_reaches_every_client(cluster: Cluster, members: list[Member]) -> None:
    assert len({member.client_id for member in members}) == len(members)
    for peer in cluster.peers:
        for member in members:
            peer.get("/push", client_id=member.client_id, text=f"from {peer.pid}")
            assert member.connection.recv(5) == f"from {peer.pid}"
    assert cluster.peers[0].get("/push", client_id=1, text="to nobody") == {}


def until_joined(members: list[Member]) -> None:
    """Wait until each member has heard each other once: a room may take a moment to be known to other hosts."""
    for speaker in members:
        missing = list(members)
        while missing:
            speaker.connection.send(f"ping {speaker.client_id}")
            missing = [member for member in missing if not _hears(member, f"ping {speaker.client_id}")]
    for member in members:
        while _hears(member, ""):
            pass


def _hears(member: Member, text: str) -> bool:
    """Say whether a message, or any, comes within a moment."""
    try:
        while True:
            if (message := member.connection.recv(0.3)) == text or not text:
                return bool(message)
    except TimeoutError:
        return False
