"""Conditional requests (RFC 9110 13): does the client have this version already, or want to change another one?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from .headers import Pairs
from .request import Request

_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_OPAQUE = re.compile(r"[\x21\x23-\x7e\x80-\xff]+\Z")


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one version of a representation from another: an entity tag, a time of change, or both."""

    etag: str | None = None  # with its quotes, and W/ in front of them when it is weak
    modified: int | None = None  # seconds since 1970

    @classmethod
    def tagged(cls, tag: str, weak: bool = False) -> Self:
        """Return the validator of a tag that an app chose. Raises ValueError for characters that no tag has."""
        if not _OPAQUE.match(tag):
            raise ValueError(f"{tag!r} is no entity tag: visible characters without quotes and blanks make one")
        return cls(f'W/"{tag}"' if weak else f'"{tag}"')

    @classmethod
    def changed(cls, mtime: float, length: int | None = None) -> Self:
        """Return the validators of a time of change and, if it is known, a length in bytes."""
        return cls(None if length is None else f'"{int(mtime * 1e6):x}-{length:x}"', int(mtime))

    def fields(self) -> Pairs:
        """Return the header fields ETag and Last-Modified."""
        fields: Pairs = [] if self.etag is None else [("etag", self.etag)]
        if self.modified is not None:
            from email.utils import formatdate  # loaded by whoever tells dates, here and below

            fields.append(("last-modified", formatdate(self.modified, usegmt=True)))
        return fields


def precondition(request: Request, validators: Validators) -> int | None:
    """Return 412 or 304 when a request's conditions say so, else None, in the order of RFC 9110 13.2.2."""
    get = request.source.get
    matches, unmodified = get("if-match"), get("if-unmodified-since")
    if matches is not None:
        if not _lists(matches, validators.etag, weak=False):
            return 412
    elif unmodified is not None and _changed_since(validators.modified, unmodified) is True:
        return 412
    safe = request.method in ("GET", "HEAD")
    known = get("if-none-match")
    if known is not None:
        return (304 if safe else 412) if _lists(known, validators.etag, weak=True) else None
    modified = get("if-modified-since")
    if modified is not None and safe and _changed_since(validators.modified, modified) is False:
        return 304
    return None


def _lists(header: str, etag: str | None, *, weak: bool) -> bool:
    """Say whether a list of entity tags has this one; weak comparison ignores W/ (RFC 9110 8.8.3.2)."""
    if header.strip() == "*":
        return True
    if etag is None or (not weak and etag.startswith("W/")):
        return False
    tags = _TAG.findall(header)
    return etag in tags if not weak else etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}


def _changed_since(modified: int | None, date: str) -> bool | None:
    """Say whether a time of change is later than an HTTP date; None when either is unknown (RFC 9110 13.1.3)."""
    try:
        from email.utils import parsedate_to_datetime

        since = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
    return None if modified is None else modified > since
