"""An uploaded file: in memory while small, in a temporary file when not."""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import shutil
import tempfile
from typing import IO, Literal

LONGEST_NAME = 200  # bytes; file systems take 255
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


class Upload:
    """One file of a multipart form. Lives as long as the request: what is not saved by then is gone.

    `name` is the client's file name without folders; `size` is in bytes; `mimetype` is what the client said. `path` is
    the temporary file of a large upload, and after `save` the saved one.
    """

    __slots__ = ("file", "mimetype", "name", "path", "size")

    def __init__(self, file: IO[bytes], name: str, size: int, mimetype: str) -> None:
        self.file = file
        self.name = clean_name(name)
        self.size = size
        self.mimetype = mimetype
        place = getattr(file, "name", None)
        self.path: str | None = place if isinstance(place, str) else None  # where the file lies; None: in memory

    def __repr__(self) -> str:
        return f"Upload({self.name!r}, {self.size} bytes, {self.mimetype})"

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes; -1 is all that are left."""
        return self.file.read(size)

    def save(
        self, into: str | os.PathLike[str], name: str | None = None, mkdir: bool = False, dup: Literal["u", "o"] = "u"
    ) -> str:
        """Write the file into a folder and return its path. `dup`: "u" finds a free name (a.1.txt), "o" overwrites.

        Raises FileNotFoundError when the folder is missing and `mkdir` is off, ValueError for another `dup`.
        """
        if dup not in ("u", "o"):
            raise ValueError(f"dup is 'u' (find a free name) or 'o' (overwrite), not {dup!r}")
        folder = os.fspath(into)
        if mkdir:
            os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, clean_name(name or self.name))
        target = _open_new(path if dup == "u" else os.path.join(folder, f".upload-{secrets.token_hex(8)}"))
        try:
            self.file.seek(0)
            with target:
                shutil.copyfileobj(self.file, target)
            if dup == "o":
                os.replace(target.name, path)
        except BaseException:  # interrupted or not
            os.remove(target.name)  # nothing half-saved
            raise
        self.path = path if dup == "o" else target.name
        return self.path

    def remove(self) -> None:
        """Delete the file that `save` wrote, if any, and the temporary one."""
        self.close()
        if self.path is not None:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path)
            self.path = None

    def close(self) -> None:
        """Let go of the temporary file; what was saved stays."""
        self.file.close()


def clean_name(name: str) -> str:
    """Return a client's file name without folders and without what some system refuses; 200 bytes at most."""
    base = _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1]).strip(" .") or "unnamed"
    stem, suffix = os.path.splitext(base)
    suffix = suffix.encode("utf-8", "replace")[:50].decode("utf-8", "ignore")
    room = LONGEST_NAME - len(suffix.encode())
    return (stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + suffix).rstrip(" .")


def spooled(data: bytes | memoryview, memory_size: int) -> IO[bytes]:
    """Return a file object holding `data`: in memory up to `memory_size` bytes, else in a temporary file."""
    if len(data) <= memory_size:
        return io.BytesIO(data)
    file = tempfile.NamedTemporaryFile(prefix="upload-")  # noqa: SIM115 - the upload owns and closes it
    file.write(data)
    file.flush()
    file.seek(0)
    return file


def _open_new(path: str) -> IO[bytes]:
    """Open a file that did not exist: `path`, or the first of a.1.txt, a.2.txt … that is free."""
    stem, suffix = os.path.splitext(path)
    number = 0
    while True:
        try:
            return open(path if number == 0 else f"{stem}.{number}{suffix}", "xb")
        except FileExistsError:
            number += 1
