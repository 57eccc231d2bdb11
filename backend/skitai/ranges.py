"""Range requests (RFC 9110 14): which part of a file a client wants."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate

from atila.http.conditional import Validators
from atila.http.request import HeaderSource

_RANGE = re.compile(r"bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*\Z", re.ASCII | re.IGNORECASE)
_LONGEST = 64  # characters of a Range field that is looked at


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to, and without, `stop`."""

    start: int
    stop: int


class RangeError(Exception):
    """No byte of the range exists: the answer is 416."""


def wanted_range(headers: HeaderSource, size: int, validators: Validators) -> ByteRange | None:
    """Return the one byte range a GET asks for, or None for the whole.

    Several ranges, other units and malformed ones are ignored, as RFC 9110 14.2 allows. Raises RangeError.
    """
    text = headers.get("range")
    if text is None or not _same_version(headers.get("if-range"), validators):
        return None
    match = _RANGE.match(text.strip()) if len(text) <= _LONGEST else None
    if match is None or not (match[1] or match[2]):
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


def _same_version(condition: str | None, validators: Validators) -> bool:
    """RFC 9110 13.1.5: If-Range needs the very same version; a date counts only when it is exactly ours."""
    if condition is None:
        return True
    dates = () if validators.modified is None else (formatdate(validators.modified, usegmt=True),)
    return condition.strip() in (validators.etag, *dates)
