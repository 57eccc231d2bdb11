"""The middle of the bus: hands on what one worker says to all others, in a thread of the main process."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .frames import MESSAGE, Frames, frame
from .memory import Memory

_log = logging.getLogger("skitai")
_PIECE = 256 * 1024  # bytes read at once
_BUFFER = 1024 * 1024  # bytes that the kernel keeps for each direction

Relay = Callable[[int, bytes], None]  # kind and body of a frame that other hosts must hear


@dataclass(eq=False)
class Member:
    """One worker's end, as the hub sees it. Lives until the worker has hung up."""

    link: socket.socket
    frames: Frames = field(default_factory=Frames)
    waiting: bytearray = field(default_factory=bytearray)  # what the worker has not taken yet
    behind: bool = False  # it was too slow, and that was said


class Hub:
    """Hands frames on. Lives as long as the main process; nothing it does waits for a worker.

    What one worker sends arrives at each other one in the same order. A worker that does not read has `backlog` bytes
    kept for it; of what comes then, nothing more reaches it until it reads again.
    """

    def __init__(self, memory: Memory, backlog: int) -> None:
        self.memory = memory
        self.backlog = backlog
        self.relay: Relay | None = None
        self._members: set[Member] = set()
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._jobs: deque[Callable[[], None]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="bus", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread, after what is in its hands."""
        self._do(self._end)
        self._thread.join(timeout)

    def join(self) -> socket.socket:
        """Return the end of a new member, to be inherited by a worker. What is said from now on reaches it."""
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            each.setblocking(False)
        self._do(lambda: self._welcome(Member(ours)))
        return theirs

    def inject(self, body: bytes) -> None:
        """Hand a message of another host to all workers of this one. From any thread."""
        self._do(lambda: self._hand_on(frame(MESSAGE, body), None))

    def _do(self, job: Callable[[], None]) -> None:
        self._jobs.append(job)
        with contextlib.suppress(OSError):  # it is being woken already, or has ended
            self._wake.send(b"j")

    def _end(self) -> None:
        self._stopping = True

    def _work(self) -> None:
        while not self._stopping or self._jobs:
            try:
                self._step()
            except Exception:  # noqa: BLE001 - the thread outlives every message; what went wrong is in the log
                _log.exception("bus: a message could not be handed on")
        for member in list(self._members):
            self._part(member)
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _step(self) -> None:
        for key, events in self._selector.select():
            if key.data is None:
                self._woken.recv(4096)
                continue
            if events & selectors.EVENT_READ and key.data in self._members:
                self._read(key.data)
            if events & selectors.EVENT_WRITE and key.data in self._members:
                self._write(key.data)
        while self._jobs:
            self._jobs.popleft()()

    def _welcome(self, member: Member) -> None:
        self._members.add(member)
        self._selector.register(member.link, selectors.EVENT_READ, member)
        self._count()

    def _part(self, member: Member) -> None:
        self._members.discard(member)
        self._selector.unregister(member.link)
        member.link.close()
        self._count()

    def _count(self) -> None:
        self.memory.put("members", len(self._members))

    def _read(self, member: Member) -> None:
        try:
            data = member.link.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._part(member)
            return
        messages = bytearray()
        for kind, body in member.frames.feed(data):
            if kind == MESSAGE:
                messages += frame(kind, body)
            if self.relay is not None:
                self.relay(kind, body)
        if messages:
            self._hand_on(bytes(messages), member)

    def _hand_on(self, data: bytes, sender: Member | None) -> None:
        for member in list(self._members):
            if member is not sender:
                self._give(member, data)

    def _give(self, member: Member, data: bytes) -> None:
        if len(member.waiting) + len(data) > self.backlog:
            self.memory.put("lost", self.memory.get("lost") + sum(1 for _ in Frames().feed(data)))
            if not member.behind:
                member.behind = True
                _log.error("bus: a worker does not keep up; what it cannot take is lost to it (see bus_backlog)")
            return
        member.waiting += data
        if len(member.waiting) == len(data):
            self._write(member)

    def _write(self, member: Member) -> None:
        try:
            sent = member.link.send(member.waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._part(member)
            return
        del member.waiting[:sent]
        member.behind = member.behind and bool(member.waiting)
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if member.waiting else 0)
        if self._selector.get_key(member.link).events != events:
            self._selector.modify(member.link, events, member)
