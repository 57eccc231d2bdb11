"""A script of the engine, running as a process of its own on free ports, and raw connections to it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

BACKEND = Path(__file__).parents[2]
PORTS = (15_000, 32_000)  # below those that Linux gives to outgoing connections
HEAD = """
import asyncio, os, sys, threading, time
import skitai
from atila import Atila

app = Atila(__name__)
"""
TAIL = """
if __name__ == "__main__":
    skitai.run(address="127.0.0.1", port=int(sys.argv[1]), **{options!r})
"""


class EngineProcess:
    """A running script. Lives as long as a test; `stop` and everything it started end with it."""

    def __init__(
        self, folder: Path, body: str, *, port: int = 0, arguments: tuple[str, ...] = (), **options: object
    ) -> None:
        self.folder = folder
        self.port = port or free_ports()
        self.script = folder / "serve_test.py"
        self.script.write_text(HEAD + textwrap.dedent(body) + TAIL.format(options={"stop_timeout": 10.0, **options}))
        self.log = folder / "output.log"
        # What the engine keeps below /tmp stays in the test's folder, also when it is killed.
        environment = {**os.environ, "PYTHONPATH": str(BACKEND), "PYTHONUNBUFFERED": "1", "TMPDIR": str(folder)}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, self.script.name, str(self.port), *arguments],
                cwd=folder,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    @property
    def workers(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in children.read_text().split()] if children.exists() else []

    def ready(self, timeout: float = 20.0) -> EngineProcess:
        """Wait until it says that it serves. Raises AssertionError with its output when it does not."""
        wait_until(lambda: "serving at" in self.output or self.process.poll() is not None, timeout, lambda: self.output)
        assert self.process.poll() is None, self.output
        return self

    def tell(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM, timeout: float = 15.0) -> int:
        """Ask it to stop and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)

    def end(self) -> None:
        """End whatever still runs of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def send(self, data: bytes, timeout: float = 5.0) -> bytes:
        """Send bytes on a connection of its own and return everything that comes back until it closes or is silent."""
        with self.connect(timeout) as connection:
            connection.sendall(data)
            return read_all(connection)

    def connect(self, timeout: float = 5.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout)


def read_all(connection: socket.socket, quiet: float = 0.7) -> bytes:
    """Read until the other side closes or says nothing for `quiet` seconds."""
    connection.settimeout(quiet)
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except (TimeoutError, ConnectionResetError):
        pass
    return received


def status_of(answer: bytes) -> int:
    """Return the status code of a raw HTTP/1.1 answer, 0 when there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def wait_until(true: Callable[[], object], timeout: float = 10.0, otherwise: Callable[[], str] = lambda: "") -> None:
    """Wait until a condition holds. Raises AssertionError with `otherwise()` when it does not in time."""
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, f"waited {timeout} s for nothing\n{otherwise()}"
        time.sleep(0.02)


def free_ports() -> int:
    """Return a port that is free together with the one after it, and that no client's connection is given by chance."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
