"""The hub and its members, in one process."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from skitai.bus.frames import CHANGE, MESSAGE
from skitai.bus.hub import Hub
from skitai.bus.member import MemberBus
from skitai.bus.memory import Memory
from tests.serving.engine_process import wait_until

BACKLOG = 4 * 1024 * 1024


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub(Memory.make(8, 8), BACKLOG)
    made.start()
    yield made
    made.stop()


class Worker:
    """A member and its event loop, on a thread. Lives as long as its block."""

    def __init__(self, hub: Hub) -> None:
        self.bus = MemberBus(hub.join(), hub.memory, message_limit=1_000_000, backlog=BACKLOG)
        self.received: list[Any] = []
        self.bus.subscribe("topic", self.received.append)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)

    def attach(self) -> Worker:
        self.bus.attach(self.loop)
        self.bus.attach(self.loop)
        self._thread.start()
        return self

    def end(self) -> None:
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
        self.bus.close()
        self.loop.close()


@pytest.fixture
def join(hub: Hub) -> Iterator[Callable[[], Worker]]:
    workers: list[Worker] = []

    def make() -> Worker:
        workers.append(Worker(hub))
        wait_until(lambda: hub.memory.get("members") >= len(workers))
        return workers[-1]

    yield make
    for worker in workers:
        worker.end()


def test_every_member_hears_of_everything_once_and_in_order(join: Callable[[], Worker]) -> None:
    workers = [join().attach() for _ in range(3)]

    def say(name: int) -> None:
        for number in range(1000):
            workers[name].bus.publish("topic", [name, number])

    threads = [threading.Thread(target=say, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in workers:
        wait_until(lambda: len(worker.received) == 3000)  # noqa: B023
        for name in range(3):
            assert [number for by, number in worker.received if by == name] == list(range(1000))


def test_what_is_said_before_a_loop_runs_arrives(join: Callable[[], Worker]) -> None:
    early, late = join(), join()
    early.bus.publish("topic", "first")
    for _ in range(4):  # more than the kernel keeps
        early.bus.publish("topic", b"x" * 900_000)
    assert early.received[0] == "first"
    assert late.received == []
    early.attach()
    late.attach()
    wait_until(lambda: len(late.received) == 5)
    assert late.received[0] == "first"


def test_only_others_hear_what_is_not_for_here(join: Callable[[], Worker]) -> None:
    one, other = join().attach(), join().attach()
    one.bus.publish("topic", 1, here=False)
    one.bus.publish("nobody's", 2)
    wait_until(lambda: other.received == [1])
    assert one.received == []


def test_a_member_that_does_not_read_loses_messages_and_nobody_else_does(
    join: Callable[[], Worker], hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    one, other, stuck = join().attach(), join().attach(), join()
    for number in range(20):
        one.bus.publish("topic", [number, b"x" * 900_000])
        wait_until(lambda: len(other.received) == number + 1)  # noqa: B023
    wait_until(lambda: hub.memory.get("lost") > 0)
    assert caplog.text.count("a worker does not keep up") == 1
    lost = stuck.bus.health()["lost"]
    stuck.attach()
    wait_until(lambda: len(stuck.received) == 20 - lost)
    one.bus.publish("topic", ["again"])
    wait_until(lambda: stuck.received[-1] == ["again"])


def test_a_member_that_hangs_up_is_forgotten(join: Callable[[], Worker], hub: Hub) -> None:
    one, other = join().attach(), join().attach()
    other.end()
    wait_until(lambda: hub.memory.get("members") == 1)
    one.bus.publish("topic", 1)
    other.bus.publish("topic", 2)
    assert other.bus.health()["status"] == "away"
    wait_until(lambda: one.received == [1])


def test_a_member_whose_hub_is_gone_goes_on_alone() -> None:
    hub = Hub(Memory.make(8, 8), BACKLOG)
    ours, theirs = socket.socketpair()
    with ours:
        bus = MemberBus(theirs, hub.memory, message_limit=100, backlog=100)
        hub.memory.put("members", 2)
    received: list[Any] = []
    bus.subscribe("topic", received.append)
    bus.publish("topic", 1)
    bus.publish("topic", 2)
    bus.close()
    assert received == [1, 2]
    assert bus.health()["status"] == "away"
    hub.start()
    hub.stop()


def test_what_a_stuck_hub_does_not_take_is_kept_to_a_limit() -> None:
    ours, theirs = socket.socketpair()
    memory = Memory.make(8, 8)
    memory.put("members", 2)
    bus = MemberBus(theirs, memory, message_limit=100_000, backlog=200_000)
    with ours:
        for _ in range(20):
            bus.publish("topic", b"x" * 90_000)
        assert bus.health()["lost"] > 10
        bus.close(0.1)


def test_a_message_has_a_limit(join: Callable[[], Worker]) -> None:
    worker = join()
    with pytest.raises(ValueError, match=r"has 1000012 bytes; 1000000 may be sent \(run's bus_message_limit\)"):
        worker.bus.publish("topic", b"x" * 1_000_000)


def test_other_hosts_are_told_and_tell(join: Callable[[], Worker], hub: Hub) -> None:
    relayed: list[tuple[int, bytes]] = []
    hub.relay = lambda kind, body: relayed.append((kind, body))
    hub.memory.put("joined", 1)
    alone = join().attach()
    alone.bus.numbers.declare("n")
    alone.bus.numbers.write("n", 1)
    alone.bus.rates.use("key", 1, 1)
    alone.bus.publish("topic", "out")
    wait_until(lambda: len(relayed) == 3)
    assert [kind for kind, _ in relayed] == [CHANGE, CHANGE, MESSAGE]
    hub.inject(relayed[-1][1])
    wait_until(lambda: alone.received == ["out", "out"])
    assert alone.bus.health()["kind"] == "redis"


def test_where_a_loop_cannot_watch_sockets_a_thread_does(
    join: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = join().attach(), join()

    def refuse(*args: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(other.loop, "add_reader", refuse)
    other.attach()
    one.bus.publish("topic", 1)
    wait_until(lambda: other.received == [1])
    for number in range(4):
        other.bus.publish("topic", [number, b"x" * 900_000])
    wait_until(lambda: len(one.received) == 5)
