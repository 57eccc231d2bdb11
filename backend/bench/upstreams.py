"""Calls to an upstream beside bare httpx2, in one run: `python -m bench.upstreams [--rounds 7] [--calls 200]`.

The upstream is a bare Granian on another core. Candidates take turns; a round's figure is the mean of many calls.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import uvloop

from atila.alias import PROTO_HTTP
from atila.config import default_config
from atila.platform import LocalPlatform
from atila.upstream.calls import Calls
from atila.upstream.verbs import Verb

from .measure import Candidate, Endpoint, Running

BACKEND = Path(__file__).parent.parent
GRANIAN = (
    "-m",
    "granian",
    "--host",
    "127.0.0.1",
    "--port",
    "{port}",
    "--interface",
    "rsgi",
    "--no-log",
    "bench.raw:rsgi",
)
AT_ONCE = 10
Ask = Callable[[int], object]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.upstreams", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured; the table has medians")
    parser.add_argument("--calls", type=int, default=200, help="in a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Running(Candidate("upstream", (sys.executable, *GRANIAN), BACKEND), 1, Path(folder) / "log")
        try:
            assert server.answers(Endpoint("json", "/", b'"message"')), "the upstream does not answer"
            print(table(measure(f"127.0.0.1:{server.port}", arguments.rounds, arguments.calls)))
        finally:
            server.stop()


def measure(address: str, rounds: int, calls: int) -> dict[str, list[tuple[float, float]]]:
    """Return the microseconds for a call, by the clock and of this process's processor time, round by round."""
    platform = LocalPlatform("bench")
    platform.alias("@upstream", PROTO_HTTP, address)
    figures: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with httpx2.Client() as client:
        candidates = candidates_of(f"http://{address}/", client, Verb(Calls.of(platform, default_config()), "GET"))
        for ask in candidates.values():
            ask(calls)
        for _ in range(rounds):
            for name, ask in candidates.items():
                clock, processor = time.perf_counter(), time.process_time()
                ask(calls)
                figures[name].append(
                    ((time.perf_counter() - clock) / calls * 1e6, (time.process_time() - processor) / calls * 1e6)
                )
    platform.close()
    return figures


def candidates_of(url: str, client: httpx2.Client, get: Verb) -> dict[str, Ask]:
    """Return ways to call by what they are called; bare ones first."""
    return {
        "httpx2.Client": lambda count: [client.get(url).json() for _ in range(count)],
        "httpx2.AsyncClient on uvloop": lambda count: uvloop.run(bare(url, count)),
        "was.get in a plain handler": lambda count: [get("@upstream/").fetch() for _ in range(count)],
        "was.get in an async handler": lambda count: uvloop.run(ours(get, count)),
        f"httpx2.AsyncClient, {AT_ONCE} at once": lambda count: uvloop.run(bare(url, count, AT_ONCE)),
        f"was.get, {AT_ONCE} at once": lambda count: [at_once(get) for _ in range(count // AT_ONCE)],
    }


async def bare(url: str, count: int, width: int = 1) -> None:
    async with httpx2.AsyncClient() as client:
        for _ in range(count // width):
            for answer in await asyncio.gather(*(client.get(url) for _ in range(width))):
                answer.json()


def ours(get: Verb, count: int) -> Coroutine[Any, Any, None]:
    async def ask() -> None:
        for _ in range(count):
            await get("@upstream/")

    return ask()


def at_once(get: Verb) -> list[Any]:
    tasks = [get("@upstream/") for _ in range(AT_ONCE)]
    return [task.fetch() for task in tasks]


def table(figures: dict[str, list[tuple[float, float]]]) -> str:
    """Return the medians as a table."""
    lines = ["| candidate | µs by the clock | µs of processor |", "|---|---|---|"]
    for name, rounds in figures.items():
        clock, processor = (median(figure[part] for figure in rounds) for part in (0, 1))
        lines.append(f"| {name} | {clock:.0f} | {processor:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
