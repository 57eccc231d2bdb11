"""The bearer token of a request, and new tokens for its client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..http.request import Request
from .jwt import Claims, Tokens


class Bearer:
    """Makes and reads tokens on behalf of one request."""

    __slots__ = ("request", "tokens")

    def __init__(self, tokens: Tokens, request: Request) -> None:
        self.tokens = tokens
        self.request = request

    def make(self, claim: Mapping[str, Any], salt: str | bytes | None = None, alg: str | None = None) -> str:
        """Return a signed JSON Web Token of the claims (RFC 7519). `exp` is a time in seconds since 1970."""
        return self.tokens.encode(claim, salt, alg)

    def read(self, token: str | None = None) -> Claims:
        """Return the claims of a token, of the request's own by default, or {"err": reason}."""
        return self.tokens.decode(token if token is not None else self.request.bearer_token)
