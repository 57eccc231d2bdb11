"""Which Python files changed, told to whoever asked, until stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

OURS = ("tests", "var", "dist")  # folders that are not watched, beside the usual ones


class _Stop(threading.Event):
    """Ends the watching when it is set. Whoever watches asks for it again and again, the first time when it begins."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def is_set(self) -> bool:
        self.asked.set()
        return super().is_set()


class Watcher:
    """A thread that watches folders and calls `changed` with the files, in batches. Lives until `stop`."""

    def __init__(self, folders: Iterable[Path], changed: Callable[[list[Path]], None], settle: int = 50) -> None:
        self.folders = _without_nested(folders)
        self._changed = changed
        self._settle = settle  # milliseconds without a further change that end a batch
        self._stopping = _Stop()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self, patience: float = 5.0) -> None:
        """Start to watch; when this returns, or after `patience` seconds, no change goes unseen."""
        self._thread.start()
        self._stopping.asked.wait(patience)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(5)

    def _watch(self) -> None:
        # Imported here: who does not reload does without it and its memory.
        from watchfiles import PythonFilter, watch

        ignored = (*PythonFilter.ignore_dirs, *OURS)
        only_python = PythonFilter(ignore_paths=[folder / name for folder in self.folders for name in ignored])
        for changes in watch(
            *self.folders, watch_filter=only_python, stop_event=self._stopping, step=self._settle, raise_interrupt=False
        ):
            self._changed(sorted({Path(path) for _, path in changes}))


def broken_file(files: Iterable[Path]) -> str | None:
    """Return the message of the first file that is no valid Python ("app.py, line 3: invalid syntax"), or None."""
    for file in files:
        try:
            compile(file.read_bytes(), str(file), "exec")
        except SyntaxError as error:
            return f"{file}, line {error.lineno}: {error.msg}"
        except (OSError, ValueError):
            continue  # deleted or being replaced: the import says more
    return None


def _without_nested(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that no other of them contains."""
    unique = sorted({folder.resolve() for folder in folders if folder.is_dir()})
    return [folder for folder in unique if not any(other in folder.parents for other in unique)]
