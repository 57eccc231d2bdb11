"""The port that sends everybody to the right one."""

from __future__ import annotations

import asyncio

import pytest

from skitai.forwarding import Forwarding
from tests.serving.engine_process import free_ports


def answer(head: str, to: str = "8443", *, secure: bool = True) -> tuple[int, str]:
    data = Forwarding("127.0.0.1", 80, to, secure=secure).answer(head.encode("latin-1") + b"\r\n\r\n").decode()
    location = next((line[10:] for line in data.split("\r\n") if line.startswith("location: ")), "")
    return int(data.split()[1]), location


@pytest.mark.row("1.25")
def test_method_path_and_query_go_along() -> None:
    assert answer("GET /a%20b?q=%C3%A4&r HTTP/1.1\r\nHost: shop.example:80") == (
        308, "https://shop.example:8443/a%20b?q=%C3%A4&r",
    )  # fmt: skip
    assert answer("POST / HTTP/1.1\r\nhost: shop.example", "443") == (308, "https://shop.example/")
    assert answer("GET / HTTP/1.1\r\nHost: [::1]:80", "80", secure=False) == (308, "http://[::1]/")
    assert answer("GET http://x.example/a HTTP/1.1\r\nHost: x.example") == (308, "https://x.example:8443/a")


def test_an_origin_takes_everybody() -> None:
    assert answer("GET /a HTTP/1.0", "https://www.example/") == (308, "https://www.example/a")


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1", "GET / HTTP/1.1\r\nHost: a b", "GET / HTTP/1.1\r\nHost: evil/x", "\x16\x03\x01",
        "GET  / HTTP/1.1\r\nHost: a", "get / HTTP/1.1\r\nHost: a", "GET / HTTP/2\r\nHost: a",
        "GET /\x01 HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a\x85b",
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(head: str) -> None:
    assert answer(head) == (400, "")


def test_a_path_never_leads_to_another_host() -> None:
    assert answer("GET //evil.example/x HTTP/1.1\r\nHost: a", "443") == (308, "https://a//evil.example/x")


def test_it_answers_and_closes_and_bears_no_endless_head() -> None:
    async def story() -> tuple[bytes, bytes]:
        port = free_ports()
        forwarding = Forwarding("127.0.0.1", port, "443", secure=True)
        await forwarding.start()
        try:
            answers = []
            for head in (b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /" + b"x" * 40_000):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head)
                try:
                    answers.append(await reader.read())
                except ConnectionResetError:
                    answers.append(b"")
                writer.close()
            return answers[0], answers[1]
        finally:
            forwarding.close()

    whole, endless = asyncio.run(story())
    assert whole.startswith(b"HTTP/1.1 308 Permanent Redirect\r\n")
    assert b"location: https://a/a\r\n" in whole
    assert endless == b""
