"""E-mail: a message, and the SMTP server that takes it (RFC 5321, RFC 5322)."""

from __future__ import annotations

import mimetypes
import smtplib
import ssl
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from pathlib import Path
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from .errors import SettingError

PORTS = {"smtp": 25, "smtps": 465}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailError(Exception):
    """A message could not be handed to the server; the message says what it answered."""


class Email:
    """A message under way: `was.email("Hello", "shop@example.com", "ann@example.com").add_text("…").send()`.

    `server` is a URL: "smtp://user:password@mail.example:587", or "smtps://…" for TLS from the start. Over "smtp" TLS
    begins when the server offers it; a password is never sent without it but to this very machine. Raises ValueError
    for addresses that are none and for line breaks in a field.
    """

    def __init__(
        self, subject: str, sender: str, to: str | Sequence[str], server: str | None = None, timeout: float = 30.0
    ) -> None:
        self.server = server
        self.timeout = timeout  # seconds that the server may take for each answer
        self.message = EmailMessage()
        self.message["Subject"] = subject
        self.message["From"] = _addresses([sender])
        self.message["To"] = _addresses([to] if isinstance(to, str) else to)
        self.message["Date"] = formatdate(usegmt=True)
        self.message["Message-ID"] = make_msgid(domain=str(self.message["From"]).rpartition("@")[2].strip(">") or None)

    def set_smtp(self, address: str, user: str = "", password: str = "", ssl: bool = False) -> Self:
        """Name the server of this message: "mail.example:587"."""
        credentials = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
        self.server = f"{'smtps' if ssl else 'smtp'}://{credentials}{address}"
        return self

    def add_text(self, text: str) -> Self:
        """Set the text."""
        self.message.set_content(text)
        return self

    def add_html(self, html: str) -> Self:
        """Add the same as HTML; a text, when there is one, comes first."""
        if self.message.get_content_maintype() == "text" and self.message.get_payload() is not None:
            self.message.add_alternative(html, subtype="html")
        else:
            self.message.set_content(html, subtype="html")
        return self

    def add_attachment(self, content: bytes | str | Path, name: str = "", content_type: str = "") -> Self:
        """Attach bytes, or the file at a path. Raises OSError when it cannot be read."""
        data = content if isinstance(content, bytes) else Path(content).read_bytes()
        name = name or ("" if isinstance(content, bytes) else Path(content).name)
        kind = content_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        main, _, sub = kind.partition("/")
        self.message.add_attachment(data, maintype=main, subtype=sub, filename=name or None)
        return self

    def send(self) -> None:
        """Hand the message over; it takes as long as the server does, so use a thread in an async handler.

        Raises SettingError without a server, MailError when it cannot be reached or does not take the message.
        """
        host, port, secure, user, password = _read(self.server)
        context = ssl.create_default_context()
        try:
            with self._connect(host, port, context if secure else None) as smtp:
                smtp.ehlo()
                if not secure and smtp.has_extn("starttls"):
                    smtp.starttls(context=context)
                    secure = True
                if user:
                    if not secure and host not in LOOPBACK:
                        raise MailError(f"{host} offers no TLS: the password stays here")
                    smtp.login(user, password)
                smtp.send_message(self.message)
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"{host}, port {port}: {error}") from error

    def _connect(self, host: str, port: int, context: ssl.SSLContext | None) -> smtplib.SMTP:
        if context is not None:
            return smtplib.SMTP_SSL(host, port, timeout=self.timeout, context=context)
        return smtplib.SMTP(host, port, timeout=self.timeout)


def _read(server: str | None) -> tuple[str, int, bool, str, str]:
    parts = urlsplit(server or "")
    if parts.scheme not in PORTS or not parts.hostname:
        raise SettingError('no mail server: set app.config.smtp = "smtp://user:password@host:port", or call set_smtp')
    port = parts.port or PORTS[parts.scheme]
    return parts.hostname, port, parts.scheme == "smtps", unquote(parts.username or ""), unquote(parts.password or "")


def _addresses(texts: Sequence[str]) -> list[Address]:
    """Read "Ann <ann@example.com>, bob@example.com". Raises ValueError."""
    if any(character in text for text in texts for character in "\r\n"):
        raise ValueError("an address has a line break")
    found = [(name, address) for name, address in getaddresses(list(texts)) if address]
    if not found or any("@" not in address for _, address in found):
        raise ValueError(f"{', '.join(texts)!r} is no e-mail address")
    return [Address(name, addr_spec=address) for name, address in found]
