"""Chapter 11: an answer of another server, from within a handler."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from atila import Atila, SettingError
from atila.alias import PROTO_HTTP
from tests.documented.conftest import ClientOf


class Page(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_GET(self) -> None:
        said = f"{self.path}|{self.headers['x-forwarded-for']}|{self.headers['x-mine']}".encode()
        if self.path == "/empty":
            said = b""
        elif self.path == "/big":
            said = b"x" * 200_000
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(said)

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on the test's screen."""


@pytest.fixture(scope="module")
def frontend() -> Iterator[str]:
    """The address of a server such as a frontend's development server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def proxying(app: Atila, frontend: str) -> Atila:
    app.alias("@frontend", PROTO_HTTP, frontend)
    app.alias("@nobody", PROTO_HTTP, "127.0.0.1:9")
    app.openapi_url = None

    @app.route("/api/hello", methods=["GET", "POST"])
    def hello(was: Any) -> Any:
        return was.API(hello="here")

    @app.route("/slowly/<path:path>", methods=["GET", "POST"])
    async def slowly(was: Any, path: str, **query: Any) -> Any:
        return await was.proxypass("@frontend", path, timeout=3)

    @app.route("/at-once/<path:path>")
    async def at_once(was: Any, path: str) -> Any:
        return was.proxypass("@frontend", path)

    @app.route("/nobody")
    def nobody(was: Any) -> Any:
        return was.proxypass("@nobody", "x")

    @app.route("/wrong")
    def wrong(was: Any) -> Any:
        return was.proxypass("@wrong", "x")

    @app.route("/", methods=["GET", "POST"])
    @app.route("/<path:path>", methods=["GET", "POST"])
    def rest(was: Any, path: str | None = None, **query: Any) -> Any:
        return was.proxypass("@frontend", path)

    return app


@pytest.mark.row("11.33")
def test_it_comes_after_the_routes_of_the_app(proxying: Atila, client_of: ClientOf) -> None:
    cli = client_of(proxying)
    assert cli.get("/api/hello").data == {"hello": "here"}
    assert cli.get("/js/app.js?v=1&w=%26", headers={"X-Mine": "kept"}).text == "/js/app.js?v=1&w=%26|127.0.0.1|kept"
    assert cli.get("/").text == "/|127.0.0.1|None"
    assert cli.get("/slowly/a%20b").text == cli.get("/at-once/a%20b").text == "/a%20b|127.0.0.1|None"


@pytest.mark.row("11.33")
def test_status_length_and_large_bodies_come_through(proxying: Atila, client_of: ClientOf) -> None:
    cli = client_of(proxying)
    assert cli.get("/none").status_code == 404
    assert cli.get("/empty").text == ""
    for path in ("/big", "/slowly/big"):
        assert cli.get(path).text == "x" * 200_000
        head = cli.head(path)
        assert (head.text, head.headers["content-length"]) == ("", "200000")


@pytest.mark.row("11.33")
@pytest.mark.parametrize("path", ["/form", "/slowly/form"])
def test_only_get_is_passed_on(proxying: Atila, client_of: ClientOf, path: str) -> None:
    answer = client_of(proxying).post(path, {"a": "1"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.row("11.33")
def test_nobody_there_is_502_with_the_reason(proxying: Atila, client_of: ClientOf) -> None:
    answer = client_of(proxying).get("/nobody")
    assert (answer.status_code, answer.data["more_info"]) == (502, "the upstream @nobody cannot be reached")


def test_an_alias_that_is_none_of_http_is_a_mistake(app: Atila, client_of: ClientOf) -> None:
    app.alias("@db", "sqlite3", ":memory:")

    @app.route("/<name>")
    def passed(was: Any, name: str) -> Any:
        with pytest.raises(SettingError, match="kind sqlite3" if name == "db" else "no alias"):
            was.proxypass(f"@{name}", "x")
        return "refused"

    cli = client_of(app)
    assert cli.get("/db").text == cli.get("/nothing").text == "refused"
