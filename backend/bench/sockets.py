"""WebSockets: `python -m bench.sockets [--rounds 3] [--seconds 2] [--idle 2000]`, beside a bare server.

Echoes a second: each candidate serves on one core, the clients run on another; compare the processor time for a message
within a round. Then the memory that an idle connection costs ours.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import re
import resource
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from .measure import Candidate, Endpoint, Figure, Running, processor_time

BACKEND = Path(__file__).parent.parent
GRANIAN = ("-m", "granian", "--host", "127.0.0.1", "--port", "{port}", "--interface", "rsgi", "--loop", "uvloop")
CANDIDATES = {
    "raw Granian RSGI": ((*GRANIAN, "--no-log", "bench.raw:echo_socket"), ("/",)),
    "ours": (("-m", "bench.app", "--port", "{port}"), ("/ws/async", "/ws/fast", "/ws/plain")),
}
CONNECTIONS = 32
TEXT = b"a message of forty bytes, as chats have."


class Client(asyncio.Protocol):
    """Sends a message, and the next one when it came back. Lives as long as a measurement."""

    def __init__(self, path: str, *, talks: bool = True) -> None:
        self.talks = talks
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        self.head = f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        self.frame = bytes([0x81, 0x80 | len(TEXT)]) + b"\0\0\0\0" + TEXT
        self.expected = bytes([0x81, len(TEXT)]) + TEXT
        self.count = self.failed = 0
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.head)

    def data_received(self, data: bytes) -> None:
        if self.count == 0:
            self.received += data
            if b"\r\n\r\n" not in self.received:
                return
        elif data != self.expected:
            self.failed += 1
        self.count += 1
        if self.talks:
            self.transport.write(self.frame)


async def load(port: int, path: str, seconds: float, pid: int) -> Figure:
    """Put load on one path and return what a message cost."""
    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(lambda: Client(path), "127.0.0.1", port))[1] for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.3)
    counted, spent = sum(each.count for each in clients), processor_time(pid)
    await asyncio.sleep(seconds)
    counted, spent = sum(each.count for each in clients) - counted, processor_time(pid) - spent
    for each in clients:
        each.transport.abort()
    return Figure(counted / seconds, spent / max(counted, 1) * 1e6, sum(each.failed for each in clients))


async def rest(port: int, path: str, count: int, pid: int) -> float:
    """Open idle connections, and return the kilobytes of memory that each costs the server."""
    loop = asyncio.get_running_loop()
    before, clients = 0, []
    for number in range(count + 50):
        if number == 50:  # what is loaded and allocated at first is no connection's
            await asyncio.sleep(0.5)
            before = memory(pid)
        made = await loop.create_connection(lambda: Client(path, talks=False), "127.0.0.1", port)
        clients.append(made[1])
    for _ in range(60):
        await asyncio.sleep(0.5)
        if not (silent := sum(not each.count for each in clients)):
            break
    grown = memory(pid) - before
    assert not silent, f"{silent} handshakes are not answered"
    for each in clients:
        each.transport.abort()
    return grown / count


def memory(session: int) -> int:
    """Return the kilobytes that the processes of a session hold and share with nobody."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((process / "stat").read_text().rpartition(")")[2].split()[3]) == session:
                sizes = re.findall(r"^Private_\w+:\s+(\d+)", (process / "smaps_rollup").read_text(), re.MULTILINE)
                found += sum(map(int, sizes))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sockets")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--idle", type=int, default=2000)
    arguments = parser.parse_args()
    cores = (os.cpu_count() or 2) - 1
    os.sched_setaffinity(0, {0})
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    figures: dict[str, list[Figure]] = defaultdict(list)
    idle = 0.0
    for _ in range(arguments.rounds):
        for name, (command, paths) in CANDIDATES.items():
            candidate = Candidate(name, (sys.executable, *command), BACKEND, {"BENCH_FILES": tempfile.gettempdir()})
            running = Running(candidate, cores, Path(tempfile.gettempdir()) / "bench-sockets.log")
            try:
                if not running.answers(Endpoint("json", "/")):
                    raise SystemExit(f"{name} does not answer")
                for path in paths:
                    figure = uvloop.run(load(running.port, path, arguments.seconds, running.process.pid))
                    figures[f"{name} {path}"].append(figure)
                if name == "ours" and not idle:
                    idle = uvloop.run(rest(running.port, paths[0], arguments.idle, running.process.pid))
            finally:
                running.stop()
    tell(figures)
    print(f"ours: {idle:.1f} kB for each of {arguments.idle} idle connections")


def tell(figures: dict[str, list[Figure]]) -> None:
    """Print the medians."""
    first = next(iter(figures.values()))
    floor = median(each.rate for each in first), median(each.cpu for each in first)
    print("| candidate | messages/s | of raw | CPU µs/message | of raw | failed |\n|---|---|---|---|---|---|")
    for name, found in figures.items():
        rate, cpu = median(each.rate for each in found), median(each.cpu for each in found)
        failed = sum(each.failed for each in found)
        print(f"| {name} | {rate:.0f} | {rate / floor[0]:.2f} | {cpu:.1f} | {cpu / floor[1]:.2f} | {failed} |")


if __name__ == "__main__":
    main()
