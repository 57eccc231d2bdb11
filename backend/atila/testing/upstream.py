"""A small HTTP server that stands for an upstream in tests: it answers as told, else with what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec


class Seen(NamedTuple):
    """A request that arrived."""

    method: str
    path: str  # with its query
    headers: dict[str, str]  # names in lower case
    body: bytes


class Echo:
    """An upstream of a test: `shop = Echo({"/stock": {"n": 3}})`, then `app.alias("@shop", PROTO_HTTP, shop.address)`.

    `answers` are JSON by path; a number is a status. Other paths answer with method, path, headers and body. Lives
    until `close`, or the end of its `with` block; it listens on a free port of 127.0.0.1.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})
        self.seen: list[Seen] = []
        handler = type("Handler", (_Handler,), {"echo": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port, as an alias takes them."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Its address as a URL."""
        return f"http://{self.address}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, seen: Seen) -> tuple[int, Any]:
        """Return the status and the value that a request gets."""
        said = self.answers.get(urlsplit(seen.path).path, seen)
        if isinstance(said, int):
            return said, {"status": said}
        if said is seen:
            return 200, {**seen._asdict(), "body": seen.body.decode(errors="replace")}
        return 200, said


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    echo: Echo

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fields = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, fields, body)
        self.echo.seen.append(seen)
        status, value = self.echo.answer(seen)
        content = msgspec.json.encode(value)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = respond  # noqa: N815 - the library's names

    def log_message(self, format: str, *values: Any) -> None:
        pass
