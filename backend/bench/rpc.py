"""Compare remote calls with others, in one run: `python -m bench.rpc [--rounds 3] [--seconds 4]`.

`add(2, 3)` over XML-RPC: ours with a plain and with an `async def` handler, the standard library's server as its
documentation shows it, the same with threads and keep-alive, and the original where it is installed; JSON-RPC: ours.
The floor is the bare server: it reads the same body and answers `5`, reads it with `xmlrpc.client` or with a regular
expression that knows this one call, and answers rightly.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from xmlrpc.client import dumps

from . import measure
from .__main__ import BACKEND, PEERS

XML = {"content-type": "text/xml"}
JSON = {"content-type": "application/json-rpc"}
JSON_CALL = b'{"jsonrpc":"2.0","method":"add","params":[2,3],"id":1}'


def xml(method: str) -> bytes:
    return dumps((2, 3), method).replace("\n", "").encode()


CALLS = (
    measure.Endpoint("a POST that is read", "/posted", b"5", "POST", xml("add"), XML),
    measure.Endpoint("read by xmlrpc.client", "/read", b"<int>5</int>", "POST", xml("add"), XML),
    measure.Endpoint("read by a regular expression", "/least", b"<int>5</int>", "POST", xml("add"), XML),
    measure.Endpoint("add over XML-RPC", "/", b"<int>5</int>", "POST", xml("add"), XML),
    measure.Endpoint("async add over XML-RPC", "/", b"<int>5</int>", "POST", xml("add_async"), XML),
    measure.Endpoint("add over JSON-RPC", "/", b'"result":5', "POST", JSON_CALL, JSON),
)


def candidates() -> list[measure.Candidate]:
    """Return ours, the standard library's two, the bare server, and the original if it is installed."""
    files = {"BENCH_FILES": str(BACKEND)}
    stdlib = (sys.executable, "stdlib_xmlrpc.py")
    found = [
        measure.Candidate("ours", (sys.executable, "-m", "bench.app", "--port", "{port}"), BACKEND, files),
        measure.Candidate("standard library", stdlib, PEERS),
        measure.Candidate("standard library, threads, keep-alive", (*stdlib, "kept"), PEERS),
    ]
    server = ("--host", "127.0.0.1", "--port", "{port}", "--interface", "rsgi", "--loop", "uvloop", "--no-log")
    command = (sys.executable, "-m", "granian", *server, "bench.raw:rsgi")
    found.append(measure.Candidate("raw Granian RSGI", command, BACKEND, files))
    home = Path(os.environ.get("BENCH_HOME", Path.home() / ".cache" / "atila-bench"))
    python = home / "venvs" / "original" / "bin" / "python"
    if python.exists():
        own_home = {**files, "HOME": str(home / "original-home")}
        found.append(measure.Candidate("the original", (str(python), "original_app.py"), PEERS, own_home))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.rpc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the table has medians")
    parser.add_argument("--seconds", type=int, default=4, help="of load at a time")
    arguments = parser.parse_args()
    cores = (os.cpu_count() or 2) - 1, 0
    figures: dict[tuple[str, str], list[measure.Figure]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        running = [measure.Running(each, cores[0], folder / f"{place}.log") for place, each in enumerate(candidates())]
        try:
            right = [(call, server) for call in CALLS for server in running if server.answers(call, 8)]
            for number in range(-1, arguments.rounds):  # the first round warms up
                for call, server in right:
                    seconds = arguments.seconds if number >= 0 else 1
                    figure = server.measure(call, seconds, 32, cores[1], folder)
                    if number >= 0:
                        figures[call.label, server.candidate.name].append(figure)
        finally:
            for server in running:
                server.stop()
    print(table(figures))


def table(figures: dict[tuple[str, str], list[measure.Figure]]) -> str:
    """Return the medians as a Markdown table; the last column is the rate in those of the standard library."""
    lines = ["| call | candidate | CPU µs/call | calls/s | of the standard library |", "|---|---|---|---|---|"]
    floor = median(figure.rate for figure in figures["add over XML-RPC", "standard library"])
    for (label, name), found in figures.items():
        cpu, rate = median(figure.cpu for figure in found), median(figure.rate for figure in found)
        failed = sum(figure.failed for figure in found)
        note = f" ({failed} failed)" if failed else ""
        lines.append(f"| {label} | {name}{note} | {cpu:.1f} | {rate:.0f} | {rate / floor:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
