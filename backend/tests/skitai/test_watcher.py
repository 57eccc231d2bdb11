"""Which files changed."""

from __future__ import annotations

import time
from pathlib import Path

from skitai.watcher import Watcher, broken_file

from ..serving.engine_process import wait_until


def test_changed_python_files_are_told_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    (tmp_path / "var").mkdir()
    told: list[Path] = []
    watcher = Watcher([tmp_path, tmp_path / "services"], told.extend)
    watcher.start()
    time.sleep(0.3)
    for name in ("page.html", "var/state.py", "services/shop.py"):
        (tmp_path / name).write_text("x = 1\n")
    wait_until(lambda: told, 5)
    watcher.stop()
    assert set(told) == {(tmp_path / "services" / "shop.py").resolve()}


def test_the_first_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    good, broken, gone = tmp_path / "good.py", tmp_path / "broken.py", tmp_path / "gone.py"
    good.write_text("x = 1\n")
    broken.write_text("x = 1\ny = = 2\n")
    assert broken_file([good, gone]) is None
    assert broken_file([gone, good, broken]) == f"{broken}, line 2: invalid syntax"
