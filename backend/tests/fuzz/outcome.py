"""What a parser may do with its input: return a value, or refuse it with a status of the 400s (501: unknown method)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

from atila.errors import HTTPError


class Refused(Enum):
    """The one value that says that the input was refused."""

    HERE = "refused"


REFUSED: Literal[Refused.HERE] = Refused.HERE


def outcome(parse: Callable[..., Any], *args: Any) -> Any:
    """Return what `parse` makes of its arguments, REFUSED for an HTTPError of the 400s or 501. Raises all else."""
    try:
        return parse(*args)
    except HTTPError as error:
        if not 400 <= error.status.code < 500 and error.status.code != 501:
            raise
        return REFUSED


def written(value: object) -> bytes:
    """Return a text as UTF-8. Raises UnicodeEncodeError for half a character, which no answer could hold."""
    return str(value).encode()
