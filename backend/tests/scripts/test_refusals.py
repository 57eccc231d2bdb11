"""What stops a command is told in one sentence that says what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

posix_only = pytest.mark.skipif(os.name == "nt", reason="the stand-in programs are shell scripts")


def run(checkout: Path, script: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "scripts" / script)]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)


def test_a_taken_port(checkout: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = run(checkout, "dev.py", PORT=port)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert f"Port {port}" in done.stderr
    assert "set PORT" in done.stderr


def test_an_old_python(checkout: Path) -> None:
    pretend = "import sys; sys.version_info = (3, 9, 2); sys.path[0] = sys.argv[1]; import dev"
    command = [sys.executable, "-c", pretend, str(checkout / "scripts")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or newer is needed" in done.stderr


@posix_only
@pytest.mark.parametrize("version", ["v20.20.2", "v22.17.9", "not a version"])
def test_an_unusable_node(checkout: Path, version: str) -> None:
    programs = checkout / "programs"
    programs.mkdir()
    for name in ("node", "npm"):
        (programs / name).write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    script = "import toolchain, workspace; workspace.main(lambda: print(toolchain.node()) or 0)"
    command = [sys.executable, "-c", script]
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=checkout / "scripts", env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "install Node 22.18 or newer" in done.stderr


@posix_only
def test_the_doctor_names_what_is_wrong(checkout: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = run(checkout, "doctor.py", PORT=port)
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stdout
