"""What the calls of one process to its upstreams share: a loop, connections, kept replies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from atila.platform import Platform

from .cache import Cache
from .loop import Loop

if TYPE_CHECKING:
    from .rest import Rest

Client = TypeVar("Client")


def open_clients(platform: Platform) -> Clients:
    """Return the clients of a platform; nothing is opened before it is used."""
    return Clients(platform)


class Clients:
    """Clients by what they speak. A resource of the platform: closed with it.

    The packages behind them are loaded with the first call: processes that call nobody keep nothing of them.
    """

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.loop = Loop()
        self.cache = Cache()
        self._made: dict[object, Any] = {}
        self._lock = threading.RLock()
        self._process = os.getpid()

    @property
    def rest(self) -> Rest:
        """What speaks HTTP."""
        return self.client("rest", self._make_rest)

    def client(self, key: object, make: Callable[[], Client]) -> Client:
        """Return what `make` made the first time for a key; its `close` is called at the end, when it has one."""
        if key not in self._made or self._process != os.getpid():
            with self._lock:
                if self._process != os.getpid():
                    self._made, self._process = {}, os.getpid()  # a fork's connections belong to its parent
                if key not in self._made:
                    self._made[key] = make()
        return cast(Client, self._made[key])

    def usage(self) -> dict[str, int]:
        """Return how many HTTP calls run at the moment, by alias; "@" stands for those to URLs."""
        rest: Rest | None = self._made.get("rest")
        return rest.usage() if rest is not None else {}

    def close(self) -> None:
        """Close all connections and end the loop's thread; calls that still run fail."""
        with self._lock:
            made, self._made = self._made, {}
        self.loop.close()
        for client in made.values():
            close = getattr(client, "close", None)
            if close is not None:
                close()
        self.cache.clear()

    def _make_rest(self) -> Rest:
        from .rest import Rest  # loads httpx2

        seconds = self.platform.metrics.histogram(
            "atila_upstream_seconds", "Seconds of calls to HTTP upstreams", "alias", "status"
        )
        return Rest(self.loop, self.platform.backend_keep_alive, seconds)
