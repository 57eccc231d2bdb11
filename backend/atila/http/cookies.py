"""Cookies: those the client sent, and those the answer sets (RFC 6265bis)."""

from __future__ import annotations

import re
import time
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote, unquote

from .request import Request
from .response import Response

SameSite = Literal["Strict", "Lax", "None"]
Expires = int | float | Literal["now", "never"] | None

NEVER = 100 * 365 * 24 * 3600  # seconds: what expires="never" asks for
MAX_SIZE = 4096  # bytes of one cookie that clients must keep (RFC 6265bis 5.7)

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_ATTRIBUTE = re.compile(r"[\x20-\x3a\x3c-\x7e]*\Z")


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One Set-Cookie field. `expires` is in seconds from now."""

    name: str
    value: str
    expires: Expires = None
    path: str = "/"
    domain: str | None = None
    secure: bool = False
    http_only: bool = True
    same_site: SameSite | None = "Lax"

    def render(self) -> str:
        """Return the field's value. Raises ValueError when the cookie is malformed or over 4096 bytes."""
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is not a cookie name")
        self._check_prefix()
        parts = [f"{self.name}={quote(self.value, safe=_SAFE)}"]
        if len(parts[0]) > MAX_SIZE:
            raise ValueError(f"cookie {self.name} has {len(parts[0])} bytes; clients keep {MAX_SIZE} at most")
        parts += self._lifetime()
        for label, text in (("Path", self.path), ("Domain", self.domain)):
            if text and not _ATTRIBUTE.match(text):
                raise ValueError(f"cookie {self.name}: {label} has a character that is not allowed: {text!r}")
            if text:
                parts.append(f"{label}={text}")
        parts += ["Secure"] * self.secure + ["HttpOnly"] * self.http_only
        if self.same_site:
            parts.append(f"SameSite={self.same_site}")
        return "; ".join(parts)

    def _check_prefix(self) -> None:
        """Raise ValueError for what browsers refuse (RFC 6265bis 5.7, 4.1.3)."""
        if self.same_site is not None and self.same_site not in get_args(SameSite):
            raise ValueError(f"cookie {self.name}: SameSite is Strict, Lax or None, not {self.same_site!r}")
        if self.same_site == "None" and not self.secure:
            raise ValueError(f"cookie {self.name}: SameSite=None needs secure=True")
        if self.name.startswith(("__Host-", "__Secure-")) and not self.secure:
            raise ValueError(f"cookie {self.name}: its prefix needs secure=True")
        if self.name.startswith("__Host-") and (self.path != "/" or self.domain):
            raise ValueError(f"cookie {self.name}: its prefix needs the path / and no domain")

    def _lifetime(self) -> list[str]:
        if self.expires is None:
            return []
        seconds = {"now": 0, "never": NEVER}.get(self.expires) if isinstance(self.expires, str) else int(self.expires)
        if seconds is None:
            raise ValueError(f"cookie {self.name}: expires is seconds, 'now' or 'never', not {self.expires!r}")
        from email.utils import formatdate  # loaded by whoever tells dates

        moment = formatdate(time.time() + seconds if seconds > 0 else 0, usegmt=True)
        return [f"Expires={moment}", f"Max-Age={max(seconds, 0)}"]


_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"


def parse_cookies(header: str | None) -> dict[str, str]:
    """Return the cookies of a Cookie header; the first of a name counts, malformed ones are left out."""
    cookies: dict[str, str] = {}
    for item in (header or "").split(";"):
        name, separator, value = item.strip().partition("=")
        if separator and _NAME.match(name.strip()):
            cookies.setdefault(name.strip(), unquote(_unquoted(value.strip())))
    return cookies


def _unquoted(value: str) -> str:
    """Return a value without the quotes, and the escapes inside them, that some clients and libraries write."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)) if match[1] else match[2], value[1:-1])


_ESCAPE = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")


class Cookies:
    """The client's cookies as a mapping, and the ones set on the answer. Lives as long as the request."""

    def __init__(self, header: str | None, path: str = "/", secure: bool = False) -> None:
        self._values = parse_cookies(header)
        self._path = path or "/"
        self._secure = secure
        self._set: dict[tuple[str, str, str | None], SetCookie] = {}

    @classmethod
    def of(cls, request: Request) -> Cookies:
        """Return the cookies of a request; those set on its answer live on the app's mount point."""
        return cls(request.get_header("cookie"), request.root or "/", request.scheme == "https")

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a cookie, or the default."""
        return self._values.get(name, default)

    def has_key(self, name: str) -> bool:
        """Say whether there is a cookie of a name."""
        return name in self._values

    def keys(self) -> KeysView[str]:
        return self._values.keys()

    def values(self) -> ValuesView[str]:
        return self._values.values()

    def items(self) -> ItemsView[str, str]:
        return self._values.items()

    def set(
        self,
        key: str,
        val: str,
        expires: Expires = None,
        path: str | None = None,
        domain: str | None = None,
        secure: bool | None = None,
        http_only: bool = True,
        same_site: SameSite | None = "Lax",
    ) -> None:
        """Set a cookie. `expires`: seconds; None for the browser's session; 0 or "now" deletes; "never" is 100 years.

        `path` None is the app's mount point. Raises ValueError when the cookie is malformed or over 4096 bytes.
        """
        path = path or self._path
        secure = self._secure if secure is None else secure
        cookie = SetCookie(key, str(val), expires, path, domain, secure, http_only, same_site)
        cookie.render()
        self._set[key, path, domain] = cookie
        if expires in (0, "now"):
            self._values.pop(key, None)
        else:
            self._values[key] = str(val)

    def remove(self, key: str, path: str | None = None, domain: str | None = None) -> None:
        """Ask the client to forget a cookie."""
        self.set(key, "", "now", path, domain)

    def clear(self, path: str | None = None, domain: str | None = None) -> None:
        """Ask the client to forget every cookie it sent."""
        for name in list(self._values):
            self.remove(name, path, domain)

    def write(self, response: Response) -> None:
        """Add a Set-Cookie field for each cookie that was set."""
        for cookie in self._set.values():
            response.add_header("set-cookie", cookie.render())
