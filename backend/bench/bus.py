"""The bus: `python -m bench.bus [--rounds 3]`. One process tells, three hear: beside pyzmq and Redis where they are.

`messages/s` is until the last one has heard all; the latency is that of the slowest of the three, at 500 messages a
second. The candidates run one after the other within each round.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any

import msgspec
import redis
import uvloop

from skitai.bus.hub import Hub
from skitai.bus.member import MemberBus
from skitai.bus.memory import Memory

LISTENERS = 3
MANY, FEW, RATE = 20_000, 500, 500  # messages at full speed; and at how many a second
BACKLOG = 256 * 1024 * 1024  # bytes: nothing is to be lost here
Publish = Callable[[dict[str, Any]], object]
processes = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Outcome:
    """What one candidate did in one round."""

    per_second: float
    publish: float  # µs of the teller's processor for one message
    latency: float  # µs, median


class Ears:
    """Counts what one listener hears, and reports when it was all. Lives as long as the listener."""

    def __init__(self, count: int, report: Any) -> None:
        self.count = count
        self.report = report
        self.delays: list[float] = []

    def hear(self, message: dict[str, Any]) -> bool:
        """Note a message; say whether it was the last one."""
        self.delays.append(time.perf_counter() - message["at"])
        if len(self.delays) < self.count:
            return False
        self.report.put((median(self.delays), time.perf_counter()))
        return True


# ours


def listen_to_hub(link: socket.socket, memory: int, count: int, report: Any) -> None:
    loop = uvloop.new_event_loop()
    bus = MemberBus(link, Memory(memory), message_limit=1 << 20, backlog=BACKLOG)
    ears = Ears(count, report)
    bus.subscribe("topic", lambda message: loop.stop() if ears.hear(message) else None)
    bus.attach(loop)
    loop.call_soon(report.put, "ready")
    loop.run_forever()


@contextlib.contextmanager
def ours(count: int, report: Any) -> Iterator[Publish]:
    memory = Memory.make(8, 8)
    assert memory.descriptor is not None
    hub = Hub(memory, BACKLOG)
    hub.start()
    for _ in range(LISTENERS):
        link = hub.join()
        processes.Process(target=listen_to_hub, args=(link, memory.descriptor, count, report), daemon=True).start()
        link.close()
    bus = MemberBus(hub.join(), memory, message_limit=1 << 20, backlog=BACKLOG)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    bus.attach(loop)
    thread.start()
    yield lambda message: bus.publish("topic", message)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    bus.close()
    loop.close()
    hub.stop()


# pyzmq: a proxy between two sockets


def listen_to_proxy(address: str, count: int, report: Any) -> None:
    zmq, sockets = import_module("zmq"), import_module("zmq.asyncio")

    async def listen() -> None:
        with sockets.Context() as context, context.socket(zmq.SUB) as incoming:
            incoming.setsockopt(zmq.RCVHWM, 0)
            incoming.connect(address)
            incoming.subscribe(b"topic")
            report.put("ready")
            ears = Ears(count, report)
            while not ears.hear(msgspec.msgpack.decode((await incoming.recv())[5:])):
                pass

    uvloop.run(listen())


@contextlib.contextmanager
def zeromq(count: int, report: Any) -> Iterator[Publish]:
    zmq = import_module("zmq")
    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        into, out = f"ipc://{folder}/in", f"ipc://{folder}/out"
        for _ in range(LISTENERS):
            processes.Process(target=listen_to_proxy, args=(out, count, report), daemon=True).start()
        with context.socket(zmq.XSUB) as tell, context.socket(zmq.XPUB) as told, context.socket(zmq.PUB) as teller:
            for each, address in ((tell, into), (told, out)):
                each.setsockopt(zmq.RCVHWM, 0)
                each.setsockopt(zmq.SNDHWM, 0)
                each.bind(address)
            teller.setsockopt(zmq.SNDHWM, 0)
            teller.connect(into)
            threading.Thread(target=_pass_on, args=(tell, told), daemon=True).start()
            yield lambda message: teller.send(b"topic" + msgspec.msgpack.encode(message))
            context.destroy(0)


def _pass_on(tell: Any, told: Any) -> None:
    zmq = import_module("zmq")
    with contextlib.suppress(zmq.ZMQError):
        zmq.proxy(tell, told)


# Redis, by its publish and subscribe


def listen_to_redis(port: int, count: int, report: Any) -> None:
    ears = Ears(count, report)
    client: Any = redis.Redis(port=port)
    subscription = client.pubsub()
    subscription.subscribe("topic")
    for message in subscription.listen():
        if message["type"] == "subscribe":
            report.put("ready")
        elif ears.hear(msgspec.msgpack.decode(message["data"])):
            return


@contextlib.contextmanager
def redis_publish(count: int, report: Any) -> Iterator[Publish]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    words = ["redis-server", "--port", str(port), "--save", "", "--client-output-buffer-limit", "pubsub 0 0 0"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        client: Any = redis.Redis(port=port)
        while True:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
        for _ in range(LISTENERS):
            processes.Process(target=listen_to_redis, args=(port, count, report), daemon=True).start()
        yield lambda message: client.publish("topic", msgspec.msgpack.encode(message))
    finally:
        server.kill()
        server.wait()


def measure(candidate: Any) -> Outcome:
    """Run a candidate at full speed, then slowly."""
    per_second, publish, _ = _tell(candidate, MANY, 0)
    _, _, latency = _tell(candidate, FEW, RATE)
    return Outcome(per_second, publish, latency)


def _tell(candidate: Any, count: int, rate: float) -> tuple[float, float, float]:
    report = processes.Queue()
    with candidate(count, report) as publish:
        for _ in range(LISTENERS):
            assert report.get(timeout=30) == "ready"
        time.sleep(0.3)  # for subscriptions that are on their way
        began, used = time.perf_counter(), time.thread_time()
        for _ in range(count):
            publish({"at": time.perf_counter(), "room": "one", "text": "x" * 100})
            if rate:
                time.sleep(1 / rate)
        used = time.thread_time() - used
        heard = [report.get(timeout=60) for _ in range(LISTENERS)]
    return count / (max(end for _, end in heard) - began), used / count * 1e6, max(each for each, _ in heard) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    candidates: dict[str, Any] = {"ours": ours}
    if find_spec("zmq"):
        candidates["pyzmq"] = zeromq
    if shutil.which("redis-server"):
        candidates["Redis"] = redis_publish
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for _ in range(rounds):
        for name, candidate in candidates.items():
            outcomes[name].append(measure(candidate))
    print("| candidate | messages/s | µs to tell one | µs until it is heard |\n|---|---|---|---|")
    for name, each in outcomes.items():
        figures = [median(getattr(one, field) for one in each) for field in ("per_second", "publish", "latency")]
        print(f"| {name} | {figures[0]:.0f} | {figures[1]:.1f} | {figures[2]:.0f} |")


if __name__ == "__main__":
    main()
