"""Folders with the templates that the documentation's blocks render."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from atila import Atila

Write = Callable[..., None]


@pytest.fixture
def app(tmp_path: Path) -> Atila:
    """An app whose home is a folder of its own."""
    app = Atila("tests")
    app.home = tmp_path
    app.securekey = "k" * 32
    return app


@pytest.fixture
def template(tmp_path: Path) -> Write:
    """Write a template: `template("hello.htm", "Hello")`."""

    def write(name: str, text: str) -> None:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return write
