"""Upstreams, mounted on a real engine: what is passed on, and what is said when there is no answer."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ..engine_process import read_all, status_of, wait_until
from .conftest import Served


@pytest.mark.row("11.34")
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_is_passed_on(served: Served, method: str) -> None:
    body = b"" if method in ("GET", "OPTIONS") else b"12345"
    answer = served.client.request(method, "/up/echo/a%20b%3F?q=%26", content=body)
    said = answer.json()
    assert (said["method"], said["body"], said["query"]) == (method, len(body), "q=%26")
    assert said["path"] == "/echo/a b?"
    assert answer.headers["x-cache-lookup"] == "MISS"


def test_who_asked_is_said_by_us_and_not_by_the_client(served: Served) -> None:
    lies = {
        "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
        "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6", "X_Forwarded_For": "6.6.6.6", "X-Request-ID": "mine",
        "Connection": "keep-alive, X-Hop", "X-Hop": "here", "TE": "trailers", "Proxy-Authorization": "Basic eDp5",
        "X-Kept": "there",
    }  # fmt: skip
    answer = served.client.get("/up/echo", headers=lies)
    got = dict(answer.json()["headers"])
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-host"] == f"127.0.0.1:{served.engine.port}"
    assert (got["x-forwarded-proto"], got["x-forwarded-prefix"]) == ("http", "/up")
    assert got["x-request-id"] == answer.headers["x-request-id"] != "mine"
    assert got["x-kept"] == "there"
    assert got["via"] == "1.1 atila"
    assert not got.keys() & {"x-hop", "te", "proxy-authorization", "forwarded", "x_forwarded_for"}
    assert "6.6.6.6" not in json.dumps(got)
    assert got["host"] != f"127.0.0.1:{served.engine.port}"
    kept = dict(served.client.get("/small/echo", headers={"Host": "shop.example"}).json()["headers"])
    assert kept["host"] == "shop.example"


def test_a_member_may_have_a_path_and_a_password(served: Served) -> None:
    said = served.client.get("/below/x", headers={"Authorization": "Bearer mine"}).json()
    assert said["path"] == "/echo/base/x"
    assert dict(said["headers"])["authorization"] == "Basic cmVhZGVyOnNlY3JldA=="


def test_redirections_lead_where_the_client_gets_on(served: Served) -> None:
    for to, location in (("/login?x=1", "/up/login?x=1"), ("https://example.com/x", "https://example.com/x")):
        answer = served.client.get("/up/moved", params={"to": to})
        assert (answer.status_code, answer.headers["location"]) == (302, location)
        assert answer.headers["set-cookie"] == "seen=1; Path=/"


def test_bodies_are_passed_on_in_pieces(served: Served) -> None:
    assert served.client.put("/up/echo", content=b"x" * 3_000_000).json()["body"] == 3_000_000
    assert len(served.client.get("/up/pieces?count=100").content) == 100 * 65536
    promised = served.client.get("/up/pieces?promised=1&count=100")
    assert promised.headers["content-length"] == str(len(promised.content))
    head = served.client.head("/up/file")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(served.client.get("/up/file").content)))


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_events_arrive_as_they_come_and_end_with_their_client(served: Served, mounted: str) -> None:
    log = served.upstream_log if mounted == "up" else served.engine.log
    ended = log.read_text().count("EVENTS ENDED")
    begun = time.monotonic()
    with served.client.stream("GET", f"/{mounted}/events") as answer:
        assert next(answer.iter_lines()) == "data: 0"
    assert time.monotonic() - begun < 5, "they last ten seconds"
    wait_until(lambda: log.read_text().count("EVENTS ENDED") > ended, 5)


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_long_bodies_over_http2(served: Served, mounted: str) -> None:
    with httpx.Client(base_url=served.engine.url, http1=False, http2=True, timeout=20) as client:
        sent = client.put(f"/{mounted}/echo", content=b"x" * 3_000_000)
        assert (sent.http_version, sent.json()["body"]) == ("HTTP/2", 3_000_000)
        for promised in ("", "&promised=1"):
            assert len(client.get(f"/{mounted}/pieces?count=100{promised}").content) == 100 * 65536


@pytest.mark.parametrize("mounted", ["stars", "up"])
def test_a_client_that_leaves_before_its_answer_is_noticed(served: Served, mounted: str) -> None:
    log = served.upstream_log if mounted == "up" else served.engine.log
    noticed = log.read_text().count("NOBODY LISTENS")
    with served.engine.connect() as connection:
        connection.sendall(f"GET /{mounted}/attentive HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        time.sleep(0.3)
    wait_until(lambda: log.read_text().count("NOBODY LISTENS") > noticed, 5)


@pytest.mark.parametrize("mounted", ["stars", "up"])
@pytest.mark.parametrize("promised", ["", "&promised=1"])
def test_a_client_that_does_not_read_costs_no_memory(served: Served, mounted: str, promised: str) -> None:
    worker = served.engine.workers[0]
    before = _resident(worker)
    with served.engine.connect() as connection:
        connection.sendall(f"GET /{mounted}/pieces?count=3000{promised} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        time.sleep(0.7)
        assert _resident(worker) - before < 60_000_000, "of 200 MB"


def _resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096


def test_a_body_over_the_limit_is_refused(served: Served) -> None:
    assert served.client.post("/small/echo", content=b"x" * 100_001).status_code == 413
    assert served.client.post("/small/echo", content=b"x" * 100_000).json()["body"] == 100_000


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/closed/x", 502, "the upstream @closed cannot be reached"),
        ("/silent/x", 504, "the upstream @silent did not answer in time"),
    ],
)
def test_no_answer_is_said_with_its_reason(served: Served, path: str, status: int, reason: str) -> None:
    answer = served.client.get(path)
    assert (answer.status_code, answer.json()["more_info"]) == (status, reason)
    assert answer.json()["code"] == status * 100
    assert reason in served.client.get(path, headers={"Accept": "text/html"}).text
    assert reason in served.engine.output


@pytest.mark.parametrize("said", [b"HELLO\r\n\r\n", b"", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"])
def test_what_is_no_http_is_502(served: Served, said: bytes) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"POST /rude/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)
            assert status_of(client.recv(65536)) == 502


def test_a_request_that_may_be_repeated_is(served: Served) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"GET /rude/x HTTP/1.1\r\nHost: a\r\n\r\n")
            for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)
            assert status_of(client.recv(65536)) == 200


def test_no_free_connection_is_503(served: Served) -> None:
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(served.client.get, "/narrow/slow?seconds=1.2")
        time.sleep(0.3)
        with httpx.Client(base_url=served.engine.url) as other:
            refused = other.get("/narrow/echo")
        assert (refused.status_code, refused.json()["more_info"]) == (
            503,
            "the upstream @narrow has no free connection",
        )
        assert first.result().text == "late"


def test_an_answer_that_breaks_off_looks_broken_to_the_client(served: Served) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"GET /rude/x HTTP/1.1\r\nHost: a\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_500_000)
            answer = read_all(client)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-length: 3000000" in head.lower()
    assert len(body) < 3_000_000


def test_an_answer_without_a_length_that_breaks_off_has_no_end(served: Served) -> None:
    port: int = served.engine.rude_port  # type: ignore[attr-defined]  # set by the fixture
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(10)
        with served.engine.connect(10) as client:
            client.sendall(b"GET /rude/x HTTP/1.1\r\nHost: a\r\n\r\n")
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf \r\n")
            assert not read_all(client, 5).endswith(b"0\r\n\r\n")


@pytest.mark.row("1.26")
def test_the_next_member_is_asked_when_one_is_down(served: Served) -> None:
    for _ in range(4):
        assert served.client.post("/pair/echo", content=b"12345").json()["body"] == 5
    big = b"x" * 500_000  # which is passed on in pieces
    assert served.client.post("/pair/echo", content=big).json()["body"] == len(big)


@pytest.mark.row("11.33")
def test_proxypass_on_a_worker_thread(served: Served) -> None:
    assert served.client.get("/asked/echo/x").json()["path"] == "/echo/x"
    for promised in ("", "&promised=1"):
        assert len(served.client.get(f"/asked/pieces?count=40{promised}").content) == 40 * 65536
    refused = served.client.post("/asked/echo/x")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.row("11.33")
def test_proxypass_holds_neither_threads_nor_memory_for_clients_that_do_not_read(served: Served) -> None:
    worker = served.engine.workers[0]
    before = _resident(worker)
    with contextlib.ExitStack() as stack:
        for _ in range(6):  # the worker has four threads
            connection = stack.enter_context(served.engine.connect())
            connection.sendall(b"GET /asked/pieces?count=1000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.7)
        assert served.client.get("/plain").text == "at once"
        assert _resident(worker) - before < 120_000_000, "of 400 MB"
