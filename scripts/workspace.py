"""The checkout: where its parts lie, and how a script starts, speaks and stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

OLDEST_PYTHON = (3, 11)
if sys.version_info < OLDEST_PYTHON:  # here, because every script imports this module before it needs anything new
    sys.exit(
        "Stopped: Python 3.11 or newer is needed and {} is {}.{}: "
        "install a newer one and run `make dev PYTHON=python3.11`.".format(sys.executable, *sys.version_info[:2])
    )

ROOT = Path(__file__).resolve().parent.parent
BACKEND = ROOT / "backend"
FRONTEND = ROOT / "frontend"
VENV = ROOT / ".venv"

WINDOWS = os.name == "nt"

Command = Sequence["str | Path"]


class Stop(Exception):  # noqa: N818  # no error of ours: a sentence for the person at the terminal
    """The script cannot go on; the message is one sentence that says what to do."""


def main(script: Callable[[], int]) -> None:
    """Run a script: its return value is the exit code, Stop and Ctrl-C end it without a traceback."""
    # A closed terminal hangs up (Windows knows no such thing); a shell's background job starts with SIGINT ignored.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        code = script()
    except Stop as reason:
        print(f"{_red('Stopped:')} {reason}", file=sys.stderr, flush=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # `make map | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def say(text: str) -> None:
    """One line about what happens now."""
    print(text, flush=True)


def coloured() -> bool:
    """Whether the terminal shows colours: it is one, and NO_COLOR is not set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def environment(extra: Mapping[str, str] | None = None, *, path: Sequence[Path] = ()) -> dict[str, str]:
    """The process's environment without other Pythons' settings, with `extra`, and `path` before its PATH."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
    kept["PATH"] = os.pathsep.join([*map(str, path), kept.get("PATH", os.defpath)])
    return {**kept, **(extra or {})}


def run(command: Command, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> int:
    """Run a command to its end, its output on the terminal; returns its exit code."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, env=env or environment(), check=False).returncode


def require(command: Command, failure: str, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
    """Run a command that must succeed; raises Stop with `failure` otherwise."""
    if run(command, cwd=cwd, env=env) != 0:
        raise Stop(failure)


def output(
    command: Command, *, cwd: Path = ROOT, env: Mapping[str, str] | None = None, complain: bool = False
) -> str | None:
    """What a command prints, or None where it is missing or fails; with `complain` its errors reach the terminal."""
    words = [str(word) for word in command]
    errors = None if complain else subprocess.DEVNULL
    try:
        done = subprocess.run(
            words, cwd=cwd, env=env or environment(), stdout=subprocess.PIPE, stderr=errors, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _red(text: str) -> str:
    return f"\033[31m{text}\033[0m" if coloured() else text
