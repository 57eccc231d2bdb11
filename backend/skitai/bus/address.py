"""The address of the Redis that joins hosts."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from atila.errors import SettingError

SCHEMES = ("redis", "rediss", "unix")


class Address(NamedTuple):
    """What a URL says, for people and logs; the password only so that it can be kept out of them."""

    shown: str  # without user and password
    password: str | None


def read_address(url: str) -> Address:
    """Return what may be shown of a URL. Raises SettingError, without the URL, for one that is none of Redis."""
    try:
        parts = urlsplit(url)
        shown = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}{parts.path}"
    except ValueError:
        parts, shown = urlsplit(""), ""
    if parts.scheme not in SCHEMES or not (parts.hostname or parts.scheme == "unix"):
        raise SettingError("bus= is the URL of a Redis or Valkey: redis://[[user]:password@]host[:port][/number]")
    return Address(shown, parts.password)
