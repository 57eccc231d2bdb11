"""Makes the scripts importable, and a small checkout of them for tests that write."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

sys.path.append(str(ROOT / "scripts"))  # last: scripts/serve.py must not hide backend/serve.py


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the scripts and of what they read, without .env and without a virtual environment."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", ".env.example"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("backend", "frontend", "protos"):
        (tmp_path / name).mkdir()
    return tmp_path
