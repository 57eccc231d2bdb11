"""A signed cookie: JSON under HMAC-SHA256 that a client can read but not change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from ..errors import SettingError
from ..http.cookies import Cookies, Expires, SetCookie
from ..http.response import Response

Keys = str | Sequence[str] | None


def serializer(keys: Keys, purpose: str) -> URLSafeSerializer:
    """Return what signs and verifies for one purpose: the first key signs, all keys verify.

    Raises SettingError when there is no key.
    """
    listed = [keys] if isinstance(keys, str) else list(keys or ())
    if not listed or not all(listed):
        raise SettingError("app.securekey is not set: sessions, messages and tokens are signed with it")
    options = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    # itsdangerous wants the key that signs last
    return URLSafeSerializer(
        listed[::-1], salt=f"atila {purpose}", serializer=json, serializer_kwargs=_COMPACT, signer_kwargs=options
    )


_COMPACT = {"separators": (",", ":"), "ensure_ascii": False, "allow_nan": False}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cookie lives: on which paths and hosts, and who may see it."""

    path: str = "/"
    domain: str | None = None
    secure: bool = False
    http_only: bool = True


@dataclass(frozen=True, slots=True)
class Envelope:
    """One signed cookie of one request. Lives as long as the request."""

    kind: str  # "atlsess_" or "atlmbox_"
    name: str | None  # of a named session or box
    keys: Keys = field(repr=False)
    place: Place

    @property
    def cookie_name(self) -> str:
        """The cookie's name; `__Host-` in front of it, where its place allows, keeps other hosts from setting it."""
        name = f"{self.kind}_{self.name}" if self.name else self.kind
        place = self.place
        return f"__Host-{name}" if place.secure and place.path == "/" and not place.domain else name

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it from another envelope of the same request."""
        keys = self.keys if isinstance(self.keys, str) else tuple(self.keys or ())
        return self.name, self.place.path, self.place.domain, keys

    def open(self, cookies: Cookies) -> dict[str, Any] | None:
        """Return what the client carries; None when it carries nothing, or something that we did not sign."""
        sealed = cookies.get(self.cookie_name)
        if not sealed:
            return None
        try:
            content = self._serializer().loads(sealed)
        except BadData:
            return None
        return content if isinstance(content, dict) else None

    def carried(self, cookies: Cookies) -> bool:
        """Say whether the client sent this cookie, whatever is in it."""
        return self.cookie_name in cookies

    def send(self, response: Response, content: dict[str, Any], expires: Expires) -> None:
        """Add the cookie to an answer. Raises ValueError when it is over 4096 bytes or holds what JSON cannot."""
        try:
            sealed = self._serializer().dumps(content)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.cookie_name} can hold text, numbers, lists and dicts only: {error}") from error
        self._set(response, sealed if isinstance(sealed, str) else sealed.decode(), expires)

    def withdraw(self, response: Response) -> None:
        """Ask the client to forget the cookie."""
        self._set(response, "", "now")

    def _set(self, response: Response, value: str, expires: Expires) -> None:
        place = self.place
        cookie = SetCookie(
            self.cookie_name, value, expires, place.path, place.domain, place.secure, place.http_only, "Lax"
        )
        response.add_header("set-cookie", cookie.render())

    def _serializer(self) -> URLSafeSerializer:
        return serializer(self.keys, f"{self.kind} {self.name or ''}")


@dataclass(frozen=True, slots=True)
class Carrier:
    """What sessions and boxes need of a request. Lives as long as it. Times are in seconds since 1970."""

    cookies: Cookies
    keys: Keys = field(repr=False)
    source: str  # the client's address
    root: str = ""  # the app's mount point
    tls: bool = False

    def envelope(
        self,
        kind: str,
        name: str | None = None,
        keys: Keys = None,
        path: str | None = None,
        domain: str | None = None,
        secure: bool | None = None,
        http_only: bool = True,
    ) -> Envelope:
        """Return the envelope of a session or box. Without a name it is the app's own, which lives on "/"."""
        place = path or ("/" if name is None else self.root or "/")
        return Envelope(
            kind, name, keys or self.keys, Place(place, domain, self.tls if secure is None else secure, http_only)
        )
