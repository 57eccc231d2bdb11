"""Conditional and range requests (RFC 9110 13 and 14): what a client already has, and which part it wants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from atila.http.request import HeaderSource

_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z", re.ASCII | re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


@dataclass(frozen=True, slots=True)
class Validator:
    """What identifies one version of a representation."""

    etag: str  # strong, with its quotes
    modified: int  # seconds since the epoch

    @property
    def last_modified(self) -> str:
        """The modification time as an HTTP date."""
        return formatdate(self.modified, usegmt=True)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, and without, `stop`."""

    start: int
    stop: int


class RangeError(Exception):
    """No byte of the range exists: the answer is 416."""


def refusal(headers: HeaderSource, validator: Validator) -> int | None:
    """Return 412 or 304 when the preconditions of a GET or HEAD say so, else None (RFC 9110 13.2.2)."""
    matches = headers.get("if-match")
    unmodified = headers.get("if-unmodified-since")
    if matches is not None:
        if not _names(matches, validator.etag, weak=False):
            return 412
    elif unmodified is not None and (since := _seconds(unmodified)) is not None and validator.modified > since:
        return 412
    known = headers.get("if-none-match")
    if known is not None:
        return 304 if _names(known, validator.etag, weak=True) else None
    modified = headers.get("if-modified-since")
    if modified is not None and (since := _seconds(modified)) is not None and validator.modified <= since:
        return 304
    return None


def wanted_range(headers: HeaderSource, size: int, validator: Validator) -> ByteRange | None:
    """Return the one byte range a GET asks for, or None for the whole.

    Several ranges, other units and malformed ones are ignored, as RFC 9110 14.2 allows. Raises RangeError.
    """
    text = headers.get("range")
    if text is None or not _same_version(headers.get("if-range"), validator):
        return None
    match = _RANGE.match(text.strip())
    if match is None or not (match[1] or match[2]) or len(text) > 64:
        return None
    if not match[1]:  # the last n bytes
        length = min(int(match[2]), size)
        if length == 0:
            raise RangeError
        return ByteRange(size - length, size)
    start = int(match[1])
    stop = int(match[2]) + 1 if match[2] else size
    if match[2] and stop <= start:
        return None  # "9-3" is malformed, not unsatisfiable
    if start >= size:
        raise RangeError
    return ByteRange(start, min(stop, size))


def _names(header: str, etag: str, *, weak: bool) -> bool:
    """Say whether a list of entity tags has this one; `weak` comparison ignores the W/ of RFC 9110 8.8.3.2."""
    if header.strip() == "*":
        return True
    tags = _TAG.findall(header)
    return etag in tags or (weak and f"W/{etag}" in tags)


def _same_version(condition: str | None, validator: Validator) -> bool:
    """RFC 9110 13.1.5: If-Range needs the very same version; a date counts only when it is exactly ours."""
    if condition is None:
        return True
    condition = condition.strip()
    return condition in (validator.etag, validator.last_modified)


def _seconds(date: str) -> int | None:
    """Return an HTTP date in seconds since the epoch; None when it is not one (RFC 9110 13.1.3: then ignore it)."""
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None
