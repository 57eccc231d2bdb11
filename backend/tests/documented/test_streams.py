"""Chapter 4: answers in pieces, and their sources, which are closed once."""

from __future__ import annotations

import asyncio
import io
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf
from tests.documented.leaving import receive_some

ADAPTERS = ("rsgi", "asgi")


class Source:
    """Three pieces, by `more()`, and a count of its closings."""

    def __init__(self) -> None:
        self.pieces: list[str | bytes | None] = [b"a", "b", b"", b"c", None, b"never"]
        self.closed = 0

    def more(self) -> str | bytes | None:
        return self.pieces.pop(0)

    def close(self) -> None:
        self.closed += 1


class Endless:
    """Pieces without end, and a count of its closings."""

    def __init__(self) -> None:
        self.closed = 0
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.given += 1
        return b"x"

    def close(self) -> None:
        self.closed += 1


@pytest.mark.row("4.25", "4.29")
@pytest.mark.parametrize("kind", ["bytes", "text"])
def test_a_file_object_is_sent_and_closed(app: Atila, client_of: ClientOf, kind: str) -> None:
    files = {"bytes": io.BytesIO(b"0123456789" * 20_000), "text": io.StringIO("é" * 200_000)}
    file = files[kind]
    whole = file.getvalue()  # type: ignore[attr-defined]  # both have it

    @app.route("/")
    def page(was: Was) -> object:
        return was.response("200 OK", file, headers=[("Content-Type", "video/mp4")])

    answer = client_of(app).get("/")
    assert answer.content == (whole if isinstance(whole, bytes) else whole.encode())
    assert answer.headers["content-type"] == "video/mp4"
    assert "content-length" not in answer.headers
    assert file.closed


@pytest.mark.row("4.27", "4.29")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_more_ends_with_none_and_close_is_called_once(app: Atila, client_of: ClientOf, asynchronous: bool) -> None:
    source = Source()

    def page(was: Was) -> object:
        return source

    async def page_later(was: Was) -> object:
        return source

    app.route("/")(page_later if asynchronous else page)
    assert client_of(app).get("/").content == b"abc"
    assert source.closed == 1


@pytest.mark.row("4.28", "4.29")
def test_a_list_of_all_kinds_is_sent_in_its_order(app: Atila, client_of: ClientOf) -> None:
    source, file = Source(), io.BytesIO(b"file")

    @app.route("/list")
    def listed(was: Was) -> object:
        return ["<", source, b"|", file, iter(["|", "end"]), ">"]

    @app.route("/tuple")
    def tupled(was: Was) -> object:
        return ("a", "b")

    client = client_of(app)
    assert client.get("/list").text == "<abc|file|end>"
    assert (source.closed, file.closed) == (1, True)
    assert client.get("/tuple").text == "ab"


@pytest.mark.row("4.28", "4.31")
def test_a_list_of_other_things_is_an_error_and_closes_what_is_open(app: Atila, client_of: ClientOf) -> None:
    source = Source()

    @app.route("/")
    def page(was: Was) -> object:
        return [source, {"a": 1}]

    assert client_of(app).get("/").status_code == 500
    assert source.closed == 1


@pytest.mark.row("4.29")
@pytest.mark.parametrize("status", ["204 No Content", "200 OK"])
def test_a_body_that_is_not_sent_is_closed(app: Atila, client_of: ClientOf, status: str) -> None:
    source = Source()

    @app.route("/", methods=["GET", "HEAD"])
    def page(was: Was) -> object:
        return was.response(status, source)

    answer = client_of(app).head("/")
    assert (answer.status_code, answer.content) == (int(status[:3]), b"")
    assert source.closed == 1


@pytest.mark.row("4.29")
def test_a_body_is_closed_when_its_headers_cannot_be_written(app: Atila, client_of: ClientOf) -> None:
    source = Source()

    @app.route("/")
    def page(was: Was) -> object:
        was.session["a"] = secrets.token_hex(4000)  # over what a cookie can hold; noticed when it is written
        return source

    app.securekey = "k" * 40
    assert client_of(app).get("/").status_code == 500
    assert source.closed == 1


@pytest.mark.row("4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_close_is_called_once_when_the_client_goes_away(app: Atila, adapter: str, asynchronous: bool) -> None:
    source = Endless()

    def page(was: Was) -> object:
        return source

    async def page_later(was: Was) -> object:
        return source

    app.route("/")(page_later if asynchronous else page)
    assert receive_some(app, adapter, 3).startswith(b"xxx")
    assert source.closed == 1
    assert source.given < 1000


@pytest.mark.row("4.26", "4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_async_generator_is_ended_when_the_client_goes_away(app: Atila, adapter: str) -> None:
    ended: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.001)
        finally:
            ended.append("ended")

    @app.route("/")
    async def page(was: Was) -> object:
        return pieces()

    assert receive_some(app, adapter, 2).startswith(b"xx")
    assert ended == ["ended"]


@pytest.mark.row("4.29")
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_generator_is_not_closed_while_it_runs(app: Atila, adapter: str) -> None:
    """The client leaves while the next piece is being made on a thread: closing waits for it."""
    ended: list[str] = []
    log: list[str] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield b"first"
            time.sleep(0.2)
            log.append(threading.current_thread().name)
            yield b"second"
        finally:
            ended.append("ended")

    @app.route("/")
    async def page(was: Was) -> object:
        return pieces()

    assert receive_some(app, adapter, 1) == b"first"
    assert ended == ["ended"]
    assert log
    assert log[0] != threading.main_thread().name  # it does not block the loop


@pytest.mark.row("4.29")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_source_that_breaks_is_closed_and_logged_in_one_line(
    app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture, asynchronous: bool
) -> None:
    class Broken(Endless):
        def __next__(self) -> bytes:
            if self.given:
                raise RuntimeError("no more\nERROR forged line")
            return super().__next__()

    source = Broken()

    def page(was: Was) -> object:
        return source

    async def page_later(was: Was) -> object:
        return source

    app.route("/")(page_later if asynchronous else page)
    answer = client_of(app).get("/")
    assert answer.content == b"x"
    assert source.closed == 1
    broken = [record for record in caplog.records if "broke off" in record.getMessage()]
    assert len(broken) == 1
    assert "\n" not in broken[0].getMessage()


@pytest.mark.row("4.30")
def test_any_iterator_will_do(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        return map(str, range(5))

    @app.route("/wrong")
    def wrong(was: Was) -> object:
        return iter([1, 2])

    client = client_of(app)
    assert client.get("/").text == "01234"
    assert client.get("/wrong").content == b""  # the status was sent before the first piece was made
