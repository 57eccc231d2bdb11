"""What a worker counts: answers by route, its threads, what it costs."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import Any

from atila.adapters.sockets import Sockets
from atila.concurrency import WorkerThreads
from atila.http.guards import METHODS
from atila.http.request import Request
from atila.metrics import Gauge, Histogram, Labels, Metrics
from atila.platform import Platform
from atila.upstream.clients import open_clients
from atila.upstream.db.registry import open_databases

OTHER = "other"  # a method that nothing answers, whatever its name


class RequestMetrics:
    """Counts every answer: by route, method, status and protocol, and how long it took. Lives as long as the worker."""

    def __init__(self, metrics: Metrics) -> None:
        self.seconds = metrics.add(
            Histogram(
                "atila_request_seconds", "Seconds from a request's head to the end of its answer",
                ("route", "method", "status", "protocol"), _labels,
            )
        )  # fmt: skip

    def __call__(self, request: Request, status: int, length: int | None, seconds: float) -> None:
        """Note a request that was answered."""
        method = request.method if request.method in METHODS else OTHER  # a client must not make series of its own
        self.seconds.observe(seconds, (request.route, request.root, method, status, request.wire))


def _labels(key: tuple[Any, str, str, int, str]) -> Labels:
    """Name the route by its whole rule; files, and what nothing answered, have none."""
    route, root, method, status, wire = key
    return (root + route.rule.text if route is not None else "", method, str(status), wire)


def add_gauges(platform: Platform, threads: WorkerThreads | None, sockets: Sockets) -> None:
    """Have the state of this worker read when somebody asks."""
    metrics = platform.metrics
    if threads is not None:
        metrics.gauge("atila_threads", "Threads for plain handlers", lambda: threads.count)
        metrics.gauge("atila_threads_busy", "Threads that run a plain handler now", lambda: threads.busy)
        metrics.gauge("atila_queue_length", "Requests that wait for a thread", lambda: threads.waiting)
    metrics.gauge("atila_websockets", "WebSocket connections that are open", lambda: len(sockets.open))
    states = ("alias", "state")
    metrics.gauge("atila_pool_connections", "Connections to databases", partial(_connections, platform), *states)
    running = partial(_running_calls, platform)
    metrics.gauge("atila_upstream_running", "Calls to HTTP upstreams that run now", running, "alias")
    metrics.gauge("atila_bus_up", "1 while messages reach the other workers and hosts", lambda: _is_up(platform))
    metrics.gauge("atila_worker_memory_bytes", "Memory of the worker that is in RAM (on Linux)", _memory)
    processor = ("atila_cpu_seconds_total", "Processor time of all workers, those that have ended included")
    metrics.add(Gauge(*processor, _processor_time, kind="counter"))


def _connections(platform: Platform) -> dict[Labels, float]:
    """Return how many connections each pool has, by what they do: busy, idle; and who waits for one."""
    found: dict[Labels, float] = {}
    for name, state in platform.resource(open_databases).usage().items():
        found[name, "busy"] = state["open"] - state["idle"]
        found[name, "idle"] = state["idle"]
        found[name, "waiting"] = state["waiting"]
    return found


def _running_calls(platform: Platform) -> dict[Labels, float]:
    return {(name,): running for name, running in platform.resource(open_clients).usage().items()}


def _is_up(platform: Platform) -> int:
    return int(platform.bus.health()["status"] == "ok")


def _memory() -> float:
    if sys.platform != "linux":
        return 0.0
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _processor_time() -> float:
    return sum(os.times()[:2])
