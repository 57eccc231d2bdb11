"""Start the product for developing: installs, generates and migrates what changed, then backend and frontend."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import dotenv_file
import generate
import toolchain
from ports import LOOPBACK, Ports, chosen, require_free, wait_until_answers
from processes import Processes
from workspace import BACKEND, FRONTEND, Stop, environment, main, require, say

PATIENCE = 60.0  # seconds until both servers must answer


def dev() -> int:
    """Everything from a fresh clone to a served page; ends with Ctrl-C."""
    started = time.monotonic()
    ports = chosen(dotenv_file.values())
    require_free(ports.named())
    python, node = toolchain.python(), toolchain.node()
    dotenv_file.write()
    toolchain.frontend_packages(node)
    generate.refresh(python, node)
    with Processes() as processes:
        _start_frontend(processes, node, ports)
        env = backend_environment(ports)
        migrate(python, env)
        processes.start("backend", [python, "serve.py"], cwd=BACKEND, env=env)
        _wait(processes, ports)
        _welcome(ports, time.monotonic() - started)
        try:
            ended = processes.wait_for_an_end()
        except KeyboardInterrupt:
            say("\nStopping …")
            return 0
        raise Stop(f"the {ended} ended; its last lines above say why.")


def backend_environment(ports: Ports) -> dict[str, str]:
    """What the backend of a developer gets beside .env."""
    origin = f"http://{LOOPBACK}:{ports.frontend}"
    return environment(
        {"APP_ENV": "development", "PUBLIC_URL": origin, "FRONTEND_ORIGIN": origin, "PYTHONUNBUFFERED": "1"}
    )


def migrate(python: Path, env: dict[str, str]) -> None:
    """Bring the database to the newest revision and put the first rows in."""
    failure = "the database could not be brought up to date: the message above says why."
    for verb in ("migrate", "seed"):
        require([python, "-m", "app.manage", verb], failure, cwd=BACKEND, env=env)


def _start_frontend(processes: Processes, node: toolchain.Node, ports: Ports) -> None:
    vite = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
    colour = {"FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    env = node.environment(BACKEND_PORT=str(ports.backend), FRONTEND_PORT=str(ports.frontend), **colour)
    processes.start("frontend", [node.program, vite, "--clearScreen", "false"], cwd=FRONTEND, env=env)


def _wait(processes: Processes, ports: Ports) -> None:
    for name, number, path in (("backend", ports.backend, "/health/ready"), ("frontend", ports.frontend, "/")):
        if not wait_until_answers(number, path, seconds=PATIENCE, alive=processes.all_run):
            raise Stop(f"the {processes.ended() or name} did not come up; its lines above say why.")


def _welcome(ports: Ports, seconds: float) -> None:
    settings = dotenv_file.values()
    say(
        f"\n  Ready after {seconds:.1f} s: http://{LOOPBACK}:{ports.frontend}\n"
        f"  Sign in as {settings['ADMIN_EMAIL']} with {settings['ADMIN_PASSWORD']} (from .env)\n"
        "  Ctrl-C stops everything.\n"
    )


if __name__ == "__main__":
    main(dev)
