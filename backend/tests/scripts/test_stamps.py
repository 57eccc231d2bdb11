"""A step runs again when one of its inputs changed, and only then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
from stamps import Stamp
from workspace import ROOT
stamp = Stamp("step", [ROOT / "a.txt", ROOT / "missing.txt"])
print(stamp.fresh())
stamp.record()
"""


def fresh(checkout: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=checkout / "scripts", capture_output=True, text=True, check=True
    )
    return done.stdout.strip() == "True"


def test_fresh_until_an_input_changes(checkout: Path) -> None:
    (checkout / "a.txt").write_text("one", encoding="utf-8")
    assert [fresh(checkout), fresh(checkout)] == [False, True]
    (checkout / "a.txt").write_text("two", encoding="utf-8")
    assert [fresh(checkout), fresh(checkout)] == [False, True]
    (checkout / "missing.txt").write_text("", encoding="utf-8")
    assert [fresh(checkout), fresh(checkout)] == [False, True]
