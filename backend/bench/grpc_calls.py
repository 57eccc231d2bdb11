"""Compare gRPC calls through a route with a bare grpcio server: `python -m bench.grpc_calls [--rounds 5]`.

Both have eight threads and one core; `h2load` makes the calls from another, 32 at once on four connections.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import grpc

from contracts.photos.v1 import photos_pb2 as pb

from .__main__ import BACKEND
from .grpc_server import SERVICE
from .measure import Candidate, Figure, Running, processor_time

CONNECTIONS, AT_ONCE = 4, 8
METHOD = f"{SERVICE}/Get"


class RunningGrpc(Running):
    """A gRPC server's process. Lives as long as the run."""

    def wait(self) -> None:
        """Wait until it answers rightly. Raises grpc.RpcError when it does not."""
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            ask = channel.unary_unary(METHOD, pb.GetRequest.SerializeToString, pb.Photo.FromString)
            photo = ask(pb.GetRequest(id=7), timeout=20, wait_for_ready=True)
        assert (photo.id, photo.title) == (7, "hello"), photo

    def load(self, seconds: int, core: int, body: Path) -> Figure:
        """Make calls and return what one cost."""
        command = ["taskset", "-c", str(core), "h2load", f"-D{seconds}", f"-c{CONNECTIONS}", f"-m{AT_ONCE}"]
        command += ["-d", str(body), "-H", "content-type: application/grpc", "-H", "te: trailers"]
        before, started = processor_time(self.process.pid), time.monotonic()
        output = subprocess.run(
            [*command, f"http://127.0.0.1:{self.port}{METHOD}"], capture_output=True, text=True, check=True
        ).stdout
        spent, passed = processor_time(self.process.pid) - before, time.monotonic() - started
        found = re.search(r"(\d+) succeeded, (\d+) failed", output)
        assert found is not None, output
        calls = int(found[1])
        return Figure(calls / min(passed, seconds), spent / max(calls, 1) * 1e6, int(found[2]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.grpc_calls", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the table has medians")
    parser.add_argument("--seconds", type=int, default=4, help="of load at a time")
    arguments = parser.parse_args()
    for tool in ("h2load", "taskset"):
        if shutil.which(tool) is None:
            parser.error(f"{tool} is not installed (Debian: nghttp2-client, util-linux)")
    cores = (os.cpu_count() or 2) - 1, 0
    words = (sys.executable, "-m", "bench.grpc_server")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        message = pb.GetRequest(user="me", id=7).SerializeToString()
        body = folder / "body"
        body.write_bytes(b"\0" + len(message).to_bytes(4, "big") + message)
        candidates = [
            Candidate("bare grpc.server", (*words, "bare", "--port", "{port}"), BACKEND),
            Candidate("ours", (*words, "ours", "--port", "{port}"), BACKEND),
        ]
        servers = [RunningGrpc(each, cores[0], folder / each.name) for each in candidates]
        figures: list[list[Figure]] = [[] for _ in servers]
        try:
            for server in servers:
                server.wait()
                server.load(1, cores[1], body)
            for _ in range(arguments.rounds):
                for place, server in enumerate(servers):
                    figures[place].append(server.load(arguments.seconds, cores[1], body))
        finally:
            for server in servers:
                server.stop()
    print(table([each.name for each in candidates], figures))


def table(names: list[str], figures: list[list[Figure]]) -> str:
    """Return the medians as a Markdown table; the first candidate is what the others are compared with."""
    lines = ["| gRPC unary | CPU µs/call | calls/s | of bare |", "|---|---|---|---|"]
    first = median(figure.rate for figure in figures[0])
    for name, found in zip(names, figures, strict=True):
        rate, failed = median(figure.rate for figure in found), sum(figure.failed for figure in found)
        note = f" ({failed} failed)" if failed else ""
        lines.append(f"| {name}{note} | {median(each.cpu for each in found):.1f} | {rate:.0f} | {rate / first:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
