"""The files of the page on the engine, as a running server: what the page promises of them holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docs.pages import DOCS, blocks
from tests.docs.test_examples import write
from tests.serving.engine_process import BACKEND, free_ports, wait_until


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the page's serve.py, which runs until the test ends."""
    for block in blocks(DOCS / "engine.md"):
        if block.file is not None:
            write(tmp_path / block.file, block)
    port = free_ports()
    log = tmp_path / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "serve.py"],
            cwd=tmp_path,
            env={**os.environ, "PORT": str(port), "PYTHONPATH": str(BACKEND)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "serving at" in log.read_text() or process.poll() is not None, 30, log.read_text)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as made:
            yield made
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, log.read_text()


@pytest.mark.row("1.8", "1.9", "1.11", "1.12", "14.16", "14.17")
def test_the_example_serves_app_files_and_single_page(client: httpx.Client) -> None:
    page = {"Accept": "text/html"}
    assert client.get("/api/v1/hello").json() == {"hello": "world", "prefA": 1}
    assert "The single page" in client.get("/", headers=page).text
    assert "The single page" in client.get("/photos/7", headers=page).text
    assert client.get("/missing.js", headers=page).status_code == 404
    assert client.get("/api/v1/nothing").json() == {"code": 40400, "message": "not found"}
    assert client.post("/index.html").status_code == 404  # asked of the app, which has no such route
    file = client.get("/index.html")
    assert client.get("/index.html", headers={"If-None-Match": file.headers["etag"]}).status_code == 304
    assert client.get("/index.html", headers={"Range": "bytes=0-9"}).status_code == 206
