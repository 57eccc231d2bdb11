"""The files of the page on mounts, as a running server, before a server of somebody else's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.page_process import served
from tests.docs.pages import DOCS


class Files(SimpleHTTPRequestHandler):
    """The standard library's file server, quiet."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=str(DOCS))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the test's screen."""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the page's serve.py, with the standard library's file server as the shop."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as shop:
        thread = threading.Thread(target=shop.serve_forever, args=(0.05,))
        thread.start()
        try:
            with served(DOCS / "mounts.md", tmp_path, SHOP=str(shop.server_address[1])) as made:
                yield made
        finally:
            shop.shutdown()
            thread.join()


@pytest.mark.row("1.8", "1.10", "11.33", "11.34")
def test_the_example_serves_apps_of_others_and_upstreams(client: httpx.Client) -> None:
    page = (DOCS / "mounts.md").read_text()
    for _ in range(5):  # of which the member that is down would take some
        answer = client.get("/shop/mounts.md")
        assert answer.text == page
        assert answer.headers["x-cache-lookup"] == "MISS"
    assert client.get("/mounts.md").text == page, "through was.proxypass"
    assert client.get("/hello").json() == {"hello": "world"}
    assert client.get("/legacy/x").text == "/legacy /x"
    assert client.get("/modern/x").text == "/modern /modern/x"
    assert client.get("/x", headers={"Host": "old.example"}).text == " /x"
    assert client.get("/shop/nothing").status_code == 404
