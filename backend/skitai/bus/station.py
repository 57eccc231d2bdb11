"""What the main process has of the bus: the memory, the hub, and the bridge to other hosts."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from .hub import Hub
from .member import MemberBus
from .memory import Memory

if TYPE_CHECKING:
    from skitai.control import Line
    from skitai.options import Options

    from .bridge import Bridge

_PATIENCE = 2.0  # seconds that the start waits for what Redis holds


class Station:
    """One host's part of the bus. Lives as long as the main process; where a worker inherits nothing, in the worker."""

    def __init__(self, options: Options, *, shared: bool = True) -> None:
        self.memory = Memory.make(options.shared_keys, options.rate_limit_keys, shared=shared)
        self.hub = Hub(self.memory, options.bus_backlog)
        self.bridge: Bridge | None = None
        if options.bus is not None:
            from .bridge import Bridge  # its library, only where it is used

            self.memory.put("joined", 1)
            self.bridge = Bridge(options.bus, options.name, self.memory, self.hub.inject, options.bus_backlog)
            self.hub.relay = self.bridge.relay

    def start(self) -> None:
        """Start to hand on; wait a moment for the values that other hosts have."""
        self.hub.start()
        if self.bridge is not None:
            self.bridge.start()
            self.bridge.synced.wait(_PATIENCE)

    def stop(self) -> None:
        """Hand on what is left, and end."""
        self.hub.stop()
        if self.bridge is not None:
            self.bridge.stop()

    def join(self) -> socket.socket:
        """Return the end of a new worker."""
        return self.hub.join()


def join(line: Line, options: Options) -> MemberBus:
    """Return a worker's bus: through what it inherited, or through a station of its own when it inherits nothing."""
    if line.bus is not None and line.memory is not None:
        link, memory = line.bus, Memory(line.memory)
    else:
        station = Station(options, shared=False)
        station.start()
        link, memory = station.join(), station.memory
    return MemberBus(link, memory, message_limit=options.bus_message_limit, backlog=options.bus_backlog)
