"""Check this machine before the first start: what is missing, and what to do about it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import NamedTuple

import debian
import dotenv_file
import toolchain
from ports import chosen, taken
from workspace import FRONTEND, ROOT, VENV, coloured, main, say

ROOM = 2_000_000_000  # bytes that packages and builds take


class Finding(NamedTuple):
    """One look at the machine."""

    level: str  # "ok", "note": works without, "wrong": `make dev` would stop
    text: str


def doctor() -> int:
    """Print every finding; the exit code is 1 when something would stop `make dev`."""
    findings = list(examine())
    for finding in findings:
        say(f"{_mark(finding.level)} {finding.text}")
    wrong = sum(finding.level == "wrong" for finding in findings)
    say("\nReady: run `make dev`." if not wrong else f"\n{wrong} to mend before `make dev`.")
    return 1 if wrong else 0


def examine() -> Iterator[Finding]:
    """All checks; none changes anything."""
    yield Finding("ok", f"Python {'.'.join(map(str, sys.version_info[:3]))}")
    yield from _virtual_environment()
    yield _node()
    yield from _programs()
    yield from _ports()
    yield _room()
    yield from _test_programs()


def _virtual_environment() -> Iterator[Finding]:
    try:
        import ensurepip  # noqa: F401  # Debian splits it off; without it `python -m venv` fails
        import venv  # noqa: F401
    except ImportError:
        yield Finding("wrong", "Python cannot make virtual environments: install Debian's package python3-venv.")
        return
    yield Finding("ok", f".venv {'is there' if VENV.exists() else 'will be made'}")


def _node() -> Finding:
    node = toolchain.machine_node() or toolchain.wheel_node()
    if node is not None:
        return Finding("ok", f"Node {node.version} from {node.source}")
    if not VENV.exists():
        return Finding("ok", "Node 22.18 or newer is not on this machine: the lock brings one")
    return Finding("wrong", "No usable Node: install Node 22.18 or newer from nodejs.org or your package manager.")


def _programs() -> Iterator[Finding]:
    for name, effect in (("git", "needed to fetch and commit"), ("make", "use python3 scripts/dev.py instead")):
        found = shutil.which(name)
        yield Finding("ok", name) if found else Finding("note", f"{name} is not installed: {effect}.")


def _ports() -> Iterator[Finding]:
    for name, number in chosen(dotenv_file.values()).named().items():
        if taken(number):
            yield Finding("wrong", f"Port {number} is taken (perhaps by `make dev` itself): stop that, or set {name}.")
        else:
            yield Finding("ok", f"port {number} is free")


def _room() -> Finding:
    free = shutil.disk_usage(ROOT).free
    if free >= ROOM or (FRONTEND / "node_modules").exists():
        return Finding("ok", f"{free / 1e9:.0f} GB of disk free")
    return Finding("wrong", f"Only {free / 1e9:.1f} GB of disk is free: make room for {ROOM / 1e9:.0f} GB.")


def _test_programs() -> Iterator[Finding]:
    for program in debian.TEST_PROGRAMS:
        if program.find() is None:
            yield Finding("note", f"{program.name} is not installed: `make test` skips what needs it.")
        else:
            yield Finding("ok", program.name)


def _mark(level: str) -> str:
    colour = {"ok": 32, "note": 33, "wrong": 31}[level]
    return f"\033[{colour}m{level:>5}\033[0m" if coloured() else f"{level:>5}"


if __name__ == "__main__":
    main(doctor)
