"""The main process: starts the workers, starts them again when they die, replaces them one by one, stops them."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from types import FrameType

import msgspec

from .bus.station import Station
from .control import LEAVE, VARIABLE, Ready, Wish, place
from .listening import Listeners
from .survey import Survey
from .watcher import Watcher, broken_file

_log = logging.getLogger("skitai")
_TICK = 0.5  # seconds between looks at deadlines
_POSIX = os.name == "posix"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGBREAK")


class State(Enum):
    """Where a worker is in its life."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass(eq=False)
class Worker:
    """One worker process. Lives from its start until its exit was seen."""

    slot: int
    process: subprocess.Popen[bytes]
    control: socket.socket | None
    state: State = State.STARTING
    kill_at: float = float("inf")  # on the monotonic clock
    replaces: Worker | None = None  # stopped as soon as this one is ready
    again: bool = False  # started anew when its exit was seen
    received: bytearray = field(default_factory=bytearray)


class Supervisor:
    """Keeps `count` workers running. Lives as long as the main process.

    A worker is this very script, run again: so a replacement has the code that is on disk now, nothing is shared by
    accident, and it works alike where a process cannot be forked.
    """

    crashes_allowed = 5  # ready workers that may die within `crash_window` before we give up
    crash_window = 30.0  # seconds

    def __init__(
        self,
        count: int,
        *,
        command: Sequence[str],
        folder: Path,
        listeners: Listeners | None,
        stop_timeout: float,
        reload: bool,
        grpc_refused: str | None = None,
        bus: Station | None = None,
        survey: Survey | None = None,
        on_serving: Callable[[list[str]], None] | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        self.count = count
        self.command = list(command)
        self.folder = folder
        self.listeners = listeners  # None: the worker opens the port, so an old and a new one cannot serve side by side
        self.stop_timeout = stop_timeout
        self.reload = reload
        self.grpc_refused = grpc_refused  # why the gRPC port cannot be had; only matters when a worker wants it
        self.on_serving = on_serving  # told once where all workers serve
        self.on_tick = on_tick  # called about twice a second
        self.survey = survey  # asks workers for their numbers
        self.bus = bus if _POSIX else None  # over which workers speak to each other; elsewhere the only one has its own
        self.workers: list[Worker] = []
        self.exit_code = 0
        self._stopping = False
        self._signals: deque[int] = deque()
        self._changed: deque[list[Path]] = deque()
        self._crashes: deque[float] = deque()
        self._announced = False
        self._next_tick = 0.0
        self._watcher: Watcher | None = None
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()

    def run(self) -> int:
        """Supervise until a signal or a failure ends it; return the exit code."""
        self._listen_to_signals()
        if self.bus is not None:
            self.bus.start()
        if self.survey is not None:
            self.survey.wake = partial(self._wake.send, b"r")
        for slot in range(self.count):
            self._start(slot)
        while self.workers or (self.reload and not self._stopping):
            self._step()
        if self._watcher is not None:
            self._watcher.stop()
        if self.bus is not None:
            self.bus.stop()
        return self.exit_code

    def _step(self) -> None:
        for key, _ in self._selector.select(_TICK):
            if key.data is None:
                self._woken.recv(4096)
            else:
                self._hear(key.data)
        if self.survey is not None and self.survey.wanted:
            self.survey.ask(self._in(State.READY))
        if self.on_tick is not None and time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + _TICK
            self.on_tick()
        while self._signals:
            self._obey(self._signals.popleft())
        while self._changed:
            self._code_changed(self._changed.popleft())
        for worker in list(self.workers):
            if worker.process.poll() is not None:
                self._bury(worker)
            elif worker.kill_at < time.monotonic():
                _log.warning("worker %d did not finish in %g s; killed", worker.slot + 1, self.stop_timeout)
                worker.process.kill()
                worker.kill_at = float("inf")

    # signals

    def _listen_to_signals(self) -> None:
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for name in _SIGNALS:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._note_signal)

    def _note_signal(self, number: int, _: FrameType | None) -> None:
        self._signals.append(number)

    def _obey(self, number: int) -> None:
        name = signal.Signals(number).name
        if name == "SIGHUP":
            _log.info("replacing the workers one by one")
            self._replace_next(0)
        elif name != "SIGCHLD" and self._stopping:
            _log.warning("asked again to stop: killing the workers")
            for worker in self.workers:
                worker.process.kill()
        elif name != "SIGCHLD":
            self._stop_all()

    # the life of a worker

    def _start(self, slot: int, replaces: Worker | None = None) -> None:
        ours, theirs = socket.socketpair() if _POSIX else (None, None)
        link = self.bus.join() if self.bus else None
        descriptors = [theirs.fileno() if theirs else None, self.listeners.descriptor(slot) if self.listeners else None]
        descriptors += [link.fileno(), self.bus.memory.descriptor] if self.bus and link else [None, None]
        environment = {**os.environ, VARIABLE: place(slot, *descriptors)}
        process = subprocess.Popen(  # noqa: S603 - our own script and interpreter
            self.command, cwd=self.folder, env=environment, pass_fds=[each for each in descriptors if each is not None]
        )
        worker = Worker(slot, process, ours, replaces=replaces)
        self.workers.append(worker)
        if link is not None:
            link.close()
        if ours is None or theirs is None:  # nothing to hear from it: ready as soon as it runs
            self._ready(worker, Ready(reload=self.reload, folders=[str(self.folder)]))
        else:
            theirs.close()
            ours.setblocking(False)
            self._selector.register(ours, selectors.EVENT_READ, worker)

    def _hear(self, worker: Worker) -> None:
        if worker.control is None:
            return
        try:
            data = worker.control.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._hang_up(worker)
            return
        worker.received += data
        *lines, worker.received = worker.received.split(b"\n")
        for line in lines:
            if worker.state is State.STARTING:
                self._ready(worker, msgspec.json.decode(line, type=Ready))
            elif line.startswith(b"{"):
                self._grant(msgspec.json.decode(line, type=Wish))
            elif self.survey is not None:
                self.survey.take(worker, bytes(line))

    def _grant(self, wish: Wish) -> None:
        """Do what a handler asked for; more than once is as good as once."""
        if self._stopping:
            return
        if wish.wish == "shutdown":
            self._stop_all()
        else:
            self._obey(signal.SIGHUP)

    def _ready(self, worker: Worker, message: Ready) -> None:
        worker.state = State.READY
        if message.grpc and self.grpc_refused is not None:
            self._give_up(f"{self.grpc_refused} with grpc_port=")
            return
        if message.reload and not self._stopping:
            self.reload = True
            self._watch([Path(folder) for folder in message.folders])
        if not self._announced and len(self._in(State.READY)) >= self.count:
            self._announced = True
            _log.info("serving at %s", " and ".join(message.addresses) or "the address given")
            if self.on_serving is not None:
                self.on_serving(message.addresses)
        if worker.replaces is not None:
            self._retire(worker.replaces, gently=True)
            worker.replaces = None
            self._replace_next(worker.slot + 1)

    def _retire(self, worker: Worker, *, gently: bool = False) -> None:
        if worker.state is State.STOPPING:
            return
        worker.state = State.STOPPING
        worker.kill_at = time.monotonic() + self.stop_timeout
        if gently and worker.control is not None:
            worker.control.send(LEAVE)
        else:
            worker.process.terminate()

    def _bury(self, worker: Worker) -> None:
        while worker.control is not None:
            self._hear(worker)  # its last words
        if self.survey is not None:
            self.survey.part(worker, died=worker.state is State.READY and not self._stopping)
        self.workers.remove(worker)
        for other in self.workers:
            if other.replaces is worker:
                other.replaces = None
        if worker.state is State.STARTING and not self._stopping:
            self._failed_to_start(worker)
        elif worker.state is State.READY and not self._stopping:
            self._died(worker)
        elif worker.again and not self._stopping:
            self._start(worker.slot)

    def _hang_up(self, worker: Worker) -> None:
        if worker.control is not None:
            self._selector.unregister(worker.control)
            worker.control.close()
            worker.control = None

    def _failed_to_start(self, worker: Worker) -> None:
        if self.reload:
            kept = "the code before the change goes on serving" if self._in(State.READY) else "nothing is served now"
            self._watch([self.folder])
            _log.error("the worker could not start (see above): %s; waiting for a change of the code", kept)
        elif self._in(State.READY) and worker.replaces is not None:
            _log.error("the new worker could not start (see above): the one before goes on serving")
        elif self._announced:
            self._died(worker)
        else:
            self._give_up("a worker could not start: see the error above")

    def _died(self, worker: Worker) -> None:
        now = time.monotonic()
        self._crashes.append(now)
        while self._crashes[0] < now - self.crash_window:
            self._crashes.popleft()
        how = _how_it_ended(worker.process.returncode)
        if len(self._crashes) > self.crashes_allowed:
            self._give_up(
                f"workers died {len(self._crashes)} times within {self.crash_window:g} s (the last one {how}): "
                f"mend what kills them, then start again"
            )
            return
        if any(other.slot == worker.slot for other in [*self._in(State.STARTING), *self._in(State.READY)]):
            _log.error("worker %d %s; another has its place", worker.slot + 1, how)
            return
        _log.error("worker %d %s; starting it again", worker.slot + 1, how)
        if self.listeners is not None and self._in(State.READY):
            self.listeners.rest(worker.slot)
        self._start(worker.slot)

    # all of them

    def _in(self, state: State) -> list[Worker]:
        return [worker for worker in self.workers if worker.state is state]

    def _replace_next(self, slot: int) -> None:
        """Start the replacement of the first ready worker at or after a slot; the others follow when it is ready."""
        ready = sorted((worker for worker in self._in(State.READY) if worker.slot >= slot), key=lambda each: each.slot)
        waiting = {worker.replaces for worker in self._in(State.STARTING)}
        if not ready or ready[0] in waiting or self._stopping:
            return
        if self.listeners is not None:
            self._start(ready[0].slot, replaces=ready[0])
        else:
            ready[0].again = True
            self._retire(ready[0])

    def _stop_all(self) -> None:
        self._stopping = True
        if self.listeners is not None:
            self.listeners.close()
        for worker in self.workers:
            self._retire(worker)

    def _give_up(self, reason: str) -> None:
        _log.critical("%s", reason)
        self.exit_code = 1
        self.reload = False
        self._stop_all()

    # reload

    def _watch(self, folders: list[Path]) -> None:
        if self._watcher is None:
            self._watcher = Watcher(folders, self._tell_changed)
            self._watcher.start()

    def _tell_changed(self, files: list[Path]) -> None:
        self._changed.append(files)
        self._wake.send(b"c")

    def _code_changed(self, files: list[Path]) -> None:
        if self._stopping:
            return
        names = ", ".join(sorted({file.name for file in files})[:5])
        broken = broken_file(files)
        if broken is not None:
            _log.error("%s; mend it, then the workers restart", broken)
            return
        _log.info("%s changed: restarting", names)
        for worker in self._in(State.STARTING):
            worker.process.kill()
            worker.state = State.STOPPING
        if not self._in(State.READY):
            for slot in range(self.count):
                self._start(slot)
        else:
            self._replace_next(0)


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def own_command() -> list[str]:
    """Return the command that runs this script again, with the interpreter's own options."""
    return [sys.executable, *sys.orig_argv[1:]]
