"""What `serve.py stop`, `restart`, `reload` and `status` do to the engine that runs."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from . import background
from .cli import Command
from .options import Options
from .pidfile import PidFile, Running
from .places import Places

RUNS_NOT = 3  # exit code of status when nothing runs, as the Linux Standard Base has it
_SLACK = 5.0  # seconds beyond stop_timeout: workers that do not finish are killed by then


def stop(places: Places, options: Options) -> int:
    """Stop the engine and wait until it has; its requests may finish."""
    running = PidFile(places.pid).read()
    if running is None:
        return _say(f"{options.name} is not running")
    _signal(running, "SIGTERM")
    if not _gone(places, options.stop_timeout + _SLACK):
        return _complain(f"{options.name} (process {running.pid}) did not stop in {options.stop_timeout + _SLACK:g} s")
    return _say(f"{options.name} has stopped")


def restart(places: Places, options: Options) -> int:
    """Stop the engine when it runs, then start it in the background."""
    running = PidFile(places.pid).read()
    if running is not None and not running.background:
        return _complain(
            f"{options.name} runs in the foreground (process {running.pid}): restart it where it was started, "
            "or replace its workers with reload"
        )
    return stop(places, options) or background.start(places, options)


def reload(places: Places, options: Options) -> int:
    """Let the engine replace its workers one by one, which loads the code anew and loses no request."""
    running = PidFile(places.pid).read()
    if running is None:
        return _complain(f"{options.name} is not running", RUNS_NOT)
    _signal(running, "SIGHUP")
    return _say(f"{options.name} replaces its workers")


def status(places: Places, options: Options) -> int:
    """Say whether the engine runs, since when and where; the exit code is 0 when it does, 3 when not."""
    running = PidFile(places.pid).read()
    if running is None:
        return _complain(f"{options.name} is not running", RUNS_NOT)
    since = datetime.fromtimestamp(running.started, UTC).isoformat(sep=" ", timespec="seconds")
    where = " and ".join(running.addresses) or "nothing yet"
    workers = f"{running.workers} worker{'s' if running.workers > 1 else ''}"
    return _say(f"{options.name} is running: process {running.pid}, {workers}, since {since}, serving {where}")


TABLE: dict[Command, Callable[[Places, Options], int]] = {
    "stop": stop,
    "restart": restart,
    "reload": reload,
    "status": status,
}


def _signal(running: Running, name: str) -> None:
    if not hasattr(signal, "SIGHUP"):
        raise SystemExit("on Windows an engine is stopped where it was started: with Ctrl-C, or by its service manager")
    os.kill(running.pid, getattr(signal, name))


def _gone(places: Places, timeout: float) -> bool:
    end = time.monotonic() + timeout
    while PidFile(places.pid).read() is not None:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _say(text: str) -> int:
    sys.stdout.write(f"{text}\n")
    return 0


def _complain(text: str, code: int = 1) -> int:
    sys.stderr.write(f"{text}\n")
    return code
