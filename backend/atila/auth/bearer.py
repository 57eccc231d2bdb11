"""The bearer token of a request, and new tokens for its client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..http.request import Request
from .jwt import Claims, Tokens


class Bearer:
    """Makes and reads tokens on behalf of one request."""

    __slots__ = ("lifetime", "request", "tokens")

    def __init__(self, tokens: Tokens, request: Request, lifetime: int = 0) -> None:
        self.tokens = tokens
        self.request = request
        self.lifetime = lifetime  # seconds, for claims without `exp`; 0: for ever

    def make(self, claim: Mapping[str, Any], salt: str | bytes | None = None, alg: str | None = None) -> str:
        """Return a signed JSON Web Token of the claims (RFC 7519). `exp` is a time in seconds since 1970."""
        if self.lifetime and "exp" not in claim:
            claim = {**claim, "exp": int(time.time()) + self.lifetime}
        return self.tokens.encode(claim, salt, alg)

    def read(self, token: str | None = None) -> Claims:
        """Return the claims of a token, of the request's own by default, or {"err": reason}."""
        return self.tokens.decode(token if token is not None else self.request.bearer_token)
