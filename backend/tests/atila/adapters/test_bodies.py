"""Answers of every kind over either adapter: HEAD, ranges of files, streams, and clients that leave in the middle."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.hints import EXTENSION
from atila.http.response import FileBody
from tests.atila.adapters.exchange import answer_of, over_asgi, over_rsgi

ADAPTERS = ("rsgi", "asgi")
PIECES = 5


class Source:
    """Pieces of a body, an error among them if there is to be one, and how often they were closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.closed = 0
        self.given = 0
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self.given == PIECES:
            raise StopIteration
        self.given += 1
        if self.error is not None and self.given > 2:
            raise self.error
        return b"x"

    def close(self) -> None:
        self.closed += 1


class LateSource:
    """The same, for an event loop."""

    def __init__(self, error: Exception | None = None) -> None:
        self.source = Source(error)

    @property
    def closed(self) -> int:
        return self.source.closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        try:
            return next(self.source)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self.source.close()


def exchange(app: Atila, adapter: str, **options: Any) -> tuple[list[str], bytes, dict[str, str], int]:
    """Send a GET; return what the server was told, the body, the header fields and the status."""
    options = {"method": "GET", **options}
    if adapter == "rsgi":
        protocol = asyncio.run(over_rsgi(app, **options))
        return protocol.calls, bytes(protocol.content), dict(protocol.headers), protocol.status
    sent = asyncio.run(over_asgi(app, **options))
    kinds = [message["type"].rpartition(".")[2] for message in sent]
    if "start" not in kinds:
        return kinds, b"", {}, 0
    answer = answer_of(sent[kinds.index("start") :])
    return kinds, answer.content, dict(answer.headers.items()), answer.status_code


def stream_app(source: Any, plain: bool) -> Atila:
    app = Atila("tests")

    def page(was: Was) -> object:
        return source

    async def page_later(was: Was) -> object:
        return source

    app.route("/")(page if plain else page_later)
    return app


