"""Authentication schemes: who is asking, read off the Authorization header (RFC 9110 11, RFC 7617, RFC 6750)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..concurrency import then
from ..errors import HTTPError
from ..http.headers import Pairs

SchemeName = Literal["basic", "digest", "bearer"]
DEFAULT_REALM = "App"


@dataclass(frozen=True, slots=True)
class User:
    """Who was authenticated; `str(user)` is the name. `info` is what the app's users hold besides the password."""

    name: str
    realm: str = DEFAULT_REALM
    info: Any = None

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Password:
    """What an app knows of a user: the password, or with `encrypted` the hash of `name:realm:password`."""

    text: str
    encrypted: bool = False
    info: Any = None

    @classmethod
    def of(cls, found: object) -> Password | None:
        """Read what `users` or the authorization handler gave: text, (text, encrypted), (text, encrypted, info), None.

        Raises TypeError for anything else.
        """
        if found is None:
            return None
        if isinstance(found, str):
            return cls(found)
        if isinstance(found, tuple) and 1 <= len(found) <= 3 and isinstance(found[0], str):
            return cls(found[0], *found[1:])
        raise TypeError("a user is a password, (password, encrypted), (password, encrypted, info) or None")

    def accepts(self, name: str, realm: str, password: str) -> bool:
        """Say whether this is the password, in a time that does not depend on how much of it is right."""
        if self.encrypted:
            kind = hashlib.sha256 if len(self.text) == 64 else hashlib.md5
            password = kind(f"{name}:{realm}:{password}".encode()).hexdigest()
        return hmac.compare_digest(password.encode(), self.text.encode())


Lookup = Callable[[Any, str], Any]  # (was, user name) -> what `Password.of` reads, or an awaitable of it


class Scheme(Protocol):
    """One way to authenticate. Lives as long as the app."""

    @property
    def name(self) -> str: ...
    def check(self, was: Any) -> Any:
        """Return None for an authenticated request, whose user it sets, else the reason of the refusal."""

    def challenge(self, was: Any, reason: str) -> Pairs:
        """Return the WWW-Authenticate fields of a refusal."""


def realm_of(was: Any) -> str:
    """Return the app's realm as it can stand in a header field."""
    return visible(was.app.realm or DEFAULT_REALM)


def visible(text: str) -> str:
    """Return the text without what no quoted string may hold."""
    return "".join(character for character in text if " " <= character <= "~")


def quoted(text: str) -> str:
    """Return a quoted-string (RFC 9110 5.6.4)."""
    return '"' + re.sub(r'(["\\])', r"\\\1", visible(text)) + '"'


def credentials(was: Any, scheme: str) -> str | None:
    """Return what follows the scheme's name in the Authorization header, None when it names another one."""
    header = was.request.get_header("authorization")
    name, _, rest = (header or "").partition(" ")
    return rest.strip() if name.lower() == scheme else None


class Basic:
    """User name and password in the clear (RFC 7617): for TLS only."""

    name = "basic"

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def check(self, was: Any) -> Any:
        given = credentials(was, self.name)
        if given is None:
            return "no credentials"
        name, password = _decode(given)
        realm = realm_of(was)

        def judge(found: object) -> str | None:
            known = Password.of(found)
            right = (known or _NOBODY).accepts(name, realm, password)
            if known is None or not right:
                return "wrong user name or password"
            was.request.user = User(name, realm, known.info)
            return None

        return then(self._lookup(was, name), judge)

    def challenge(self, was: Any, reason: str) -> Pairs:
        return [("www-authenticate", f'Basic realm={quoted(realm_of(was))}, charset="UTF-8"')]


_NOBODY = Password("\x00 no password that anybody could send")


def _decode(given: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError as error:  # no base64, no ASCII or no UTF-8
        raise HTTPError(400, "the Authorization header is malformed") from error
    if not colon:
        raise HTTPError(400, "the Authorization header is malformed")
    return name, password


class BearerScheme:
    """A token, by default a JSON Web Token (RFC 6750)."""

    name = "bearer"

    def __init__(self, handler: Callable[[], Callable[..., Any] | None]) -> None:
        self._handler = handler  # the app's bearer handler, if it has one by now

    def check(self, was: Any) -> Any:
        handler = self._handler()
        request = was.request
        if handler is None:
            claims = request.JWT
            if "err" in claims:
                return claims["err"]
            if request.user is None and "username" in claims:
                request.user = User(str(claims["username"]), realm_of(was), claims)
            return None
        if request.bearer_token is None:
            return "no bearer token"
        return then(handler(was, request.bearer_token), lambda outcome: self._accepted(was, outcome))

    def _accepted(self, was: Any, outcome: Any) -> Any:
        claims = was.request.claims_read
        if outcome is None and was.request.user is None and claims and "username" in claims:
            was.request.user = User(str(claims["username"]), realm_of(was), claims)
        return outcome

    def challenge(self, was: Any, reason: str) -> Pairs:
        value = f"Bearer realm={quoted(realm_of(was))}"
        if reason != "no bearer token":  # RFC 6750 3.1: a request without a token is told no error
            value += f', error="invalid_token", error_description={quoted(reason)}'
        return [("www-authenticate", value)]
