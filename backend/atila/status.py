"""Status lines: '404 Not Found' <-> 404, with the reasons of RFC 9110 and the two that Atila adds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

REASONS: dict[int, str] = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Request Entity Too Large",
    421: "Misdirected Request",
    530: "Parameter Mismatch",
}
BODILESS = frozenset({204, 205, 304})  # RFC 9110 15.3.5, 15.3.6, 15.4.5: these carry no content

_LINE = re.compile(r"([1-9]\d\d)(?: ([\x20-\x7e]*))?\Z")


@dataclass(frozen=True, slots=True)
class Status:
    """A status code and its reason phrase."""

    code: int
    reason: str

    def __str__(self) -> str:
        return f"{self.code} {self.reason}"


_KNOWN: dict[int | str, Status] = {}
_KNOWN.update({code: Status(code, reason) for code, reason in REASONS.items()})
_KNOWN.update({str(status): status for status in list(_KNOWN.values())})


def parse_status(status: int | str) -> Status:
    """Return the Status of 404, '404' or '404 Not Here'.

    Raises ValueError when the text does not start with a three-digit code from 100 to 599.
    """
    known = _KNOWN.get(status)
    if known is not None:
        return known
    match = _LINE.match(str(status))
    if match is None or not 100 <= int(match[1]) <= 599:
        raise ValueError(f"{status!r} is not a status: expected a code such as 404 or a line such as '404 Not Found'")
    code = int(match[1])
    return Status(code, match[2] or REASONS.get(code, "Unknown"))


def looks_like_status(text: object) -> bool:
    """Say whether a value reads as a status line: '201 Created' does, 'created' does not."""
    return isinstance(text, str) and _LINE.match(text) is not None
