"""JSON Web Tokens (RFC 7519), signed with the app's secret key by HMAC; verified ones are remembered."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt as pyjwt

from ..errors import SettingError

Claims = dict[str, Any]

ALGORITHMS = ("HS256", "HS384", "HS512")
MIN_KEY = 32  # bytes: RFC 7518 3.2 wants a key as long as the hash


class Tokens:
    """Signs and verifies tokens. The first key signs, all keys verify. Lives as long as the app.

    The algorithm is fixed here and never taken from a token. Verified claims are kept, `cache_size` of them; expiry is
    checked at every use.
    """

    def __init__(self, keys: Sequence[str | bytes], cache_size: int = 4096, algorithm: str = "HS256") -> None:
        if algorithm not in ALGORITHMS:
            raise SettingError(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")
        self.keys = [key.encode() if isinstance(key, str) else bytes(key) for key in keys]
        self.algorithm = algorithm
        self._cache: dict[str, Claims] = {}
        self._cache_size = cache_size

    @classmethod
    def of(cls, key: str | bytes | Sequence[str | bytes] | None, cache_size: int = 4096) -> Tokens:
        """Return Tokens for `app.securekey`: one key, several, or None."""
        return cls([key] if isinstance(key, (str, bytes)) else key or (), cache_size)

    def encode(self, claims: Mapping[str, Any], salt: str | bytes | None = None, alg: str | None = None) -> str:
        """Return a signed token. `salt` replaces the app's key. Raises SettingError when there is no key."""
        key = self._signing_key() if salt is None else _as_bytes(salt)
        return pyjwt.encode(dict(claims), key, algorithm=alg or self.algorithm)

    def decode(self, token: str | None) -> Claims:
        """Return the claims, or {"err": reason}: "no bearer token", "invalid token", "token expired"."""
        if not token:
            return {"err": "no bearer token"}
        claims = self._cache.get(token)
        if claims is None:
            claims = self._verify(token)
            if "err" in claims:
                return claims
            self._remember(token, claims)
        if claims.get("exp", _FOREVER) <= time.time():
            return {"err": "token expired"}
        return claims.copy()

    def _verify(self, token: str) -> Claims:
        self._signing_key()
        for key in self.keys:
            try:
                claims: Claims = pyjwt.decode(token, key, algorithms=[self.algorithm], options={"verify_aud": False})
            except pyjwt.ExpiredSignatureError:
                return {"err": "token expired"}
            except pyjwt.InvalidSignatureError:
                continue
            except (pyjwt.PyJWTError, ValueError):
                return {"err": "invalid token"}
            return {"err": "invalid token"} if "err" in claims else claims
        return {"err": "invalid token"}

    def _remember(self, token: str, claims: Claims) -> None:
        if len(self._cache) >= self._cache_size:
            self._cache.pop(next(iter(self._cache)), None)
        self._cache[token] = claims

    def _signing_key(self) -> bytes:
        if not self.keys:
            raise SettingError("app.securekey is not set: sessions, messages and tokens are signed with it")
        return self.keys[0]


_FOREVER = float("inf")


def _as_bytes(key: str | bytes) -> bytes:
    return key.encode() if isinstance(key, str) else key
