"""Ports on this machine: free ones, taken ones, and whether a server answers."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable

from workspace import WINDOWS, Stop

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that nothing listens on, and neither on the next one (gRPC's)."""
    while True:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port < 65535 and not taken(port + 1):
            return port


def taken(port: int, host: str = LOOPBACK) -> bool:
    """Whether another program holds the port."""
    with socket.socket() as probe:
        if not WINDOWS:  # there the option would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def require_free(port: int, purpose: str, setting: str) -> None:
    """Raise Stop when the port is taken, saying what it is for and which setting moves it."""
    if taken(port):
        raise Stop(f"Port {port} ({purpose}) is taken by another program: stop that, or set {setting} to a free one.")


def wait_until_answers(port: int, path: str, *, seconds: float, alive: Callable[[], bool]) -> bool:
    """Whether GET `path` answers below 500 within `seconds`, and while `alive` says so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and alive():
        if _answers(port, path):
            return True
        time.sleep(0.05)
    return False


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Accept": "text/html,application/json"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
