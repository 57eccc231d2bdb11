"""Remove what commands made and can make again; .env and the database stay."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from workspace import BACKEND, FRONTEND, ROOT, VENV, main, say

MADE = (
    VENV,
    FRONTEND / "node_modules",
    FRONTEND / "dist",
    FRONTEND / "test-results",
    FRONTEND / "playwright-report",
    BACKEND / "var" / "coverage",
    BACKEND / "var" / "docs",
)
CACHES = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")


def clean() -> int:
    """Delete the folders; the next command makes them again."""
    for folder in [path for path in MADE if path.exists()]:
        say(f"Removing {folder.relative_to(ROOT)}")
        shutil.rmtree(folder)
    for folder in list(_caches()):
        shutil.rmtree(folder)
    return 0


def _caches() -> Iterator[Path]:
    for top in (ROOT / ".mypy_cache", ROOT / ".ruff_cache"):
        if top.exists():
            yield top
    for part in (BACKEND, ROOT / "scripts"):
        yield from (path for path in part.rglob("*") if path.name in CACHES and path.parent.name not in CACHES)


if __name__ == "__main__":
    main(clean)
