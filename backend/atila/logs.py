"""What an app writes to its log: one line for each record, whatever it holds."""

from __future__ import annotations

import logging
import sys
import traceback as tb

from .http.request import Request

LEVELS = {
    "debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "warning": logging.WARNING,
    "error": logging.ERROR, "fail": logging.ERROR, "expt": logging.ERROR, "critical": logging.CRITICAL,
}  # fmt: skip

# Controls, line and paragraph separators, marks that turn the direction of writing; and as JSON can write them.
UNSEEN = (*range(32), *range(127, 160), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: repr(chr(code))[1:-1] for code in UNSEEN}


def one_line(text: str) -> str:
    """Return the text without anything that could start a second line or hide one."""
    return text.translate(_ESCAPES)


class Log:
    """The app's log, with the id of one request on every line."""

    __slots__ = ("logger", "request")

    def __init__(self, logger: logging.Logger, request: Request) -> None:
        self.logger = logger
        self.request = request

    def write(self, msg: object, category: str = "info") -> None:
        """Write a line. `category`: debug, info, warn, error, critical; another word is written before the text."""
        text = one_line(str(msg))
        if category not in LEVELS:
            text = f"[{one_line(category)}] {text}"
        self.logger.log(LEVELS.get(category, logging.INFO), "%s %s", self.request.id or "-", text)

    def traceback(self, id: str = "") -> None:
        """Write the current exception with its frames; `id` is a word to search for, by default the request's id."""
        error = sys.exc_info()[1]
        if error is None:
            return
        frames = tb.extract_tb(error.__traceback__)
        where = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else "nowhere"
        line = one_line(f"{type(error).__name__}: {error} at {where}")
        self.logger.error("%s %s", one_line(id) or self.request.id or "-", line, exc_info=error)
