"""Processes of a command: one log, and nothing left when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import Processes

from tests.scripts.conftest import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="looks at process groups")

# A server with a worker that does not care about the request to stop.
STUBBORN = """
import signal, subprocess, sys, time
worker = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", worker])
print("worker", child.pid, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_stopping_leaves_no_grandchild(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Processes() as processes:
        processes.start("stubborn", [sys.executable, "-c", STUBBORN], cwd=tmp_path, env=os.environ, log=log)
        assert until(lambda: log.exists() and "worker" in log.read_text(encoding="utf-8"))
        worker = int(log.read_text(encoding="utf-8").split()[1])
        assert alive(worker)
    assert until(lambda: not alive(worker))


def test_lines_carry_their_process_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Processes() as processes:
        processes.start("echo", [sys.executable, "-c", "print('hello')"], cwd=tmp_path, env=os.environ)
        assert processes.wait_for_an_end() == "echo"
        assert not processes.all_run()
    assert "    echo | hello\n" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ending_the_script_ends_its_processes(tmp_path: Path, number: int) -> None:
    script = (
        "import os, sys, pathlib, workspace; from processes import Processes\n"
        "def work():\n"
        "    with Processes() as processes:\n"
        "        processes.start('x', [sys.executable, '-c', sys.argv[1]], cwd=pathlib.Path('.'), env=os.environ)\n"
        "        processes.wait_for_an_end()\n"
        "    return 0\n"
        "workspace.main(work)\n"
    )
    started = subprocess.Popen(
        [sys.executable, "-c", script, STUBBORN], cwd=ROOT / "scripts", stdout=subprocess.PIPE, text=True
    )
    with started:
        assert started.stdout
        worker = int(started.stdout.readline().split()[-1])
        started.send_signal(number)
        assert started.wait(20) == 130
    assert until(lambda: not alive(worker))
