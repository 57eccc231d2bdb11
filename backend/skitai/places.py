"""Where an engine keeps its files on this machine: who runs, locks, logs, temporary files."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from atila.errors import SettingError

_ODD = re.compile(r"[^A-Za-z0-9_.-]")  # characters of a name that stay out of a folder's


@dataclass(frozen=True, slots=True)
class Places:
    """The folder of one engine and what lies in it; commands and workers find it by the same options."""

    folder: Path
    logs: Path  # where log files go when there are any

    @classmethod
    def of(cls, name: str, port: int, varpath: str | Path | None = None, logpath: str | Path | None = None) -> Self:
        """Return the places of the engine of a name and a port, below `varpath`."""
        folder = (Path(varpath) if varpath else private_folder()).absolute() / f"{_ODD.sub('_', name)}-{port}"
        return cls(folder, Path(logpath).absolute() if logpath else folder / "logs")

    @property
    def pid(self) -> Path:
        return self.folder / "pid"

    @property
    def locks(self) -> Path:
        return self.folder / "locks"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    def check(self) -> None:
        """Raise SettingError for a folder that another user has made, or can write to."""
        if self.folder.exists():
            _check_owner(self.folder)

    def make(self) -> None:
        """Make the folder, for its owner only, and empty what another run left. Raises SettingError, OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.check()
        shutil.rmtree(self.temporary, ignore_errors=True)
        for folder in (self.locks, self.temporary):
            folder.mkdir(exist_ok=True, mode=0o700)

    def clear(self) -> None:
        """Take away what only a running engine needs; logs stay."""
        for folder in (self.locks, self.temporary):
            shutil.rmtree(folder, ignore_errors=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def private_folder() -> Path:
    """Return the folder below the machine's temporary one that is this user's own. Raises SettingError, OSError."""
    folder = Path(tempfile.gettempdir()) / (f"skitai-{os.getuid()}" if hasattr(os, "getuid") else "skitai")
    folder.mkdir(exist_ok=True, mode=0o700)
    _check_owner(folder)
    return folder


def _check_owner(folder: Path) -> None:
    """Refuse a folder that somebody else could have prepared: what we read there names processes to signal."""
    if not hasattr(os, "getuid"):
        return
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise SettingError(f"{folder} is no folder that only this user writes to: remove it, or choose with varpath=")
