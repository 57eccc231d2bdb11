"""Every example of the documentation runs, top to bottom, in one namespace for each page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.pages import Block, blocks, pages

WITH_EXAMPLES = [page for page in pages() if any(block.language == "python" for block in blocks(page))]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of a page's app: the working folder, from which it may also import. Its modules are forgotten after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.stem)
def test_the_examples_run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("example")
    module.__file__ = str(folder / "app.py")  # so an app made in it is named app, and this folder is its home
    monkeypatch.setitem(sys.modules, "example", module)
    for block in blocks(page):
        if block.file is not None:
            write(folder / block.file, block)
        elif block.language == "python":
            run(block, page, module)


def write(path: Path, block: Block) -> None:
    """Put a block that is a file where the page says it lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")


def run(block: Block, page: Path, module: ModuleType) -> None:
    """Run a block so that a failure shows the page and its line."""
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    exec(code, module.__dict__)
