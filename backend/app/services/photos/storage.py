"""Where the files of photos lie: an original and a thumbnail each, under a key that says nothing."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path


class Storage:
    """A folder of photo files. Lives as long as the process; holds nothing but the folder's path.

    A file appears under its name only when it is whole: it is written beside it first, then renamed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, original: bytes, thumbnail: bytes) -> str:
        """Writes both files, or none, and returns their key. Raises OSError when the disk is full or not writable."""
        key = secrets.token_hex(16)
        try:
            write_whole(self.original(key), original)
            write_whole(self.thumbnail(key), thumbnail)
        except OSError:
            self.remove(key)
            raise
        return key

    def original(self, key: str) -> Path:
        return self.root / key[:2] / key

    def thumbnail(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.webp"

    def remove(self, key: str) -> None:
        """Removes both files; it is no error when they are gone already."""
        self.original(key).unlink(missing_ok=True)
        self.thumbnail(key).unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that nobody ever sees a part of it, not even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
