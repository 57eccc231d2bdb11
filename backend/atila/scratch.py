"""Temporary files of one process, gone with it at the latest."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path


class Scratch:
    """A folder that nobody else reads, made at first use. Lives as long as the process."""

    def __init__(self, parent: Path | None = None) -> None:
        self.parent = parent  # None is the machine's temporary folder
        self._folder: str | None = None
        self._lock = threading.Lock()

    def make(self, suffix: str = "") -> str:
        """Return the path of a new, empty file. It stays until somebody removes it or the process ends."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.mkdtemp(prefix="atila-", dir=self.parent)
        descriptor, path = tempfile.mkstemp(suffix, dir=self._folder)
        os.close(descriptor)
        return path

    def close(self) -> None:
        """Remove what is left."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
