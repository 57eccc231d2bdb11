"""Whom an app gives its e-mail to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .mail import Email


class Postman:
    """Writes messages for one app: `was.email`. Its server is `app.config.smtp`. Lives as long as the request."""

    def __init__(self, server: str | None, timeout: float) -> None:
        self.server = server
        self.timeout = timeout

    def write(self, subject: str, sender: str, to: str | Sequence[str]) -> Email:
        """Return a new message, to be filled and sent. Raises ValueError for addresses that are none."""
        from .mail import Email  # loads the mail packages, where a process writes mail at all

        return Email(subject, sender, to, self.server, self.timeout)
