"""Processes that run side by side: one log with prefixes, and an end that leaves none behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from workspace import WINDOWS, Command, coloured

GRACE = 10.0  # seconds between the request to stop and the kill
COLOURS = (36, 35, 33, 32)  # cyan, magenta, yellow, green


class Started(NamedTuple):
    """A process, and the thread that copies what it prints."""

    process: subprocess.Popen[str]
    reader: threading.Thread


class Processes:
    """The processes of one script; a context manager that stops them all, each with its children, at its end."""

    def __init__(self) -> None:
        self._started: dict[str, Started] = {}
        self._printing = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, command: Command, *, cwd: Path, env: Mapping[str, str], log: Path | None = None) -> None:
        """Start a command in a process group of its own; its lines appear behind `name`, or go into the file `log`."""
        with _signals_held() as arrived:  # one between the start and the list would leave the process behind
            process = _open(command, cwd, env, log)
            reader = threading.Thread(target=self._copy, args=(process, self._prefix(name)), daemon=True)
            self._started[name] = Started(process, reader)
            reader.start()
        if arrived:
            raise KeyboardInterrupt

    def ended(self) -> str | None:
        """The name of a process that is no longer running, if there is one."""
        return next((name for name, started in self._started.items() if started.process.poll() is not None), None)

    def all_run(self) -> bool:
        """Whether none has ended."""
        return self.ended() is None

    def wait_for_an_end(self) -> str:
        """Block until one process ends; returns its name."""
        while (name := self.ended()) is None:
            time.sleep(0.2)
        return name

    def stop(self) -> None:
        """Ask every process to stop, and kill what is left of their groups after the grace."""
        with _signals_held():  # a second Ctrl-C must not interrupt the stopping
            for process, _ in self._started.values():
                _ask_to_stop(process)
            end = time.monotonic() + GRACE
            for process, reader in self._started.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, end - time.monotonic()))
                _kill_group(process)
                process.wait()
                reader.join(1.0)
        self._started.clear()

    def _prefix(self, name: str) -> str:
        if not coloured():
            return f"{name:>8} | "
        colour = COLOURS[len(self._started) % len(COLOURS)]
        return f"\033[{colour}m{name:>8} |\033[0m "

    def _copy(self, process: subprocess.Popen[str], prefix: str) -> None:
        with process.stdout or contextlib.nullcontext(()) as lines:
            for line in lines:
                with self._printing:
                    sys.stdout.write(f"{prefix}{line.rstrip()}\n")
                    sys.stdout.flush()


def _open(command: Command, cwd: Path, env: Mapping[str, str], log: Path | None) -> subprocess.Popen[str]:
    with log.open("w", encoding="utf-8") if log else contextlib.nullcontext(subprocess.PIPE) as target:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=target,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=not WINDOWS,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def _ask_to_stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    if WINDOWS:
        process.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined,unused-ignore]  # Windows only
        return
    # Only the leader: a server stops its own workers gracefully; the rest of the group is killed afterwards.
    process.terminate()


def _kill_group(process: subprocess.Popen[str]) -> None:
    if WINDOWS:
        if process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        return
    # The group outlives its leader as long as one member does.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _signals_held() -> Iterator[list[int]]:
    """Collect the signals that would end the script, instead of obeying them half-way."""
    arrived: list[int] = []
    ending = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    previous = [(number, signal.signal(number, lambda number, _: arrived.append(number))) for number in ending]
    try:
        yield arrived
    finally:
        for number, handler in previous:
            signal.signal(number, handler)
