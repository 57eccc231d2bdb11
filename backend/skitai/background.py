"""`serve.py -d`: the engine in the background, and a terminal that waits until it serves."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

from .journal import CONSOLE
from .logs import SERVER
from .options import Options
from .pidfile import PidFile
from .places import Places
from .supervisor import own_command

VARIABLE = "SKITAI_BACKGROUND"  # set for the main process in the background: the descriptor it tells that it serves
INSIDE = "SKITAI_IN_BACKGROUND"  # set by that process for its workers
PATIENCE = 60.0  # seconds until it must serve; with reloading, a broken app waits to be mended
_TAIL = 20  # lines of the log that are shown when it could not start


def start(places: Places, options: Options) -> int:
    """Start the engine as a process of its own and wait until it serves; return the exit code.

    What it and the apps print goes to `console.log` among its log files. Raises SettingError, OSError.
    """
    if os.name != "posix":
        raise SystemExit("-d is for POSIX systems; on Windows a service manager starts it")
    running = PidFile(places.pid).read()
    if running is not None:
        sys.stderr.write(f"{options.name} is running already: process {running.pid}\n")
        return 1
    places.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    console = places.logs / CONSOLE
    begun = {path: path.stat().st_size if path.exists() else 0 for path in (console, places.logs / SERVER)}
    reader, writer = os.pipe()
    with console.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - our own script and interpreter
            own_command(), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            pass_fds=[writer], env={**os.environ, VARIABLE: str(writer)},
        )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader, "r") as told:
        answered, _, _ = select.select([told], [], [], PATIENCE)
        line = told.readline() if answered else ""  # or its end, when the process has ended
    if not answered:
        sys.stderr.write(f"{options.name} does not serve yet, process {child.pid} goes on; see {console}\n")
        child.returncode = 1
        return 1
    if line:
        sys.stdout.write(f"{options.name} is running: process {child.pid}, {line}")
        child.returncode = 0  # it is nobody's child any more once we have ended: nothing to wait for
        return 0
    code = child.wait()
    sys.stderr.write(f"{options.name} could not start; its files in {places.logs} say:\n")
    sys.stderr.writelines(_end_of(path, size) for path, size in begun.items())
    return code or 1


def take() -> int | None:
    """Return where this process tells that it serves, when it is the main one in the background; else None."""
    value = os.environ.pop(VARIABLE, None)
    if value is None:
        return None
    os.set_inheritable(int(value), False)
    os.environ[INSIDE] = "1"
    return int(value)


def take_inside() -> bool:
    """Say whether this process is a worker of an engine in the background; what it starts itself is none."""
    return os.environ.pop(INSIDE, None) is not None


def tell(descriptor: int, addresses: list[str]) -> None:
    """Tell the terminal that we serve, and let it go."""
    try:
        os.write(descriptor, f"serving {' and '.join(addresses) or 'the address given'}\n".encode())
    except OSError:
        return  # whoever waited was ended
    finally:
        os.close(descriptor)


def _end_of(path: Path, begun: int) -> str:
    """Return the last lines of what came into a file since it had a size."""
    text = path.read_bytes()[begun:].decode(errors="replace") if path.exists() else ""
    return "".join(text.splitlines(keepends=True)[-_TAIL:])
