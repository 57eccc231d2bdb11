"""E-mail, handed to a real SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from atila import SettingError
from atila.mail import Email, MailError
from atila.postman import Postman
from tests.machine import need
from tests.serving.engine_process import free_ports


class Box:
    """What the server took. Lives as long as a test."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.envelopes.append(envelope)
        return "250 OK" if b"refuse" not in envelope.content else "554 this is not wanted"

    def log_in(self, server: Any, session: Any, envelope: Any, mechanism: str, data: object) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"s3:c/r@t", handled=False)

    def message(self) -> EmailMessage:
        (envelope,) = self.envelopes
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message


@contextmanager
def serving(box: Box, host: str = "127.0.0.1", **options: Any) -> Iterator[str]:
    controller = Controller(
        box, hostname=host, port=free_ports(), authenticator=box.log_in, loop=asyncio.new_event_loop(), **options
    )
    controller.start()
    try:
        yield f"{host}:{controller.port}"
    finally:
        controller.stop()


@pytest.fixture
def box() -> Box:
    return Box()


def test_a_message_arrives_with_all_its_parts(box: Box, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG")
    with serving(box) as server:
        mail = Postman(f"smtp://{server}", 5).write("Grüße", "Änn <ann@example.com>", ["bob@example.com", "C <c@d.e>"])
        mail.add_text("Hello €\n.\nend").add_html("<b>Hello</b>").add_attachment(tmp_path / "photo.png")
        mail.add_attachment(b"raw", "notes.txt", "text/plain").send()
    message, envelope = box.message(), box.envelopes[0]
    assert (envelope.mail_from, envelope.rcpt_tos) == ("ann@example.com", ["bob@example.com", "c@d.e"])
    assert (message["subject"], message["from"]) == ("Grüße", "Änn <ann@example.com>")
    assert message["date"].endswith("+0000")
    assert message["message-id"].endswith("@example.com>")
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == ["Hello €", ".", "end"]
    assert html.get_content().strip() == "<b>Hello</b>"
    parts = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in message.iter_attachments()]
    assert parts == [("photo.png", "image/png", b"\x89PNG"), ("notes.txt", "text/plain", "raw")]


def test_html_alone_is_a_message_too(box: Box) -> None:
    with serving(box) as server:
        Email("Hi", "a@b.c", "d@e.f", f"smtp://{server}").add_html("<p>x</p>").send()
    assert box.message().get_content_type() == "text/html"


def test_a_password_is_used_and_a_wrong_one_told_without_it(box: Box) -> None:
    with serving(box, auth_require_tls=False) as server:
        Email("Hi", "a@b.c", "d@e.f").set_smtp(server, "us@er", "s3:c/r@t").add_text("x").send()
        with pytest.raises(MailError, match="Authentication credentials invalid") as failed:
            Email("Hi", "a@b.c", "d@e.f").set_smtp(server, "user", "wrong-one").add_text("x").send()
    assert set(box.logins) == {(b"us@er", b"s3:c/r@t"), (b"user", b"wrong-one")}
    assert "wrong-one" not in str(failed.value)


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """What a server for 127.0.0.1 needs, and the file by which clients trust it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [
        str(need("openssl")), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(key), "-out", str(certificate),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def test_tls_begins_when_it_is_offered_and_the_certificate_must_be_right(
    box: Box, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    with serving(box, tls_context=context, require_starttls=True) as server:
        with pytest.raises(MailError, match="CERTIFICATE_VERIFY_FAILED"):
            Email("Hi", "a@b.c", "d@e.f", f"smtp://{server}").add_text("x").send()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        Email("Hi", "a@b.c", "d@e.f", f"smtp://u:s3%3Ac%2Fr%40t@{server}").add_text("x").send()
    assert len(box.envelopes) == 1
    assert box.logins == [(b"u", b"s3:c/r@t")]


def test_smtps_is_tls_from_the_start(
    box: Box, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(box, ssl_context=context, auth_require_tls=False) as server:
        Email("Hi", "a@b.c", "d@e.f", f"smtps://u:s3%3Ac%2Fr%40t@{server}").add_text("x").send()
    assert len(box.envelopes) == len(box.logins) == 1


def test_a_password_goes_to_no_other_machine_without_tls(box: Box) -> None:
    with serving(box, "127.0.0.2", auth_require_tls=False) as server:
        with pytest.raises(MailError, match=r"127\.0\.0\.2 offers no TLS: the password stays here"):
            Email("Hi", "a@b.c", "d@e.f").set_smtp(server, "user", "s3:c/r@t").add_text("x").send()
        Email("Hi", "a@b.c", "d@e.f").set_smtp(server).add_text("x").send()
    assert (len(box.envelopes), box.logins) == (1, [])


def test_what_the_server_refuses_is_told(box: Box) -> None:
    with serving(box) as server, pytest.raises(MailError, match="this is not wanted"):
        Email("Hi", "a@b.c", "d@e.f", f"smtp://{server}").add_text("refuse me").send()
    with pytest.raises(MailError, match=r"127\.0\.0\.1, port \d+"):
        Email("Hi", "a@b.c", "d@e.f", f"smtp://127.0.0.1:{free_ports()}").add_text("x").send()


@pytest.mark.parametrize("server", [None, "", "http://mail.example", "mail.example:25"])
def test_without_a_server_it_says_how_to_name_one(server: str | None) -> None:
    with pytest.raises(SettingError, match=r"app\.config\.smtp"):
        Email("Hi", "a@b.c", "d@e.f", server).add_text("x").send()


@pytest.mark.parametrize(
    ("subject", "sender", "to"),
    [
        ("Hi\r\nBcc: x@y.z", "a@b.c", "d@e.f"), ("Hi", "a@b.c\nBcc: x@y.z", "d@e.f"), ("Hi", "a@b.c", "d@e.f\r\nX: y"),
        ("Hi", "nobody", "d@e.f"), ("Hi", "a@b.c", ""), ("Hi", "a@b.c", ["d@e.f", "nobody"]),
    ],
)  # fmt: skip
def test_addresses_that_are_none_and_line_breaks_are_refused(subject: str, sender: str, to: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"line|address|CR|linefeed"):
        Email(subject, sender, to)
