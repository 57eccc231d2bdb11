"""Header fields: case-insensitive, in their order, several of one name allowed (RFC 9110 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Pairs = list[tuple[str, str]]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")


class Headers(Mapping[str, str]):
    """The header fields of a request. `headers["Accept"]` is the first of that name; names come in lower case."""

    __slots__ = ("_first", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: Pairs = [(name.lower(), value) for name, value in pairs]
        self._first: dict[str, str] = {}
        for name, value in self.pairs:
            self._first.setdefault(name, value)

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    def get(self, name: str, default: Any = None) -> Any:
        """Return the first value of a name, in any case, or the default."""
        return self._first.get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"Headers({self.pairs!r})"

    def lead(self, name: str, value: str) -> None:
        """Put a field, its name in lower case, before all others."""
        self.pairs.insert(0, (name, value))
        self._first[name] = value

    def get_all(self, name: str) -> list[str]:
        """Return every value of a name, in the order sent."""
        name = name.lower()
        return [value for key, value in self.pairs if key == name]


def check_field(name: str, value: str) -> None:
    """Raise ValueError when a response header would break the message (RFC 9110 5.1, 5.5)."""
    if not _NAME.match(name):
        raise ValueError(f"{name!r} is not a header name: it must be a token of RFC 9110")
    if not _VALUE.match(value):
        raise ValueError(f"header {name} has a character that would break the message: {value!r}")


def parse_content_type(value: str) -> tuple[str, dict[str, str]]:
    """Split 'text/html; charset=utf-8' into ('text/html', {'charset': 'utf-8'})."""
    main, _, rest = value.partition(";")
    parameters: dict[str, str] = {}
    if not rest:
        return main.strip().lower(), parameters
    for match in _PARAMETER.finditer(rest):
        text = match[2]
        if text is None:
            continue
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        parameters[match[1].lower()] = text
    return main.strip().lower(), parameters


# A name, and its value if there is one. It gives nothing back (++), so the time it takes grows with the length only.
_PARAMETER = re.compile(r'([^\s=;"]++)\s*+(?:=\s*+("(?:[^"\\]|\\.)*+"|[^;\s"]*+))?')


def accepts(accept: str | None, media_type: str) -> bool:
    """Say whether an Accept header names a media type itself (wildcards do not count), with a quality above 0."""
    if not accept or media_type not in accept:
        return False
    for item in accept.split(","):
        name, parameters = parse_content_type(item)
        if name == media_type:
            return parameters.get("q", "1").strip() not in ("0", "0.0", "0.00", "0.000")
    return False
