"""Ports on this machine: free ones, taken ones, and whether a server answers."""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from workspace import WINDOWS, Stop

LOOPBACK = "127.0.0.1"


class Ports(NamedTuple):
    """The ports of a developer's servers, each with the setting that moves it."""

    backend: int
    grpc: int
    frontend: int

    def named(self) -> dict[str, int]:
        """Setting -> port."""
        return {"PORT": self.backend, "GRPC_PORT": self.grpc, "FRONTEND_PORT": self.frontend}


def chosen(settings: Mapping[str, str]) -> Ports:
    """The ports that the settings name; raises Stop for one that is no number."""
    values = {**settings, "FRONTEND_PORT": os.environ.get("FRONTEND_PORT") or "5173"}
    for name in ("PORT", "GRPC_PORT", "FRONTEND_PORT"):
        if not values[name].isdigit():
            raise Stop(f"{name} is {values[name]!r}: set it to a port number, such as 8000.")
    port = int(values["PORT"])
    return Ports(port, int(values["GRPC_PORT"]) or port + 1, int(values["FRONTEND_PORT"]))


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


def require_free(ports: Mapping[str, int]) -> None:
    """Raise Stop when one of the ports is taken, naming the setting that moves it."""
    for setting, port in ports.items():
        if taken(port):
            raise Stop(f"Port {port} is taken by another program: stop that one, or set {setting} to a free port.")


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
