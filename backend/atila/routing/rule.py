"""A URL pattern: '/episodes/<int:id>/<path:rest>', cut into segments that match and build."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from ..errors import RouteError

WORDS = frozenset({"me", "notme", "new"})  # what an integer parameter also accepts
MAX_DIGITS = 18  # longer numbers fit no database's integer and match nothing

_PARAMETER = re.compile(r"<(?:([a-z]+):)?([A-Za-z_]\w*)>\Z")
_FLOAT = re.compile(r"\d{1,18}(\.\d{1,18})?\Z")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ufffd\ud800-\udfff\\]")  # what adapters refuse in a path
_SEGMENT_SAFE = "!$&'()*+,:=@-._~"
MISS = object()  # what a converter answers for text that it does not match


def read_int(text: str) -> object:
    """Return the integer of up to 18 digits, or one of the words me, notme, new; else MISS."""
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS:
        return int(text)
    return text if text in WORDS else MISS


def read_float(text: str) -> object:
    return float(text) if _FLOAT.match(text) else MISS


def read_string(text: str) -> object:
    return text.replace("_", " ") if text else MISS


def read_path(text: str) -> object:
    return text or MISS


Reader = Callable[[str], object]  # from a segment to the parameter's value, or MISS
READERS: dict[str, Reader] = {
    "int": read_int,
    "float": read_float,
    "string": read_string,
    "path": read_path,
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a rule between slashes: literal text, or a parameter of a kind."""

    text: str
    kind: str = ""  # "" is a literal

    def write(self, value: object) -> str:
        """Return the value as this segment of a URL. Raises ValueError when the value cannot stand there."""
        text = str(value)
        parts = text.split("/") if self.kind == "path" else [text]
        if READERS[self.kind](text) is MISS or _UNFIT.search(text) or any(part in (".", "..") for part in parts):
            raise ValueError(f"{value!r} cannot stand for <{self.kind}:{self.text}> in a URL")
        if self.kind == "path":
            return quote(text, safe=_SEGMENT_SAFE + "/")
        if self.kind == "string":
            text = text.replace(" ", "_")
        if "/" in text:
            raise ValueError(f"{value!r} cannot stand for <{self.kind}:{self.text}> in a URL")
        return quote(text, safe=_SEGMENT_SAFE)


class Rule:
    """A parsed URL pattern. Raises RouteError when the pattern cannot be read."""

    __slots__ = ("names", "segments", "text")

    def __init__(self, text: str) -> None:
        if text and not text.startswith("/"):
            raise RouteError(f"rule {text!r} must be empty or start with a slash")
        self.text = text
        self.segments = tuple(_read_segment(part, text) for part in text.split("/")[1:]) if text else ()
        self.names = tuple(segment.text for segment in self.segments if segment.kind)
        if len(set(self.names)) < len(self.names):
            raise RouteError(f"rule {text!r} has a parameter twice")
        if any(segment.kind == "path" for segment in self.segments[:-1]):
            raise RouteError(f"rule {text!r}: a path parameter must come last")

    def __repr__(self) -> str:
        return f"Rule({self.text!r})"

    @property
    def tail(self) -> str | None:
        """The name of the last segment's parameter, if it is one."""
        return self.segments[-1].text if self.segments and self.segments[-1].kind else None

    def without_tail(self) -> Rule | None:
        """Return the rule without its last parameter; None for a rule that would become the root."""
        shorter = self.text.rpartition("/")[0]
        return Rule(shorter) if self.tail and shorter else None

    def build(self, values: dict[str, object]) -> str:
        """Return the path for the parameters' values. Raises KeyError for a missing one, ValueError for a bad one."""
        if not self.segments:
            return ""
        return "/" + "/".join(part.write(values[part.text]) if part.kind else part.text for part in self.segments)

    @property
    def base(self) -> str:
        """The path up to the first parameter: '/user/' of '/user/<id>/pat'."""
        return self.text.partition("<")[0]


def _read_segment(part: str, rule: str) -> Segment:
    if not ("<" in part or ">" in part):
        return Segment(part)
    match = _PARAMETER.match(part)
    if match is None:
        raise RouteError(f"rule {rule!r}: {part!r} is neither text nor <name> nor <kind:name>")
    kind, name = match[1], match[2]
    kind = kind or ("path" if name == "path" else "string")
    if kind not in READERS:
        raise RouteError(f"rule {rule!r}: no parameter kind {kind!r}; there are {', '.join(READERS)}")
    return Segment(name, kind)
