"""The port that Prometheus reads, and clients that are no Prometheus."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from skitai.monitor import MOST, Monitor
from tests.serving.engine_process import free_ports, read_all, wait_until


@pytest.fixture
def port() -> Iterator[int]:
    port = free_ports()
    monitor = Monitor("127.0.0.1", port, lambda: "up 1\n")
    monitor.start()
    yield port
    monitor.stop()


def read(port: int, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def test_metrics_and_nothing_else(port: int) -> None:
    assert (read(port), read(port, "/metrics?x=1")) == ("up 1\n", "up 1\n")
    for path in ("/", "/../etc/passwd", "/metrics/x"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(port, path)


def test_clients_that_say_nothing_hold_few_threads(port: int) -> None:
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(MOST * 3)]
    wait_until(lambda: threading.active_count() == before + MOST)
    assert read_all(silent[-1], 5) == b""  # it was let go
    assert threading.active_count() == before + MOST
    for client in silent:
        client.close()
    wait_until(lambda: threading.active_count() == before)
    assert read(port) == "up 1\n"
