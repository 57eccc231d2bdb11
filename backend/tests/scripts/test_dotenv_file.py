""".env is written once, with secrets nobody else has, for its owner only."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import PLACEHOLDER, SECRET_LENGTH, load


def write(checkout: Path) -> None:
    command = [sys.executable, "-c", "import dotenv_file; dotenv_file.write()"]
    subprocess.run(command, cwd=checkout / "scripts", check=True)


def test_a_written_file_starts_production(checkout: Path) -> None:
    write(checkout)
    settings = load({"APP_ENV": "production"}, root=checkout)
    assert len(settings.secret_key) >= SECRET_LENGTH
    assert settings.admin_password
    assert PLACEHOLDER not in (checkout / ".env").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_only_its_owner_reads_it(checkout: Path) -> None:
    write(checkout)
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_an_existing_file_stays(checkout: Path) -> None:
    (checkout / ".env").write_text("PORT=9000\n", encoding="utf-8")
    write(checkout)
    assert (checkout / ".env").read_text(encoding="utf-8") == "PORT=9000\n"


def test_no_two_files_share_a_secret(checkout: Path) -> None:
    found = set()
    for _ in range(2):
        write(checkout)
        found.add(load({}, root=checkout).secret_key)
        (checkout / ".env").unlink()
    assert len(found) == 2
