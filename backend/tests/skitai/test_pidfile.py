"""The pid file: held by one process, believed only while it is held."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skitai.pidfile import PidFile, Running

BACKEND = Path(__file__).parents[2]
HOLDER = """
import os, sys, time
from pathlib import Path
from skitai.pidfile import PidFile, Running
assert PidFile(Path(sys.argv[1])).hold(Running(os.getpid(), 1.0))
print("held", flush=True)
time.sleep(60)
"""


def test_it_tells_who_holds_it_as_long_as_that_one_does(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    assert PidFile(path).read() is None
    ours = PidFile(path)
    running = Running(os.getpid(), 7.5, background=True)
    assert ours.hold(running)
    assert PidFile(path).read() == running
    assert not PidFile(path).hold(Running(1, 1.0))
    running.addresses = ["http://127.0.0.1:5000"]
    ours.write(running)
    assert PidFile(path).read() == running
    ours.write(Running(7, 1.0))  # shorter than before
    assert PidFile(path).read() == Running(7, 1.0)
    ours.release()
    ours.release()
    assert not path.exists()
    ours.write(running)
    assert not path.exists()


def test_what_cleans_temporary_folders_sees_that_it_is_in_use(tmp_path: Path) -> None:
    ours = PidFile(tmp_path / "pid")
    assert ours.hold(Running(1, 1.0))
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ours.release()
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(folder)


def test_the_number_of_a_process_that_was_killed_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(BACKEND)},
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    found = PidFile(path).read()
    assert found is not None
    assert found.pid == holder.pid
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert path.exists()
    assert PidFile(path).read() is None
    ours = PidFile(path)
    assert ours.hold(Running(os.getpid(), 1.0))
    ours.release()


def test_what_cannot_be_read_is_nobody(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    ours = PidFile(path)
    assert ours.hold(Running(1, 1.0))
    path.write_text("{")
    assert PidFile(path).read() is None
    ours.release()
