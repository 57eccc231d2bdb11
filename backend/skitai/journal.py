"""The log files of one process: which there are, and that they are begun anew in time."""

from __future__ import annotations

import logging
from pathlib import Path

from atila.logfiles import LogFile, Rotation

from . import logs
from .options import Options

CONSOLE = "console.log"  # in the background: what the standard output and error would have shown

_log = logging.getLogger("skitai")


class Journal:
    """Where this process writes. Lives as long as the process; `tend` is called about once a second."""

    def __init__(self, options: Options, *, background: bool = False) -> None:
        """Open the console's file when there is no console. Raises OSError when it cannot be opened."""
        self.options = options
        self.folder: Path | None = Path(options.logpath).absolute() if options.logpath else None
        if self.folder is None and background:
            self.folder = options.places.logs
        self.rotation = Rotation(options.log_period, options.log_size, options.log_keep)
        self._files: list[LogFile] = []
        self._broken = False
        if background and self.folder is not None:
            self._files.append(LogFile(self.folder / CONSOLE, self.rotation, standard=True))

    def configure(self) -> None:
        """Send all log records where they belong; once more undoes what a library has set up. Raises OSError."""
        options = self.options
        where = logs.Destination(self.folder, self.rotation, options.verbose)
        logs.configure(options.log_format, options.log_level, where=where)

    def access_logs(self) -> list[logs.AccessLog]:
        """Return what writes a line for each answer: to `request.log`, to the standard output, or both."""
        options, descriptors = self.options, []
        if not options.access_log:
            return []
        if self.folder is not None:
            self._files.append(LogFile(self.folder / "request.log", self.rotation))
            descriptors.append(self._files[-1].descriptor)
        if self.folder is None or options.verbose:
            descriptors.append(1)
        return [logs.AccessLog(options.log_format, descriptor, options.log_off) for descriptor in descriptors]

    def tend(self) -> None:
        """Begin files anew that are due, and follow those that another process began anew."""
        try:
            for file in self._files:
                file.tend()
        except OSError as error:
            if not self._broken:
                _log.error("the log files in %s cannot be begun anew: %s", self.folder, error)
            self._broken = True
