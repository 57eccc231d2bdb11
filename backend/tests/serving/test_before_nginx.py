"""nginx behind a mounted alias: ranges, validators, compression, connections that it closes whenever it likes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.deploy.web_server import WebServer

from .engine_process import EngineProcess, free_ports

SITE = """
keepalive_requests 3;
gzip on;
gzip_proxied any;
gzip_types text/plain;
gzip_min_length 10;
server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location /early {{ client_max_body_size 1k; }}
    location /said {{
        return 200 "$http_x_forwarded_for $http_x_forwarded_proto $http_x_forwarded_host $http_via";
    }}
    location /login {{ return 302 /welcome; }}
}}
"""
SCRIPT = """
skitai.alias("@nginx", skitai.PROTO_HTTP, "127.0.0.1:{port}", max_conns=8)
skitai.mount("/files", "@nginx")
"""


class Served(NamedTuple):
    """What nginx serves, and a client of the engine before it."""

    files: Path
    client: httpx.Client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("nginx"), free_ports()
    files = folder / "files"
    files.mkdir()
    (files / "big.bin").write_bytes(bytes(range(256)) * 20_000)
    (files / "page.txt").write_text("one line after the other\n" * 1000)
    nginx = WebServer(folder, SITE.format(folder=folder, port=port))
    engine = EngineProcess(folder, SCRIPT.format(port=port), trusted_proxies=["127.0.0.1"])
    try:
        nginx.start()
        engine.ready()
        with httpx.Client(base_url=engine.url, timeout=20) as client:
            yield Served(files, client)
    finally:
        engine.end()
        nginx.stop()


@pytest.mark.row("11.34")
def test_files_of_every_size_come_through(served: Served) -> None:
    whole = (served.files / "big.bin").read_bytes()
    answer = served.client.get("/files/big.bin")
    assert answer.content == whole
    assert answer.headers["content-length"] == str(len(whole))
    part = served.client.get("/files/big.bin", headers={"Range": "bytes=1000-2500000"})
    assert (part.status_code, part.content) == (206, whole[1000:2_500_001])
    assert part.headers["content-range"] == f"bytes 1000-2500000/{len(whole)}"
    head = served.client.head("/files/big.bin")
    assert (head.headers["content-length"], head.content) == (str(len(whole)), b"")
    assert served.client.get("/files/none").status_code == 404


@pytest.mark.row("11.34")
def test_validators_and_compression_are_left_alone(served: Served) -> None:
    plain = served.client.get("/files/page.txt", headers={"Accept-Encoding": "identity"})
    assert plain.text == (served.files / "page.txt").read_text()
    same = served.client.get("/files/page.txt", headers={"If-None-Match": plain.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    with served.client.stream("GET", "/files/page.txt", headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        assert "content-length" not in packed.headers
        assert packed.read().decode() == plain.text


@pytest.mark.row("11.34")
def test_a_proxy_before_us_is_believed_and_its_word_extended(served: Served) -> None:
    before = {
        "X-Forwarded-For": "9.9.9.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "shop.example",
        "Via": "1.1 front",
    }
    said = served.client.get("/files/said", headers=before).text
    assert said == "9.9.9.9, 127.0.0.1 https shop.example 1.1 front, 1.1 atila"
    assert served.client.get("/files/login").headers["location"].endswith("/files/welcome")


def test_connections_that_are_closed_behind_our_back_cost_no_request(served: Served) -> None:
    def ask(number: int) -> int:
        return served.client.get("/files/page.txt", params={"n": number}).status_code

    with ThreadPoolExecutor(12) as threads:
        assert set(threads.map(ask, range(150))) == {200}


def test_an_answer_that_comes_before_the_body_was_sent(served: Served) -> None:
    answer = served.client.post("/files/early", content=b"x" * 4_000_000)
    assert answer.status_code == 413
