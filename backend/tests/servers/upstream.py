"""Servers that an app under test calls: the standard library's HTTP server with scripted answers, and Granian."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

PATIENCE = 20.0  # seconds to wait for a server


class Seen(NamedTuple):
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class Upstream(ThreadingHTTPServer):
    """Answers what a path says: /echo, /slow?seconds=1, /status/404, /drop … Lives as long as a test."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Answering)
        self.seen: list[Seen] = []
        self.connections = 0
        self.elsewhere = ""  # where /elsewhere leads
        self.drops = 0  # how many requests to come lose their connection
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients leave early here."""

    def stop(self) -> None:
        """Close the port."""
        self.shutdown()
        self.server_close()


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fields = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, fields, body))
        if self.server.drops:
            self.server.drops -= 1
            self.close_connection = True
            return
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        name, _, rest = parts.path.strip("/").partition("/")
        getattr(self, f"answer_{name}", self.answer_echo)(query, rest)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the library's names

    def answer_echo(self, query: dict[str, str], rest: str) -> None:
        seen = self.server.seen[-1]
        self.give({"method": seen.method, "path": seen.path, "headers": seen.headers, "body": seen.body.decode()})

    def answer_slow(self, query: dict[str, str], rest: str) -> None:
        time.sleep(float(query.get("seconds", 1)))
        self.give({"slow": True})

    def answer_status(self, query: dict[str, str], rest: str) -> None:
        self.give({"status": int(rest)}, status=int(rest))

    def answer_rows(self, query: dict[str, str], rest: str) -> None:
        self.give([{"id": number} for number in range(int(rest))])

    def answer_text(self, query: dict[str, str], rest: str) -> None:
        self.give_bytes("grün".encode("latin-1"), "text/plain; charset=latin-1")

    def answer_malformed(self, query: dict[str, str], rest: str) -> None:
        self.give_bytes(b'{"half": ', "application/json", int(rest or 200))

    def answer_big(self, query: dict[str, str], rest: str) -> None:
        packed = gzip.compress(b"0" * int(rest))
        self.give_bytes(packed, "text/plain", fields=[("content-encoding", "gzip")])

    def answer_moved(self, query: dict[str, str], rest: str) -> None:
        self.give_bytes(b"", "text/plain", 302, [("location", f"/{rest}")])

    def answer_elsewhere(self, query: dict[str, str], rest: str) -> None:
        self.give_bytes(b"", "text/plain", 302, [("location", self.server.elsewhere)])

    def answer_cookie(self, query: dict[str, str], rest: str) -> None:
        self.give_bytes(b"{}", "application/json", fields=[("set-cookie", "user=alice; Path=/")])

    def answer_cut(self, query: dict[str, str], rest: str) -> None:
        self.send_response(200)
        self.send_header("content-length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True

    def give(self, value: Any, status: int = 200) -> None:
        self.give_bytes(json.dumps(value).encode(), "application/json", status)

    def give_bytes(
        self, body: bytes, kind: str, status: int = 200, fields: list[tuple[str, str]] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in [("content-type", kind), ("content-length", str(len(body))), *(fields or [])]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A running HTTP server."""
    server = Upstream()
    yield server
    server.stop()


@pytest.fixture
def upstreams() -> Iterator[list[Upstream]]:
    """Three running HTTP servers."""
    servers = [Upstream() for _ in range(3)]
    yield servers
    for server in servers:
        server.stop()


GRANIAN_APP = """
import asyncio, json

async def app(scope, proto):
    if scope.path == "/slow":
        await asyncio.sleep(1)
    body = await proto()
    said = {"path": scope.path, "version": scope.http_version, "body": body.decode()}
    proto.response_str(200, [("content-type", "application/json")], json.dumps(said))
"""


@contextmanager
def granian(folder: Path, *options: str) -> Iterator[int]:
    """Run Granian with a small RSGI application of its own, and yield its port."""
    (folder / "granian_app.py").write_text(GRANIAN_APP)
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "rsgi", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--workers-kill-timeout", "1", *options, "granian_app:app"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert process.poll() is None, "the server ended at once"
            assert time.monotonic() < end, "the server does not listen"
            time.sleep(0.05)
        else:
            return
