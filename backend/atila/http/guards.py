"""What every adapter refuses before an app sees it: odd methods, hosts, targets (RFC 9110, RFC 9112, RFC 3986)."""

from __future__ import annotations

import re

from ..errors import HTTPError

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?\Z")
_ODD_PATH = re.compile(r"[\x00-\x1f\x7f\ufffd]|/\.{1,2}(?:/|\Z)|\\")
_KEPT = 200  # characters of a path that is remembered: clients choose them, and a path may have 64 KB
_DIGITS = 18  # of a Content-Length: more than any body has
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class Hosts:
    """The Host values seen to be well-formed, so that each is read once. Lives as long as the adapter."""

    __slots__ = ("good",)

    def __init__(self) -> None:
        self.good: set[str] = set()

    def check(self, host: str | None, version: str) -> None:
        """Raise HTTPError 400 for a missing or malformed Host (RFC 9112 3.2); HTTP/1.0 may go without."""
        if host in self.good:
            return
        if not host:
            if version == "1.0":
                return
            raise HTTPError(400, "the Host header is missing")
        if not _HOST.match(host):
            raise HTTPError(400, "the Host header is malformed")
        if len(self.good) < 1000:
            self.good.add(host)


class Targets:
    """The paths seen to be well-formed, so that each is read once. Lives as long as the adapter."""

    __slots__ = ("good",)

    def __init__(self) -> None:
        self.good: set[str] = set()

    def check(self, method: str, path: str) -> None:
        """Raise HTTPError like `check_target`."""
        check_target(method, path)
        if len(self.good) < 1000 and len(path) < _KEPT and path != "*":
            self.good.add(path)


def check_target(method: str, path: str) -> None:
    """Raise HTTPError: 501 for an unknown method, 405 for TRACE or CONNECT, 400 for dot segments or control bytes."""
    if method not in METHODS:
        raise HTTPError(501 if method not in ("TRACE", "CONNECT") else 405, f"{method[:20]} is not answered here")
    if not path.startswith("/") and not (path == "*" and method == "OPTIONS"):
        raise HTTPError(400, "the request's target is no path")
    if ("/." in path or "\\" in path or not path.isprintable() or "\ufffd" in path) and _ODD_PATH.search(path):
        raise HTTPError(400, "the path has dot segments, backslashes or bytes that no path may have")


def clean_request_id(text: str | None) -> str | None:
    """Return a client's X-Request-ID when it is safe to log and to send back, else None."""
    return text if text and _REQUEST_ID.match(text) else None


def content_length(text: str | None) -> int | None:
    """Return a Content-Length in bytes, None without one. Raises HTTPError 400 for a malformed one (RFC 9110 8.6)."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise HTTPError(400, "Content-Length is not a number")
    return int(text)
