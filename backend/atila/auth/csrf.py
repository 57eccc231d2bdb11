"""Tokens against forged forms: one in the session, the same in the form (OWASP's synchronizer token)."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Protocol

from ..http.markup import Html
from ..http.request import Request

NAME = "_csrf_token"


class TokenStore(Protocol):
    """Where a token is kept for its browser: a session."""

    def keep(self, name: str, token: str) -> None: ...
    def kept(self, name: str) -> str | None: ...
    def drop(self, name: str) -> bool: ...


class Csrf:
    """The token of one browser's session. Lives as long as the request."""

    def __init__(self, store: TokenStore, request: Request) -> None:
        self._store = store
        self._request = request

    @property
    def token(self) -> str:
        """The session's token, made at first use."""
        token = self._store.kept(NAME)
        if token is None:
            token = secrets.token_urlsafe(24)
            self._store.keep(NAME, token)
        return token

    @property
    def input(self) -> Html:
        """The hidden field for a form."""
        return Html(f'<input type="hidden" name="{NAME}" value="{self.token}">')

    def verify(self, keep: bool = False) -> bool:
        """Say whether the form brought the session's token; a token that was right is used up unless `keep`."""
        expected, given = self._store.kept(NAME), self._given()
        if not expected or not isinstance(given, str) or not hmac.compare_digest(expected.encode(), given.encode()):
            return False
        if not keep:
            self._store.drop(NAME)
        return True

    def _given(self) -> Any:
        """The token of the body, or of the header that scripts send; never of the URL, which ends up in logs."""
        return self._request.dict().get(NAME) or self._request.get_header("x-csrf-token")
