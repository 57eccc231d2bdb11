"""The Makefile is an index: short targets, each a script that runs without make too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

from tests.scripts.conftest import ROOT

TARGET = re.compile(r"^([a-z]+):[^\n]*\n((?:\t[^\n]*\n?)*)", re.MULTILINE)
VERBS = {"help", "dev", "test", "build", "serve", "lint", "format", "generate", "map", "bench", "clean", "doctor"}


def targets() -> dict[str, str]:
    return dict(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def test_the_promised_targets_are_there() -> None:
    assert set(targets()) >= VERBS


def test_targets_are_short_and_call_scripts() -> None:
    for name, recipe in targets().items():
        assert len(recipe.splitlines()) <= 3
        assert f"scripts/{name}.py" in recipe
        assert (ROOT / "scripts" / f"{name}.py").is_file()


def test_help_lists_every_target() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "help.py")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in listed for name in targets())


def test_every_script_says_what_it_does() -> None:
    for path in (ROOT / "scripts").glob("*.py"):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path.name


def test_the_map_shows_every_module() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "map.py"), "app"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^  settings\.py +Settings: ", printed, re.MULTILINE)
