"""The JSON shape of an error: code, message, and what else is known; an exception as lines."""

from __future__ import annotations

import sys
import traceback as tb
from typing import Any

from ..errors import HTTPError


def describe_exception(exc_info: object = None) -> list[str]:
    """Return an exception as lines: what it is, where it was raised, then the frames that led there, innermost first.

    `exc_info`: a triple of `sys.exc_info()`, an exception, lines made by this function, or None for the current one.
    """
    if isinstance(exc_info, list):
        return [str(line) for line in exc_info]
    error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    if not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    if error is None:
        return []
    frames = tb.extract_tb(error.__traceback__)
    lines = [f"[{type(error).__name__}] {error}"]
    lines += [f"in file {frame.filename} at line {frame.lineno}, function {frame.name}" for frame in reversed(frames)]
    return lines


def fault_data(
    message: str,
    code: int,
    debug: str | None = None,
    more_info: object = None,
    exc_info: object = None,
    traceback: bool = False,
) -> dict[str, Any]:
    """Return the JSON object of an error that a handler describes itself."""
    body: dict[str, Any] = {"code": code, "message": message}
    frames = describe_exception(exc_info) if traceback or exc_info else []
    if frames:
        debug = debug or "see traceback"
    extra = {"debug": debug, "more_info": more_info, "traceback": frames or None}
    return body | {name: value for name, value in extra.items() if value is not None}


def error_data(error: HTTPError) -> dict[str, Any]:
    """Return the JSON shape of every generated error: code, message, and more_info and errors where there are any."""
    data: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.detail is not None:
        data["more_info"] = error.detail
    if error.reasons:
        data["errors"] = [reason._asdict() for reason in error.reasons]
    return data
