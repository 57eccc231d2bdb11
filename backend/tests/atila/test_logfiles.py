"""Log files that several processes write to and begin anew."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from atila.logfiles import PERIODS, LogFile, LogFileHandler, Rotation

BACKEND = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from atila.logfiles import LogFile, Rotation
file = LogFile(Path(sys.argv[1]), Rotation("never", size=20_000, keep=50))
for number in range(2000):
    file.write(f"{sys.argv[2]} {number:05d} {'x' * 60}\\n".encode())
    if number % 20 == 0:
        file.tend()
"""


def test_a_full_file_becomes_an_old_one_and_the_oldest_goes(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", Rotation("never", size=10, keep=2))
    for number in range(4):
        file.write(f"line number {number}\n".encode())
        file.tend()
    file.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.log": "", "a.log.1": "line number 3\n", "a.log.2": "line number 2\n",
    }  # fmt: skip


def test_a_file_of_yesterday_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("yesterday\n")
    os.utime(path, (time.time() - 86400,) * 2)
    file = LogFile(path)
    file.write(b"today\n")
    file.tend()
    file.close()
    assert path.read_text() == "today\n"
    assert (tmp_path / "a.log.1").read_text() == "yesterday\n"


def test_without_old_files_nothing_stays(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", Rotation("never", size=1, keep=0))
    file.write(b"gone\n")
    file.tend()
    file.close()
    file.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.log"]


def test_a_file_that_another_program_renamed_is_followed(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log")
    file.write(b"before\n")
    (tmp_path / "a.log").rename(tmp_path / "a.log.rotated")
    file.tend_at_times()  # it looked a moment ago
    file.write(b"between\n")
    file.tend()
    file.write(b"after\n")
    file.close()
    assert (tmp_path / "a.log.rotated").read_text() == "before\nbetween\n"
    assert (tmp_path / "a.log").read_text() == "after\n"


def test_who_comes_second_to_a_full_file_follows_and_renames_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("full of lines\n")
    first = os.open(path, os.O_WRONLY)
    fcntl.flock(first, fcntl.LOCK_EX)  # another process is about to rename it
    file = LogFile(path, Rotation("never", size=1_000))
    file.rotation = Rotation("never", size=1)
    second = threading.Thread(target=file.tend)
    second.start()
    second.join(0.2)
    assert second.is_alive()
    path.rename(tmp_path / "a.log.1")
    os.close(first)
    second.join(10)
    file.write(b"after\n")
    file.close()
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {
        "a.log": "after\n", "a.log.1": "full of lines\n",
    }  # fmt: skip


def test_no_line_of_several_processes_is_lost_or_torn(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(BACKEND)}
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a.log"), name], env=environment)
        for name in ("red", "blue", "green")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = [line for path in tmp_path.iterdir() for line in path.read_text().splitlines()]
    assert len(list(tmp_path.iterdir())) > 10
    assert sorted(lines) == sorted(
        f"{name} {number:05d} {'x' * 60}" for name in ("red", "blue", "green") for number in range(2000)
    )


@pytest.mark.parametrize(("period", "seconds"), [("hourly", 3600), ("daily", 86400), ("weekly", 7 * 86400)])
def test_periods_begin_on_the_hour_at_midnight_and_on_monday(period: str, seconds: int) -> None:
    monday = 1_767_571_200.0  # 2026-01-05, a Monday, 00:00 UTC
    number = PERIODS[period]
    assert number(monday) == number(monday + seconds - 1) == number(monday - 1) + 1
    assert PERIODS["never"](monday) == PERIODS["never"](monday - 1)


def test_a_handler_follows_a_file_that_was_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atila.logfiles.LOOK", 0)
    handler = LogFileHandler(LogFile(tmp_path / "a.log"))
    handler.emit(logging.makeLogRecord({"msg": "before"}))
    (tmp_path / "a.log").rename(tmp_path / "a.log.rotated")
    handler.emit(logging.makeLogRecord({"msg": "after"}))
    handler.close()
    assert (tmp_path / "a.log.rotated").read_text() == "before\n"
    assert (tmp_path / "a.log").read_text() == "after\n"


def test_a_handler_writes_whole_records_and_survives_a_closed_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LogFileHandler(LogFile(tmp_path / "a.log"))
    logger = logging.Logger("shop")  # noqa: LOG001 - a logger of the test's own
    logger.addHandler(handler)
    logger.warning("half a character: %s", "\udc80")
    handler.close()
    logger.warning("nobody listens")
    assert (tmp_path / "a.log").read_text() == "half a character: \\udc80\n"
    assert "nobody listens" in capsys.readouterr().err
