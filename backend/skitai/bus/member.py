"""A worker's end of the bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from atila.bus import Callback, LocalBus, encode

from .cells import SharedNumbers, SharedUpdates
from .frames import MESSAGE, Frames, changed, frame
from .memory import Memory
from .rates import SharedRates

_log = logging.getLogger("skitai")
_PIECE = 256 * 1024  # bytes read at once
_LOOK = 0.02  # seconds between looks at what waits, where a thread looks after the link
_envelope = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])


class MemberBus:
    """The Bus of one worker, and what it shares with the others. Lives as long as the worker.

    What it publishes is delivered here directly, and goes to the other workers and hosts through the main process.
    """

    def __init__(self, link: socket.socket, memory: Memory, *, message_limit: int, backlog: int) -> None:
        self.message_limit = message_limit
        self.backlog = backlog
        self.memory = memory
        self.updates = SharedUpdates(memory)
        self.numbers = SharedNumbers(memory)
        self.rates = SharedRates(memory)
        if memory.get("joined"):
            self.updates.tell = self.numbers.tell = self._tell
            self.rates.tell = self._tell_use
        self._local = LocalBus()
        self._link = link
        self._link.setblocking(False)
        self._lock = threading.Lock()
        self._waiting = bytearray()  # what the main process has not taken yet
        self._frames = Frames()
        self._gone = False
        self._watched = True  # the loop looks after the link, not a thread
        self._loop: asyncio.AbstractEventLoop | None = None

    def publish(self, topic: str, message: Any, *, here: bool = True) -> None:
        body = encode(topic, message)
        if len(body) > self.message_limit:
            raise ValueError(
                f"bus: a message of {topic!r} has {len(body)} bytes; {self.message_limit} may be sent"
                " (run's bus_message_limit)"
            )
        if here:
            self._local.deliver(body)
        if self.memory.get("members") > 1 or self.memory.get("joined"):
            self._send(frame(MESSAGE, body))

    def subscribe(self, topic: str, callback: Callback) -> Callable[[], None]:
        return self._local.subscribe(topic, callback)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which loop callbacks run on, and begin to listen."""
        if self._loop is loop:
            return
        self._loop = loop
        self._local.attach(loop)
        try:
            loop.add_reader(self._link.fileno(), self._receive)
        except NotImplementedError:  # the loop of Windows
            self._watched = False
            threading.Thread(target=self._watch, args=(loop,), name="bus", daemon=True).start()
        else:
            self._flush()

    def health(self) -> dict[str, Any]:
        """Tell how the bus is.

        "members" are the workers of this host, "lost" the messages that somebody was too slow for. With other hosts,
        "away_since" is since when Redis cannot be reached, in seconds since 1970, or None; "away_times" how often that
        was, "away_last" for how many seconds the last time.
        """
        field = self.memory.get
        joined, since = bool(field("joined")), field("away_since")
        report: dict[str, Any] = {
            "status": "away" if since or self._gone else "ok",
            "kind": "redis" if joined else "embedded",
            "members": int(field("members")),
            "lost": int(field("lost")),
        }
        if joined:
            times, last = int(field("away_times")), round(field("away_last"), 1)
            report.update(away_since=since or None, away_times=times, away_last=last)
        return report

    def close(self, patience: float = 1.0) -> None:
        """Give what still waits to the main process, and hang up."""
        with self._lock:
            if self._loop is not None and self._watched and not self._loop.is_closed():
                self._loop.remove_reader(self._link.fileno())
                self._loop.remove_writer(self._link.fileno())
            try:
                self._link.settimeout(patience)
                self._link.sendall(self._waiting)
            except OSError:
                _log.warning("bus: %d bytes could not be handed on", len(self._waiting))
            self._gone = True
            self._waiting.clear()
            with contextlib.suppress(OSError):
                self._link.shutdown(socket.SHUT_RDWR)  # a thread that listens hears of it
            self._link.close()

    # to the main process

    def _tell(self, what: str, name: str, value: float) -> None:
        self._send(changed(what, name, value))

    def _tell_use(self, key: str, seconds: float) -> None:
        self._send(changed("use", key, 1, seconds))

    def _send(self, data: bytes) -> None:
        """Hand on a frame at once when the main process keeps up, else soon."""
        with self._lock:
            if self._gone:
                return
            if self._waiting:
                if len(self._waiting) + len(data) <= self.backlog:
                    self._waiting += data
                else:
                    self.memory.put("lost", self.memory.get("lost") + 1)
                return
            sent = self._try(data)
            if sent == len(data) or self._gone:
                return
            self._waiting += data[sent:]
        if self._loop is not None and self._watched:
            self._loop.call_soon_threadsafe(self._flush)

    def _flush(self) -> None:
        """On the loop: send what waits, and come back when there is room for the rest."""
        assert self._loop is not None
        with self._lock:
            if self._gone:
                return
            del self._waiting[: self._try(self._waiting)]
            if self._waiting:
                self._loop.add_writer(self._link.fileno(), self._flush)
            else:
                self._loop.remove_writer(self._link.fileno())

    def _try(self, data: bytes | bytearray) -> int:
        """Return how many bytes could be sent."""
        if not data:
            return 0
        try:
            return self._link.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._gone = True
            return 0

    # from the main process

    def _receive(self) -> None:
        try:
            data = self._link.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._deliver(data)
            return
        self._gone = True
        assert self._loop is not None
        self._loop.remove_reader(self._link.fileno())

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """On a thread: receive, and send what waits, where the loop cannot watch a socket."""
        while not self._gone:
            try:
                readable, _, _ = select.select([self._link], [], [], _LOOK)
                data = self._link.recv(_PIECE) if readable else b""
            except (OSError, ValueError):  # closed here
                return
            if readable and not data:
                return
            if data:
                loop.call_soon_threadsafe(self._deliver, data)
            with self._lock:
                del self._waiting[: self._try(self._waiting)]

    def _deliver(self, data: bytes) -> None:
        subscriptions = self._local.subscriptions
        for kind, body in self._frames.feed(data):
            if kind != MESSAGE:
                continue
            topic, message = _envelope.decode(body)
            if topic in subscriptions:
                subscriptions.call(topic, msgspec.msgpack.decode(message))
