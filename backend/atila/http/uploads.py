"""An uploaded file: in memory while small, in a temporary file when not."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
from typing import IO, Literal

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


class Upload:
    """One file of a multipart form. Lives as long as the request: what is not saved by then is gone.

    `name` is the client's file name without folders; `size` is in bytes; `mimetype` is what the client said.
    """

    __slots__ = ("file", "mimetype", "name", "path", "size")

    def __init__(self, file: IO[bytes], name: str, size: int, mimetype: str) -> None:
        self.file = file
        self.name = clean_name(name)
        self.size = size
        self.mimetype = mimetype
        self.path: str | None = None  # where the file lies; None while it is in memory or unnamed

    def __repr__(self) -> str:
        return f"Upload({self.name!r}, {self.size} bytes, {self.mimetype})"

    def read(self, size: int = -1) -> bytes:
        return self.file.read(size)

    def save(
        self, into: str | os.PathLike[str], name: str | None = None, mkdir: bool = False, dup: Literal["u", "o"] = "u"
    ) -> str:
        """Write the file into a folder and return its path. `dup`: "u" finds a free name (a.1.txt), "o" overwrites.

        Raises FileNotFoundError when the folder is missing and `mkdir` is off, ValueError for an unusable name or `dup`.
        """
        folder = os.fspath(into)
        if mkdir:
            os.makedirs(folder, exist_ok=True)
        if dup not in ("u", "o"):
            raise ValueError(f"dup is 'u' (find a free name) or 'o' (overwrite), not {dup!r}")
        target = _open_new(folder, clean_name(name or self.name)) if dup == "u" else _open_temporary(folder)
        self.file.seek(0)
        with target:
            shutil.copyfileobj(self.file, target)
        path = target.name
        if dup == "o":
            path = os.path.join(folder, clean_name(name or self.name))
            os.replace(target.name, path)
        self.path = path
        return path

    def remove(self) -> None:
        """Delete the file that `save` wrote, if any, and the temporary one."""
        self.close()
        if self.path is not None:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path)
            self.path = None

    def close(self) -> None:
        self.file.close()


def clean_name(name: str) -> str:
    """Return a client's file name without folders and without characters that some system refuses."""
    base = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .")
    return base[-200:] or "unnamed"


def spooled(data: bytes | memoryview, memory_size: int) -> IO[bytes]:
    """Return a file object holding `data`: in memory up to `memory_size` bytes, else in a temporary file."""
    if len(data) <= memory_size:
        return io.BytesIO(data)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the upload owns and closes it
    file.write(data)
    file.seek(0)
    return file


def _open_new(folder: str, name: str) -> IO[bytes]:
    stem, suffix = os.path.splitext(name)
    number = 0
    while True:
        candidate = name if number == 0 else f"{stem}.{number}{suffix}"
        try:
            return open(os.path.join(folder, candidate), "xb")
        except FileExistsError:
            number += 1


def _open_temporary(folder: str) -> IO[bytes]:
    return tempfile.NamedTemporaryFile(dir=folder, prefix=".upload-", delete=False)
