"""Tokens for links: an object, signed and not encrypted, that expires and that can be revoked."""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from .csrf import TokenStore


class OneTime:
    """Makes and reads the tokens of an app. With a session key a token works in one browser, until it is revoked."""

    def __init__(self, signer: URLSafeSerializer, store: TokenStore) -> None:
        self._signer = signer
        self._store = store

    def make(self, obj: Any, timeout: float = 1200, session_key: str | None = None) -> str:
        """Return a token, safe in URLs, for an object that JSON can hold; it lives `timeout` seconds.

        `session_key` binds it to the browser's session; a later token of the same key takes its place.
        """
        content: dict[str, Any] = {"o": obj, "e": time.time() + timeout}
        if session_key is not None:
            content["k"], content["n"] = session_key, secrets.token_urlsafe(9)
            self._store.keep(_stored(session_key), content["n"])
        sealed = self._signer.dumps(content)
        return sealed if isinstance(sealed, str) else sealed.decode()

    def read(self, token: str) -> Any:
        """Return the object, or None when the token is not ours, has expired, was revoked or is of another browser."""
        content = self._open(token)
        return None if content is None else content["o"]

    def revoke(self, token: str) -> bool:
        """Make a token of a session key useless. Returns False when it was so already or has no session key."""
        content = self._open(token)
        return content is not None and "k" in content and self._store.drop(_stored(content["k"]))

    def _open(self, token: str) -> dict[str, Any] | None:
        try:
            content: dict[str, Any] = self._signer.loads(token)
        except BadData:
            return None
        if content["e"] <= time.time():
            return None
        if "k" in content and not hmac.compare_digest(self._store.kept(_stored(content["k"])) or "", content["n"]):
            return None
        return content


def _stored(session_key: str) -> str:
    return f"_{session_key}_token"