@pytest.mark.row("4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("kind", [Source, LateSource])
@pytest.mark.parametrize("takes", range(PIECES + 2))
def test_a_stream_is_closed_once_wherever_the_client_leaves(
    adapter: str, plain: bool, kind: type[Source], takes: int, caplog: pytest.LogCaptureFixture
) -> None:
    source = kind()
    told: list[int] = []
    with caplog.at_level(logging.INFO):
        calls, content, _, _ = exchange(
            stream_app(source, plain), adapter, takes=takes, on_answer=lambda *facts: told.append(facts[1])
        )
    assert len(calls) == takes if takes <= PIECES else takes >= len(calls) > PIECES
    assert content == b"x" * min(max(takes - 1, 0), PIECES)
    assert source.closed == 1
    assert told == [200]
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.row("4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("kind", [Source, LateSource])
@pytest.mark.parametrize("error", [ZeroDivisionError("no more"), RuntimeError("no more"), OSError("no more")])
def test_a_stream_that_breaks_off_is_closed_once_and_logged(
    adapter: str, plain: bool, kind: type[Source], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    source = kind(error)
    calls, content, _, status = exchange(stream_app(source, plain), adapter)
    assert (status, content, len(calls)) == (200, b"xx", 3)  # the server sees that the answer does not end
    assert source.closed == 1
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.getMessage().endswith("GET /: the stream broke off")
    assert record.exc_info is not None
    assert "no more" in str(record.exc_info[1])


def test_a_stream_that_breaks_off_over_http_2_leaves_the_connection_to_others() -> None:
    app = stream_app(Source(LookupError("no more")), True)
    assert exchange(app, "rsgi", version="2", authority="testserver")[:2] == (["stream", "piece", "piece"], b"xx")


@pytest.mark.row("4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("kind", [Source, LateSource])
@pytest.mark.parametrize("gone", [True, False])
def test_head_of_a_stream_takes_nothing_from_it_and_closes_it(
    adapter: str, plain: bool, kind: type[Source], gone: bool
) -> None:
    source = kind()
    calls, content, headers, status = exchange(stream_app(source, plain), adapter, method="HEAD", gone=gone)
    assert content == b""
    assert source.closed == 1
    assert getattr(source, "source", source).given == 0
    if not gone:
        assert status == 200
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert "content-length" not in headers
    assert calls == ([] if gone else {"rsgi": ["empty"], "asgi": ["start", "body"]}[adapter])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.bin"
    path.write_bytes(bytes(range(256)) * 2000)  # over one piece
    return path


def file_app(file: Path) -> Atila:
    app = Atila("tests")
    size = file.stat().st_size
    app.route("/whole")(lambda was: was.File(str(file), "text/plain"))
    app.route("/range")(lambda was: FileBody(str(file), size, 10, 300_000))
    app.route("/rest")(lambda was: FileBody(str(file), size, 500_000))
    app.route("/first")(lambda was: FileBody(str(file), size, 0, 1))
    app.route("/nothing")(lambda was: FileBody(str(file), size, 5, 5))
    return app


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(("path", "start", "end"), [
    ("/whole", 0, None), ("/range", 10, 300_000), ("/rest", 500_000, None), ("/first", 0, 1), ("/nothing", 5, 5),
])  # fmt: skip
def test_a_file_and_a_range_of_one(file: Path, adapter: str, path: str, start: int, end: int | None) -> None:
    wanted = file.read_bytes()[start:end]
    _, content, headers, status = exchange(file_app(file), adapter, path=path)
    assert (status, content) == (200, wanted)
    assert headers["content-length"] == str(len(wanted))
    _, content, headers, status = exchange(file_app(file), adapter, path=path, method="HEAD")
    assert (status, content, headers["content-length"]) == (200, b"", str(len(wanted)))


@pytest.mark.parametrize("takes", [0, 1, 2])
def test_a_client_that_leaves_in_a_file(file: Path, takes: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    calls, content, _, _ = exchange(file_app(file), "asgi", path="/whole", takes=takes)
    assert len(calls) == takes
    assert content == file.read_bytes()[: 256 * 1024 if takes == 2 else 0]
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["the client went away"]


def test_a_file_that_vanished_breaks_the_answer_off(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = file_app(file)
    app.finish_request(lambda was: None)

    @app.teardown_request
    def remove(was: Was) -> None:
        file.unlink()

    calls, content, headers, _ = exchange(app, "asgi", path="/whole")
    assert (calls, content) == (["start"], b"")  # a length is promised, nothing comes: the server hangs up
    assert headers["content-length"] == str(256 * 2000)
    assert "the file cannot be read" in caplog.text


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_file_that_shrank_ends_where_it_ends(file: Path, adapter: str) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: FileBody(str(file), file.stat().st_size + 1000))
    assert exchange(app, adapter)[1] == file.read_bytes()


@pytest.mark.row("4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(("status", "length"), [(200, "3"), (404, "3"), (204, None), (304, None), (205, "0")])
def test_head_tells_the_length_of_get(adapter: str, status: int, length: str | None) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: was.response(status, "abc"))
    _, content, headers, got = exchange(app, adapter, method="HEAD")
    assert (got, content, headers.get("content-length")) == (status, b"", length)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_empty_answer(adapter: str) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: "")
    calls, content, _, status = exchange(app, adapter)
    assert (status, content) == (200, b"")
    assert calls == {"rsgi": ["empty"], "asgi": ["start", "body"]}[adapter]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_without_threads_plain_handlers_run_on_the_loop(adapter: str) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: threading.current_thread().name)
    assert exchange(app, adapter, threads=0)[1] == b"MainThread"
    assert exchange(app, adapter, threads=1)[1] == b"test-0"


@pytest.mark.row("4.9")
@pytest.mark.parametrize("takes", [0, 1, 2, 3])
def test_a_client_that_leaves_at_its_hints(takes: int, caplog: pytest.LogCaptureFixture) -> None:
    app = Atila("tests")

    @app.route("/")
    async def page(was: Was) -> str:
        was.push("/style.css")
        await asyncio.sleep(0.01)
        was.push("/script.js")
        return "x"

    with caplog.at_level(logging.INFO):
        calls, _, _, _ = exchange(app, "asgi", takes=takes, extensions={EXTENSION: {}})
    assert calls == ["early_hint", "early_hint", "start", "body"][:takes]
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["the client went away"]
