"""The pages as a site: built without a warning, and asking nobody else for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import DOCS, pages

# What a browser loads by itself; links that a reader may follow are not among them.
LOADED = re.compile(r"""(?:\bsrc=|<link\b[^>]*\bhref=|@import\s*|url\()\s*["']?(?:https?:)?//[^"')\s]+""")


def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "-q",
        "-d",
        str(tmp_path / "cache"),
        str(DOCS),
        str(tmp_path / "site"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "site"
    assert all((site / f"{page.stem}.html").is_file() for page in pages())
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css", ".js")]
    assert {found for path in files for found in LOADED.findall(path.read_text(encoding="utf-8"))} == set()
