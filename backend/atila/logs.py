"""What an app writes to its log: one line for each record, whatever it holds."""

from __future__ import annotations

import logging
import sys
import traceback as tb
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from types import FrameType
from typing import Any

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


# The request whose answer is sent piece by piece, or whose handler starts tasks: they run outside its call.
streamed: ContextVar[Request | None] = ContextVar("streamed", default=None)


def remembered(answer: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return what answers a request, so that tasks which its handler starts know it: `app.config.log_tasks`."""

    async def remember(request: Request, *arguments: Any) -> Any:
        streamed.set(request)
        return await answer(request, *arguments)

    return remember


def current_request() -> Request | None:
    """Return the request that the code which calls this runs for, None when it runs for none.

    It looks for the framework's own function among the callers, so a request that logs nothing pays nothing for it.
    A task that an async handler started by itself is known with `app.config.log_tasks`; a plain thread never is.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - there is no public way to the callers that is as quick
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(("atila.", "skitai.")) and (found := _request_in(frame)) is not None:
            return found
        frame = frame.f_back
    return streamed.get()


def _request_in(frame: FrameType) -> Request | None:
    names = frame.f_code.co_varnames
    if "request" not in names and "was" not in names:
        return None
    local = frame.f_locals
    found = local.get("request") or getattr(local.get("was"), "__dict__", {}).get("request")
    return found if isinstance(found, Request) else None


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
