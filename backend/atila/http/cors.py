"""Sharing across origins, by the Fetch standard: who may call, and what a preflight is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ..errors import HTTPError, SettingError
from .request import Request
from .response import Response

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+\Z", re.IGNORECASE)
_TOKENS = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*\Z")


@dataclass(frozen=True, slots=True)
class Sharing:
    """Which origins may read what a route answers. Lives as long as the app.

    An origin that is named may send cookies too; with "*" nobody's cookies count (Fetch 3.3.5).
    """

    origins: frozenset[str] = frozenset()
    everybody: bool = False
    max_age: int = 0  # seconds a browser keeps the answer to a preflight

    @classmethod
    def of(cls, origins: Sequence[str] | str | None, max_age: int | None = 0) -> Self:
        """Read a list of origins such as "https://app.example:8080", or ["*"].

        Raises SettingError for an origin without scheme or with a path.
        """
        listed = [origins] if isinstance(origins, str) else list(origins or ())
        for origin in listed:
            if origin != "*" and not _ORIGIN.match(origin):
                raise SettingError(
                    f"{origin!r} is no origin: it is written as https://app.example or http://127.0.0.1:8080"
                )
        named = frozenset(origin.lower() for origin in listed if origin != "*")
        return cls(named, "*" in listed, max_age or 0)

    @property
    def open(self) -> bool:
        """Some other origin may call."""
        return self.everybody or bool(self.origins)

    def admit(self, request: Request, response: Response, origin: str) -> None:
        """Let an answer be read by the origin that asked. Raises HTTPError 403 for one that may not call."""
        if self.open:
            if self.everybody and not self.origins:
                response.headers.append(("access-control-allow-origin", "*"))
                return
            response.vary("origin")
        if origin.lower() in self.origins:
            response.headers.append(("access-control-allow-origin", origin))
            response.headers.append(("access-control-allow-credentials", "true"))
        elif self.everybody:
            response.headers.append(("access-control-allow-origin", "*"))
        elif not is_own(request, origin):
            raise HTTPError(403, "this origin may not call here")

    def answer_preflight(self, request: Request, response: Response, methods: Sequence[str]) -> None:
        """Tell a preflight what the real request may be. Raises HTTPError 403 for an origin that may not call."""
        origin = request.get_header("origin")
        assert origin is not None, "is_preflight saw it"
        self.admit(request, response, origin)
        response.headers.append(("access-control-allow-methods", ", ".join(methods)))
        asked = request.get_header("access-control-request-headers", "") or ""
        if _TOKENS.match(asked):
            response.headers.append(("access-control-allow-headers", asked))
        if self.max_age:
            response.headers.append(("access-control-max-age", str(self.max_age)))
        response.vary("access-control-request-method")
        response.vary("access-control-request-headers")


def is_preflight(request: Request) -> bool:
    """Say whether a browser asks what it may send (Fetch 4.8)."""
    if request.method != "OPTIONS":
        return False
    return all(request.source.get(name) is not None for name in ("origin", "access-control-request-method"))


def is_own(request: Request, origin: str) -> bool:
    """Say whether an Origin is the one that the request was sent to.

    https://host is accepted for a request that reached us as http://host: a proxy ended the TLS before us.
    """
    try:
        theirs, mine = urlsplit(origin), urlsplit(f"{request.scheme}://{request.host}")
        ports = (theirs.port, mine.port)
    except ValueError:
        return False
    if not theirs.hostname or theirs.hostname != mine.hostname:
        return False
    if theirs.scheme == mine.scheme:
        default = _PORTS.get(mine.scheme)
        return (ports[0] or default) == (ports[1] or default)
    return theirs.scheme == "https" and ports[0] == ports[1]


_PORTS = {"http": 80, "https": 443}
