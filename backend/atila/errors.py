"""The exceptions of the framework, with the HTTP status each becomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .status import Status, parse_status

BAD_PARAMETER = 40050  # the error code of a missing or bad parameter
MOST_REASONS = 100  # faulty parameters that one answer lists: a client may send very many


class AtilaError(Exception):
    """The base of every error that Atila raises itself."""


class RouteError(AtilaError):
    """A mistake in a route's declaration, raised while the app is built."""


class SettingError(AtilaError):
    """A setting that is missing, unknown or of the wrong kind, raised while the app is built."""


class BuildError(AtilaError, NameError):
    """A URL was asked for a name that no route has."""


class Reason(NamedTuple):
    """Why one parameter was refused."""

    name: str
    reason: str


class HTTPError(AtilaError):
    """Ends the request with a status: `raise HTTPError("404 Not Found", "no photo 7")`.

    `detail` becomes `more_info` in the answer, `errno` its `code` (default: status * 100), `reasons` its `errors`;
    `details` are protobuf messages that gRPC clients get besides.
    Raises ValueError when the status cannot be read.
    """

    def __init__(
        self,
        status: int | str,
        detail: object = None,
        errno: int | None = None,
        *,
        message: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        reasons: Sequence[Reason] = (),
        details: Sequence[Any] = (),
    ) -> None:
        self.status: Status = parse_status(status)
        self.detail = None if detail is None else str(detail)
        self.errno = errno
        self.code = errno or self.status.code * 100
        self.message = message or self.status.reason.lower()
        self.headers = list(headers)
        self.reasons = list(reasons)
        self.details = list(details)
        super().__init__(f"{self.status}" + (f": {self.detail}" if self.detail else ""))


def bad_parameters(reasons: Sequence[Reason]) -> HTTPError:
    """Return the 400 that lists every faulty parameter with its reason, a hundred of them at most."""
    reasons = reasons[:MOST_REASONS]
    first = "; ".join(reason.reason for reason in reasons)
    return HTTPError(400, first, BAD_PARAMETER, message="missing or bad parameter", reasons=reasons)
