"""The files of the page on the engine, as a running server: what the page promises of them holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docs.page_process import served
from tests.docs.pages import DOCS


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the page's serve.py, which runs until the test ends."""
    with served(DOCS / "engine.md", tmp_path) as made:
        yield made


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
