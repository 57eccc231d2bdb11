"""Run the benchmark: `python -m bench [--rounds 3] [--seconds 4] [--only json,jwt] [--write]`.

Candidates run one after the other within each round, each on one core with the load on another; compare ratios, and
trust the processor time per request most. The peers need `$BENCH_HOME/venvs/{main,original}`; without them only the
raw server stands beside us.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import jwt
import msgspec

from .measure import Candidate, Endpoint, Figure, Running

BACKEND = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
TOKEN = jwt.encode({"sub": "u1", "exp": 4102444800, "role": "admin"}, "s" * 32, algorithm="HS256")
ITEMS = [{"sku": f"SKU-{number:04d}", "qty": number, "ok": True, "note": "some text here"} for number in range(13)]
DOCUMENT = msgspec.json.encode({"id": 1, "name": "Widget", "tags": ["a", "b"], "price": 12.5, "items": ITEMS})
ENDPOINTS = (
    Endpoint("json", "/", b'"message":"hello"'),
    Endpoint("params", "/items/42?q=abc", b'{"id":42,"q":"abc"}'),
    Endpoint("echo", "/echo", b'"SKU-0012"', "POST", DOCUMENT, {"content-type": "application/json"}),
    Endpoint("jwt", "/jwt", b'"sub":"u1"', headers={"authorization": f"Bearer {TOKEN}"}),
    Endpoint("plain", "/sync", b'"message":"hello"'),
    Endpoint("static", "/static/f100k.bin"),
)
CONNECTIONS = 32
PAGE = BACKEND / "docs" / "performance.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def candidates(files: Path) -> list[Candidate]:
    """Return the raw server, ours, and the peers that are installed."""
    environment = {"BENCH_FILES": str(files)}
    granian = (
        "-m",
        "granian",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--interface",
        "rsgi",
        "--loop",
        "uvloop",
        "--no-log",
    )
    found = [
        Candidate("raw Granian RSGI", (sys.executable, *granian, "bench.raw:rsgi"), BACKEND, environment),
        Candidate("ours", (sys.executable, "-m", "bench.app", "--port", "{port}"), BACKEND, environment),
    ]
    home = Path(os.environ.get("BENCH_HOME", Path.home() / ".cache" / "atila-bench")) / "venvs"
    uvicorn = home / "main" / "bin" / "uvicorn"
    if uvicorn.exists():
        options = ("--host", "127.0.0.1", "--port", "{port}", "--loop", "uvloop", "--http", "httptools")
        command = (str(uvicorn), "fastapi_app:app", *options, "--no-access-log", "--log-level", "warning")
        found.append(Candidate("FastAPI + uvicorn", command, PEERS, environment))
    python = home / "original" / "bin" / "python"
    if python.exists():
        own_home = {**environment, "HOME": str(home.parent / "original-home")}
        found.append(Candidate("the original", (str(python), "original_app.py"), PEERS, own_home))
    return found


def measure_all(arguments: argparse.Namespace, folder: Path) -> dict[tuple[str, str], list[Figure]]:
    """Return every figure by endpoint and candidate."""
    (folder / "f100k.bin").write_bytes(os.urandom(102400))
    cores = (os.cpu_count() or 2) - 1, 0
    running = [Running(each, cores[0], folder / f"{place}.log") for place, each in enumerate(candidates(folder))]
    chosen = [each for each in ENDPOINTS if not arguments.only or each.label in arguments.only.split(",")]
    figures: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    try:
        right = [(each, server) for each in chosen for server in running if server.answers(each)]
        missing = len(chosen) * len(running) - len(right)
        if missing:
            print(f"{missing} endpoints of candidates gave no right answer and are left out", file=sys.stderr)
        for number in range(-1, arguments.rounds):  # the first round warms up
            for endpoint, server in right:
                figure = server.measure(
                    endpoint, arguments.seconds if number >= 0 else 1, CONNECTIONS, cores[1], folder
                )
                if number >= 0:
                    figures[endpoint.label, server.candidate.name].append(figure)
    finally:
        for server in running:
            server.stop()
    return figures


def table(figures: dict[tuple[str, str], list[Figure]]) -> str:
    """Return the medians as a Markdown table: processor time, its distance to the raw server's, requests a second."""
    lines = ["| endpoint | candidate | CPU µs/request | over raw | requests/s | of raw |", "|---|---|---|---|---|---|"]
    raw: tuple[float, float] = (0.0, 0.0)
    for (label, name), found in figures.items():
        cpu, rate = median(figure.cpu for figure in found), median(figure.rate for figure in found)
        if name.startswith("raw"):
            raw = (cpu, rate)
        failed = sum(figure.failed for figure in found)
        note = f" ({failed} failed)" if failed else ""
        share = f"{rate / raw[1]:.2f}" if raw[1] else "-"
        lines.append(f"| {label} | {name}{note} | {cpu:.1f} | {cpu - raw[0]:+.1f} | {rate:.0f} | {share} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Compare our speed with others, in one run.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured; the table has medians")
    parser.add_argument("--seconds", type=int, default=4, help="of load at a time")
    parser.add_argument("--only", default="", help=f"some of {','.join(each.label for each in ENDPOINTS)}")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    arguments = parser.parse_args()
    for tool in ("wrk", "taskset"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed (Debian: wrk, util-linux)")
    with tempfile.TemporaryDirectory() as folder:
        result = table(measure_all(arguments, Path(folder)))
    print(result)
    if arguments.write:
        write(result)


def write(result: str) -> None:
    """Put a table into the documentation's page, in place of the one before."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    machine = f"{os.cpu_count()} cores and Python {platform.python_version()}"
    made = f"Measured on {datetime.now(UTC):%Y-%m-%d} with {machine}."
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n\n{result}\n{END}{after}")


if __name__ == "__main__":
    main()
