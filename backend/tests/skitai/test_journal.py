"""Which log files a process has, and what happens when they cannot be begun anew."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from atila.http.request import Request
from skitai.journal import Journal
from skitai.options import Options

pytestmark = pytest.mark.usefixtures("kept_logging")


def test_without_a_folder_everything_goes_to_the_console(capfd: pytest.CaptureFixture[str]) -> None:
    journal = Journal(Options())
    journal.configure()
    for log in journal.access_logs():
        log(Request("GET", "/photos"), 200, 0, 0.0)
    logging.getLogger("shop").info("open")
    journal.tend()
    written = capfd.readouterr()
    assert " GET /photos 200 0 " in written.out
    assert written.err.endswith("INFO shop open\n")


@pytest.mark.row("1.11")
def test_verbose_writes_to_files_and_to_the_console(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    journal = Journal(Options(logpath=tmp_path / "logs", verbose=True))
    journal.configure()
    for log in journal.access_logs():
        log(Request("GET", "/photos"), 200, 0, 0.0)
    logging.getLogger("shop").info("open")
    written = capfd.readouterr()
    assert (tmp_path / "logs" / "request.log").read_text() == written.out
    assert (tmp_path / "logs" / "app.log").read_text() == written.err


def test_no_access_log_is_no_access_log(tmp_path: Path) -> None:
    journal = Journal(Options(logpath=tmp_path, access_log=False))
    assert journal.access_logs() == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_told_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    journal = Journal(Options(logpath=tmp_path / "logs"))
    (log,) = journal.access_logs()
    (tmp_path / "logs" / "request.log").unlink()
    (tmp_path / "logs").rmdir()
    logging.basicConfig(level="INFO", force=True)
    journal.tend()
    journal.tend()
    log(Request("GET", "/"), 200, 0, 0.0)  # to a file that has no name any more
    assert capfd.readouterr().err.count("cannot be begun anew") == 1
