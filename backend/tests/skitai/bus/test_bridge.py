"""Two bridges and a real Redis: what one is told happens at the other, each thing once, in the end the same."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator

import pytest

from atila.bus import encode
from skitai.bus.bridge import Bridge
from skitai.bus.frames import MESSAGE, Frames, changed, frame
from skitai.bus.memory import Memory
from tests.servers.redis import RedisServer
from tests.serving.engine_process import wait_until


class Host:
    """A bridge as the hub uses it. Lives as long as a test."""

    def __init__(self, url: str, name: str = "tests") -> None:
        self.received: list[bytes] = []
        self.memory = Memory.make(64, 64)
        self.bridge = Bridge(url, name, self.memory, self.received.append, 1_000_000)
        self.updates, self.numbers = self.bridge.updates, self.bridge.numbers

    def start(self) -> Host:
        self.bridge.start()
        assert self.bridge.synced.wait(10)
        return self

    def tell(self, data: bytes) -> None:
        for kind, body in Frames().feed(data):
            self.bridge.relay(kind, body)

    def set(self, name: str, value: int) -> None:
        self.numbers.declare(name)
        self.numbers.put(name, value)
        self.tell(changed("set", name, value))

    def add(self, name: str, value: int) -> None:
        self.numbers.declare(name)
        self.numbers.add(name, value)
        self.tell(changed("add", name, value))

    def say(self, text: str) -> None:
        self.tell(frame(MESSAGE, encode("topic", text)))


@pytest.fixture
def host(redis_server: RedisServer) -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []

    def make(name: str = "tests") -> Host:
        hosts.append(Host(redis_server.url, name))
        return hosts[-1]

    yield make
    for each in hosts:
        each.bridge.stop()


def test_hosts_that_change_one_number_at_once_agree_in_the_end(host: Callable[..., Host]) -> None:
    hosts = [host().start() for _ in range(3)]

    def change(one: Host, seed: int) -> None:
        choice = random.Random(seed)
        for _ in range(300):
            one.set("set", choice.randrange(1000))
            one.add("added", choice.choice((1, 2, -1)))

    expected = sum(random_sum(seed) for seed in range(3))
    threads = [threading.Thread(target=change, args=(one, seed)) for seed, one in enumerate(hosts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: all(one.numbers.read("added") == expected for one in hosts))
    wait_until(lambda: len({one.numbers.read("set") for one in hosts}) == 1)


def random_sum(seed: int) -> int:
    """What `change` adds."""
    choice = random.Random(seed)
    total = 0
    for _ in range(300):
        choice.randrange(1000)
        total += choice.choice((1, 2, -1))
    return total


def test_nothing_is_told_twice_though_every_answer_is_lost(
    host: Callable[..., Host], redis_server: RedisServer
) -> None:
    one, other = host().start(), host().start()
    stopping = threading.Event()

    def cut_off() -> None:
        with redis_server.client() as client:
            while not stopping.wait(0.02):
                client.client_kill_filter(_type="normal", skipme=True)

    thread = threading.Thread(target=cut_off)
    thread.start()
    try:
        for number in range(200):
            one.say(str(number))
            one.add("n", 1)
            if number % 20 == 0:
                stopping.wait(0.05)
    finally:
        stopping.set()
        thread.join()
    wait_until(lambda: len(other.received) >= 200 and other.numbers.read("n") == 200, 20)
    assert other.received == [encode("topic", str(number)) for number in range(200)]
    assert one.received == []
    assert other.numbers.read("n") == one.numbers.read("n") == 200


def test_engines_of_another_name_share_nothing(host: Callable[..., Host]) -> None:
    one, same, stranger = host().start(), host().start(), host("another").start()
    one.say("hello")
    one.set("n", 4)
    wait_until(lambda: len(same.received) == 1 and "n" in same.numbers.names)
    assert stranger.received == []
    assert stranger.numbers.names == []


def test_a_sum_that_redis_refuses_is_told_in_the_log(
    host: Callable[..., Host], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = host().start(), host().start()
    one.set("n", 2**63 - 1)
    wait_until(lambda: "n" in other.numbers.names)
    one.tell(changed("add", "n", 1))
    one.say("after")
    wait_until(lambda: len(other.received) == 1)
    assert "Redis refused to add 'n'" in caplog.text
    other.set("n", 1)
    wait_until(lambda: one.numbers.read("n") == 1)


def test_a_redis_without_memory_is_tried_again(host: Callable[..., Host], redis_server: RedisServer) -> None:
    one, other = host().start(), host().start()
    with redis_server.client() as client:
        client.config_set("maxmemory", 1)
        one.say("hello")
        one.add("n", 1)
        wait_until(lambda: one.memory.get("away_since") > 0)
        assert other.received == []
        client.config_set("maxmemory", 0)
    wait_until(lambda: len(other.received) == 1 and other.numbers.names == ["n"] and other.numbers.read("n") == 1)
    wait_until(lambda: one.memory.get("away_since") == 0)


def test_what_a_stranger_writes_into_redis_stops_nothing(
    host: Callable[..., Host], redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server.client() as client:
        client.hset("{atila:tests}:numbers", "n", "no number")
        one, other = host().start(), host().start()
        client.xadd("{atila:tests}:messages", {"odd": "thing"})
        client.xadd("{atila:tests}:messages", {"from": "a", "what": "set", "name": "n", "value": "x", "seconds": "0"})
    for number in range(70):  # more keys than there is room for
        one.tell(changed("stamp", f"key {number}", 1.0) if number < 60 else changed("use", f"{number:032x}", 1, 5.0))
    one.say("hello")
    wait_until(lambda: len(other.received) == 1)
    assert "not all values of Redis are taken over: invalid literal" in caplog.text
    assert caplog.text.count("a message of Redis cannot be understood") == 4
