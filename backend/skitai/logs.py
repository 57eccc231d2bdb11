"""What the engine writes down: one line for each request, and errors with the request they belong to."""

from __future__ import annotations

import fnmatch
import json
import logging
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

import msgspec

from atila.http.request import Request
from atila.logfiles import LogFile, LogFileHandler, Rotation
from atila.logs import UNSEEN, current_request, one_line

Form = Literal["plain", "json"]

SERVER = "server.log"  # what the engine logs

_LONGEST = 2000  # characters kept of what a client sent
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in UNSEEN}
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to write: to standard error and output, or to `server.log`, `app.log` and `request.log` of a folder."""

    folder: Path | None = None
    rotation: Rotation = field(default_factory=Rotation)
    console: bool = False  # to standard error and output too


def configure(
    form: Form = "plain", level: str = "INFO", stream: TextIO | None = None, where: Destination | None = None
) -> None:
    """Send every logger's records to a stream (default: standard error) or to files, as text or as JSON objects.

    Raises OSError when a file cannot be opened.
    """
    where = where or Destination()
    handlers: list[logging.Handler] = []
    if where.folder is not None:
        for name, mine in ((SERVER, _is_servers), ("app.log", _is_apps)):
            handlers.append(LogFileHandler(LogFile(where.folder / name, where.rotation)))
            handlers[-1].addFilter(mine)
    if where.folder is None or where.console:
        handlers.append(logging.StreamHandler(stream or sys.stderr))
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if form == "json" else PlainFormatter())
        handler.addFilter(name_request)
    logging.captureWarnings(capture=True)
    logging.basicConfig(level=level.upper(), handlers=handlers, force=True)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it counts the changes that we name


def name_request(record: logging.LogRecord) -> bool:
    """Give a record the id of the request it was written for, and of its trace; a filter that lets all pass."""
    if not hasattr(record, "request_id") and (request := current_request()) is not None:
        record.request_id = request.id
        if (trace := request.known_trace) is not None:
            record.trace_id = trace.id
    return True


def _is_servers(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] in ("skitai", "_granian", "granian", "grpc")


def _is_apps(record: logging.LogRecord) -> bool:
    return not _is_servers(record)


def shown(text: str) -> str:
    """Return what a client sent as one line of bounded length."""
    return one_line(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")


class PlainFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.123Z ERROR atila 4f2a message`, then the traceback, indented so that it forges no line."""

    def format(self, record: logging.LogRecord) -> str:
        request = one_line(str(getattr(record, "request_id", "")))
        head = f"{_time(record.created)} {record.levelname} {record.name}"
        message = one_line(record.getMessage())
        if request and not message.startswith(f"{request} "):  # as what `was.log` writes does
            message = f"{request} {message}"
        lines = [f"{head} {message}"]
        if record.exc_info:
            lines += [f"    {one_line(line)}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object: time, level, logger, message, and whatever was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({name: value for name, value in vars(record).items() if name not in _OWN_FIELDS})
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        try:
            line = msgspec.json.encode(fields, enc_hook=str).decode()
        except (ValueError, TypeError, OverflowError, RecursionError):  # half a character, a huge number, a circle
            line = json.dumps({name: str(value) for name, value in fields.items()})
        return line.translate(_JSON_ESCAPES)


class AccessLog:
    """Writes one line for each request to a file descriptor, from any thread. Lives as long as the process.

    Paths that a pattern of `off` fits, such as "/health/*", are left out.
    """

    def __init__(self, form: Form = "plain", descriptor: int | None = None, off: Sequence[str] = ()) -> None:
        self._write = _json_line if form == "json" else _plain_line
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._off = re.compile("|".join(map(fnmatch.translate, off))).match if off else None
        self._broken = False

    def __call__(self, request: Request, status: int, length: int | None, seconds: float) -> None:
        """Note a request that was answered: `length` bytes of body (None: not known) after `seconds`."""
        if self._broken or (self._off is not None and self._off(request.path)):
            return
        try:
            os.write(self._descriptor, self._write(request, status, length, seconds))
        except OSError as error:  # a closed pipe or a full disk must not fail requests
            self._broken = True
            logging.getLogger("skitai.access").error("the access log cannot be written any more: %s", error)


def _plain_line(request: Request, status: int, length: int | None, seconds: float) -> bytes:
    agent = shown(request.get_header("user-agent") or "-").replace('"', "'")
    who = f"{request.id or '-'} {_word(request.get_remote_addr())}"
    what = f"{request.wire}/{request.version} {_word(request.method)} {_word(request.uri)}"
    line = (
        f"{_time(time.time())} {who} {what} {status} {'-' if length is None else length} "
        f'{seconds * 1000:.1f}ms "{agent}"\n'
    )
    return line.encode("utf-8", "backslashreplace")


def _json_line(request: Request, status: int, length: int | None, seconds: float) -> bytes:
    fields: dict[str, Any] = {
        "time": _time(time.time()),
        "request_id": request.id,
        "remote": request.get_remote_addr()[:_LONGEST],
        "protocol": request.wire,
        "version": request.version,
        "method": request.method[:_LONGEST],
        "path": request.uri[:_LONGEST],
        "status": status,
        "bytes": length,
        "milliseconds": round(seconds * 1000, 3),
        "user_agent": (request.get_header("user-agent") or "")[:_LONGEST],
    }
    if (trace := request.known_trace) is not None:
        fields["trace_id"] = trace.id
    line = msgspec.json.encode(fields)
    if not line.isascii() or b"\x7f" in line:
        line = line.decode().translate(_JSON_ESCAPES).encode()
    return line + b"\n"


def _word(text: str) -> str:
    """Return what a client sent as one field of a line whose fields are told apart by blanks."""
    return shown(text).replace(" ", "\\x20")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
