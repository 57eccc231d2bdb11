"""Load on one endpoint of one server, and the processor time the server spent on it (Linux, wrk)."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Endpoint:
    """What is asked for, and what the answer must contain."""

    label: str
    path: str
    expected: bytes = b""
    method: str = "GET"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def script(self, folder: Path) -> Path | None:
        """Write what wrk needs for anything but a plain GET; return the file."""
        if self.method == "GET" and not self.headers:
            return None
        lines = [f'wrk.method = "{self.method}"']
        lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in self.headers.items()]
        if self.body:
            lines.append(f"wrk.body = [==[{self.body.decode()}]==]")
        file = folder / f"{self.label}.lua"
        file.write_text("\n".join(lines) + "\n")
        return file


@dataclass(frozen=True)
class Figure:
    """One measurement."""

    rate: float  # requests a second
    cpu: float  # microseconds of the server's processor time for a request
    failed: int


@dataclass(frozen=True)
class Candidate:
    """A server to measure; `{port}` in its command is filled in."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)


class Running:
    """A candidate's process, pinned to one core. Lives as long as the run."""

    def __init__(self, candidate: Candidate, core: int, log: Path) -> None:
        self.candidate = candidate
        self.port = free_port()
        command = [part.replace("{port}", str(self.port)) for part in candidate.command]
        environment = {**os.environ, **candidate.environment, "PORT": str(self.port)}
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=candidate.folder,
            env=environment,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def answers(self, endpoint: Endpoint, patience: float = 20.0) -> bool:
        """Say whether the endpoint gives the right answer, waiting for the server to come up."""
        end = time.monotonic() + patience
        while time.monotonic() < end and self.process.poll() is None:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request(endpoint.method, endpoint.path, endpoint.body or None, endpoint.headers)
                answer = connection.getresponse()
                content = answer.read().replace(b" ", b"")
                connection.close()
            except OSError:
                time.sleep(0.1)
                continue
            return answer.status == 200 and endpoint.expected in content
        return False

    def measure(self, endpoint: Endpoint, seconds: int, connections: int, core: int, folder: Path) -> Figure:
        """Put load on an endpoint and return what it cost."""
        command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s"]
        script = endpoint.script(folder)
        command += ["-s", str(script)] if script else []
        before = processor_time(self.process.pid)
        output = subprocess.run(
            [*command, f"http://127.0.0.1:{self.port}{endpoint.path}"], capture_output=True, text=True, check=True
        ).stdout
        spent = processor_time(self.process.pid) - before
        requests = int(_found(r"(\d+) requests in", output))
        failed = int(_found(r"Non-2xx or 3xx responses: (\d+)", output))
        return Figure(_found(r"Requests/sec:\s+([\d.]+)", output), spent / max(requests, 1) * 1e6, failed)

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def processor_time(session: int) -> float:
    """Return the seconds of processor time of every process of a session."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def _found(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    return float(match[1]) if match else 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
