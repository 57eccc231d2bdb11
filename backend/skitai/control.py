"""The line between the main process and a worker: 'I am ready' one way, 'you are replaced' the other, and numbers."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from typing import Literal

import msgspec

from atila.metrics import Family

LEAVE = b"leave\n"  # to a worker: another has taken your place
REPORT = b"report\n"  # to a worker: tell your numbers
VARIABLE = "SKITAI_WORKER"  # set for a worker: its slot; descriptors of the line, the HTTP port, the bus, its memory


class Ready(msgspec.Struct):
    """What a worker tells once it serves."""

    reload: bool = False  # one of its apps wants to be loaded again when its code changes
    folders: list[str] = []  # where that code lies
    addresses: list[str] = []  # what it serves, for people
    grpc: bool = False  # it opened the gRPC port too


class Wish(msgspec.Struct):
    """What a handler wants of the main process."""

    wish: Literal["restart", "shutdown"]


class Line:
    """A worker's end of the line. Lives as long as the worker."""

    def __init__(
        self,
        slot: int,
        control: socket.socket | None,
        listener: int | None = None,
        bus: socket.socket | None = None,
        memory: int | None = None,
    ) -> None:
        self.slot = slot
        self.control = control
        self.listener = listener  # the descriptor of the listening socket; None when the worker opens the port
        self.bus = bus  # to the main process; None when the worker has a hub of its own
        self.memory = memory  # the descriptor of what the bus shares
        self._telling = threading.Lock()

    def tell(self, message: Ready | Wish | Sequence[Family]) -> None:
        """Send a message, from any thread; waits while the main process is busy. Raises OSError when it is gone."""
        if self.control is not None:
            with self._telling:
                self.control.sendall(msgspec.json.encode(message) + b"\n")


def place(slot: int, *descriptors: int | None) -> str:
    """Return what a worker finds in VARIABLE: its place among the workers, and the descriptors that it inherits."""
    return ":".join("" if number is None else str(number) for number in (slot, *descriptors))


def take_line() -> Line | None:
    """Return this process's line when it is a worker, else None. What the worker itself starts is no worker."""
    value = os.environ.pop(VARIABLE, None)
    if value is None:
        return None
    slot, control, listener, bus, memory = (int(number) if number else None for number in value.split(":"))
    for descriptor in (control, listener, bus, memory):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)  # what the worker itself starts must not keep them open
    return Line(slot or 0, _socket(control), listener, _socket(bus), memory)


def _socket(descriptor: int | None) -> socket.socket | None:
    return None if descriptor is None else socket.socket(fileno=descriptor)
