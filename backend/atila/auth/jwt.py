"""JSON Web Tokens (RFC 7519), signed with the app's secret key by HMAC; verified ones are remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import SettingError

if TYPE_CHECKING:
    from jwt.types import Options

Claims = dict[str, Any]

ALGORITHMS = ("HS256", "HS384", "HS512")
MIN_KEY = 32  # bytes: RFC 7518 3.2 wants a key as long as the hash


@dataclass(frozen=True, slots=True)
class Verified:
    """The claims of a token that was verified. A reader gets a copy, so that none can change another's."""

    claims: Claims
    nested: bytes | None  # the claims as JSON when some of them are lists or dicts
    expiry: float  # seconds since 1970

    @classmethod
    def of(cls, claims: Claims) -> Verified:
        nested = any(isinstance(value, (list, dict)) for value in claims.values())
        return cls(claims, msgspec.json.encode(claims) if nested else None, claims.get("exp", float("inf")))

    def copy(self) -> Claims:
        if self.nested is None:
            return self.claims.copy()
        claims: Claims = msgspec.json.decode(self.nested)
        return claims


class Tokens:
    """Signs and verifies tokens. The first key signs, all keys verify. Lives as long as the app.

    The algorithm is fixed here and never taken from a token. Verified claims are kept, `cache_size` of them; expiry is
    checked at every use.
    """

    def __init__(self, keys: Sequence[str | bytes], cache_size: int = 4096, algorithm: str = "HS256") -> None:
        if algorithm not in ALGORITHMS:
            raise SettingError(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")
        self.keys = [key.encode() if isinstance(key, str) else bytes(key) for key in keys if key]
        self.algorithm = algorithm
        self._cache: dict[str, Verified] = {}
        self._cache_size = max(cache_size, 1)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, key: str | bytes | Sequence[str | bytes] | None, cache_size: int = 4096) -> Tokens:
        """Return Tokens for `app.securekey`: one key, several, or None."""
        return cls([key] if isinstance(key, (str, bytes)) else key or (), cache_size)

    def encode(self, claims: Mapping[str, Any], salt: str | bytes | None = None, alg: str | None = None) -> str:
        """Return a signed token. `salt` replaces the app's key, `alg` its algorithm; then others verify it.

        Raises SettingError when there is no key, ValueError for an algorithm that is none of HS256, HS384 and HS512.
        """
        if alg is not None and alg not in ALGORITHMS:
            raise ValueError(f"no algorithm {alg!r}; there are {', '.join(ALGORITHMS)}")
        import jwt as pyjwt  # at the first token: it brings cryptography, a fifth of what importing atila would cost

        key = self._signing_key() if salt is None else _as_bytes(salt)
        return pyjwt.encode(dict(claims), key, algorithm=alg or self.algorithm)

    def decode(self, token: str | None) -> Claims:
        """Return the claims, or {"err": reason}: "no bearer token", "invalid token", "token expired"."""
        if not token:
            return {"err": "no bearer token"}
        verified = self._cache.get(token)
        if verified is None:
            claims = self._verify(token)
            if "err" in claims:
                return claims
            verified = Verified.of(claims)
            self._remember(token, verified)
        if verified.expiry <= time.time():
            return {"err": "token expired"}
        return verified.copy()

    def _verify(self, token: str) -> Claims:
        import jwt as pyjwt

        self._signing_key()
        for key in self.keys:
            try:
                claims: Claims = pyjwt.decode(token, key, algorithms=[self.algorithm], options=_OPTIONS)
            except pyjwt.ExpiredSignatureError:
                return {"err": "token expired"}
            except pyjwt.InvalidSignatureError:
                continue
            except (pyjwt.PyJWTError, ValueError):
                return {"err": "invalid token"}
            sound = "err" not in claims and isinstance(claims.get("exp", 0), (int, float))
            return claims if sound else {"err": "invalid token"}
        return {"err": "invalid token"}

    def _remember(self, token: str, verified: Verified) -> None:
        with self._lock:
            while len(self._cache) >= self._cache_size:
                del self._cache[next(iter(self._cache))]
            self._cache[token] = verified

    def _signing_key(self) -> bytes:
        if not self.keys:
            raise SettingError("app.securekey is not set: sessions, messages and tokens are signed with it")
        return self.keys[0]


# Which claims pyjwt checks: when a token begins and ends. Whom it is for and about is the app's to read.
_OPTIONS: Options = {"verify_aud": False, "verify_sub": False, "verify_jti": False}


def _as_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key
