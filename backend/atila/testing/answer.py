"""What a test gets back from a request."""

from __future__ import annotations

from typing import Any

import msgspec

from ..http.headers import Headers, Pairs
from ..status import REASONS


class Answer:
    """A status, header fields and a body."""

    def __init__(self, status: int, headers: Pairs, content: bytes) -> None:
        self.status_code = status
        self.headers = Headers(headers)
        self.content = content

    def __repr__(self) -> str:
        return f"Answer({self.status_code}, {self.content[:80]!r})"

    @property
    def reason(self) -> str:
        """The standard's reason phrase of the status."""
        return REASONS.get(self.status_code, "")

    @property
    def redirected(self) -> bool:
        """It says where to go on."""
        return self.status_code in (301, 302, 303, 307, 308) and "location" in self.headers

    @property
    def text(self) -> str:
        """The body as UTF-8 text. Raises UnicodeDecodeError for other bytes."""
        return self.content.decode()

    @property
    def data(self) -> Any:
        """The body, decoded when it is JSON, else bytes."""
        kind = self.headers.get("content-type") or ""
        return self.json() if "json" in kind and self.content else self.content

    def json(self) -> Any:
        """Return the decoded JSON body. Raises msgspec.DecodeError when it is not JSON."""
        return msgspec.json.decode(self.content)
