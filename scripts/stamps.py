"""Stamps: what a step was last made from, so that it runs again only when that changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from workspace import ROOT, VENV


class Stamp:
    """A file in .venv that holds the digest of a step's inputs; lives as long as the virtual environment."""

    def __init__(self, name: str, inputs: Iterable[Path], *, also: str = "") -> None:
        self.path = VENV / "stamps" / name
        self.digest = digest(inputs, also)

    def fresh(self) -> bool:
        """Whether the step was last done with these very inputs."""
        return self.path.is_file() and self.path.read_text(encoding="ascii") == self.digest

    def record(self) -> None:
        """The step is done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.digest, encoding="ascii")


def digest(inputs: Iterable[Path], also: str = "") -> str:
    """One hash of the files' names and contents, and of `also`; a missing file counts as such."""
    hashed = hashlib.sha256(also.encode())
    for path in sorted(inputs):
        content = path.read_bytes() if path.is_file() else b"\0missing"
        hashed.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode())
        hashed.update(content)
    return hashed.hexdigest()
