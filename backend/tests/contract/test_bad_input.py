"""What careless and hostile clients send: a clear error each, nothing half-saved, one line in the log."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.app.pictures import picture
from tests.contract.conftest import Surfaces
from tests.contract.product import Product

BOUNDARY = "border"


@pytest.fixture
def uma(product: Product) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {product.token('uma')}"}
    with httpx.Client(base_url=f"{product.url}/api/v1", headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _nothing_half_saved(product: Product, surfaces: Surfaces) -> Iterator[None]:
    """Rows and files are the same before and after."""

    def state() -> tuple[int, set[Path]]:
        files = {path for path in product.settings.media_root.rglob("*") if path.is_file()}
        return surfaces("uma")["REST"].list("me")["total"], files

    before = state()
    yield
    assert state() == before


def new_lines(product: Product, before: int, count: int = 1) -> list[str]:
    """The lines that the log has got, once there are `count` and no more come."""
    deadline = time.monotonic() + 5
    while len(product.log_lines) < before + count and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    return product.log_lines[before:]


def upload_head(product: Product, token: str, length: int) -> bytes:
    return (
        f"POST /api/v1/users/me/photos HTTP/1.1\r\nHost: 127.0.0.1:{product.port}\r\nAuthorization: {token}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def form(content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def test_a_wrong_password(product: Product, uma: httpx.Client) -> None:
    before = len(product.log_lines)
    answer = uma.post("/auth/sign-in", json={"email": "sam@example.com", "password": "guess"})
    assert (answer.status_code, answer.json()["more_info"]) == (401, "the address or the password is wrong")
    (line,) = new_lines(product, before)
    assert "guess" not in line
    assert " 401 " in line


def test_malformed_json(product: Product, uma: httpx.Client) -> None:
    before = len(product.log_lines)
    answer = uma.post("/auth/sign-in", content=b'{"email": "x', headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "malformed" in answer.json()["more_info"]
    assert len(new_lines(product, before)) == 1


def test_thirty_megabytes(product: Product, uma: httpx.Client) -> None:
    before = len(product.log_lines)
    try:
        answer = uma.post("/users/me/photos", files={"file": ("a.jpg", picture() + bytes(30_000_000))})
    except httpx.TransportError:
        pass  # the server answers and closes before it has read all; some clients notice the close first
    else:
        assert (answer.status_code, answer.json()["code"]) == (413, 41300)
    (line,) = new_lines(product, before)
    assert " 413 " in line


def test_thirty_megabytes_are_refused_at_the_head(product: Product, uma: httpx.Client) -> None:
    with socket.create_connection(("127.0.0.1", product.port), timeout=5) as connection:
        connection.sendall(upload_head(product, uma.headers["Authorization"], 30_000_000))
        assert connection.recv(1000).startswith(b"HTTP/1.1 413")


def test_a_text_file_named_jpg(product: Product, uma: httpx.Client) -> None:
    before = len(product.log_lines)
    answer = uma.post("/users/me/photos", files={"file": ("holiday.jpg", b"Dear diary", "image/jpeg")})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"name": "file", "reason": "the file is not a JPEG, PNG or WebP picture"}]
    assert len(new_lines(product, before)) == 1


def test_half_a_body_and_a_closed_connection(product: Product, uma: httpx.Client) -> None:
    body = form(picture(size=(300, 300)))
    before = len(product.log_lines)
    with socket.create_connection(("127.0.0.1", product.port), timeout=5) as connection:
        head = upload_head(product, uma.headers["Authorization"], len(body))
        connection.sendall(head + body[: len(body) // 2])
    assert len(new_lines(product, before)) <= 1
    assert not any("Traceback" in line for line in product.log_lines)


def test_half_a_body_and_an_end_of_sending(product: Product, uma: httpx.Client) -> None:
    body = form(picture(size=(300, 300)))
    with socket.create_connection(("127.0.0.1", product.port), timeout=5) as connection:
        head = upload_head(product, uma.headers["Authorization"], len(body))
        connection.sendall(head + body[: len(body) // 2])
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_an_unknown_column_to_sort_by(product: Product, uma: httpx.Client) -> None:
    before = len(product.log_lines)
    answer = uma.get("/users/me/photos", params={"sort": "password_hash; DROP TABLE photos"})
    assert answer.status_code == 400
    reason = answer.json()["errors"][0]["reason"]
    assert "'password_hash; DROP TABLE photos'" in reason
    assert "created_at, title, size" in reason
    assert len(new_lines(product, before)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<methodCall><methodName>photos.get</methodName><params>",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><methodCall><methodName>photos.get</methodName></methodCall>',
        b"<methodCall><methodName>photos.nothing</methodName></methodCall>",
        b"<methodCall><methodName>photos.get</methodName><params/></methodCall>",
    ],
)
def test_a_bad_xmlrpc_call_is_a_fault(product: Product, uma: httpx.Client, body: bytes) -> None:
    answer = httpx.post(
        f"{product.url}/rpc2",
        content=body,
        headers={"Content-Type": "text/xml", "Authorization": uma.headers["Authorization"]},
        trust_env=False,
    )
    assert answer.status_code == 200
    assert "<fault>" in answer.text
    assert "Traceback" not in answer.text
