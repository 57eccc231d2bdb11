"""The ASGI adapter: lifespan, bodies in messages, and clients that leave."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.asgi import ASGI, Message
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads
from atila.http.request import Request
from atila.http.response import Response
from atila.http.site import Job
from tests.atila.adapters.exchange import HOST, answer_of, over_asgi


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.config.max_post_body_size = 100

    @app.route("/", methods=["GET", "POST"])
    def page(was: Was) -> object:
        return was.API(size=len(was.request.body or b""))

    return app


def run(app: Atila, *args: Any, **options: Any) -> list[Message]:
    return asyncio.run(over_asgi(app, *args, **options))


def pieces(*parts: bytes, more: bool = False) -> list[Message]:
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": more or number < last} for number, part in enumerate(parts)
    ]


SIZED = [HOST, ("content-length", "6")]
CHUNKED = [HOST, ("transfer-encoding", "chunked")]


def test_a_body_comes_in_pieces(app: Atila) -> None:
    for headers in (SIZED, CHUNKED):
        assert answer_of(run(app, headers, pieces(b"abc", b"", b"def"))).data == {"size": 6}
    assert answer_of(run(app, [HOST], pieces(b"abc", b"def"), version="2")).data == {"size": 6}


@pytest.mark.parametrize(("headers", "messages", "status"), [
    (CHUNKED, pieces(b"x" * 60, b"x" * 60), 413), (SIZED, pieces(b"abc"), 400), (SIZED, pieces(b"abc", more=True), 408),
    ([HOST, ("content-length", "101")], [], 413), ([HOST, HOST], [], 400), ([], [], 400),
])  # fmt: skip
def test_a_body_that_is_not_whole_reaches_no_handler(
    app: Atila, headers: Any, messages: list[Message], status: int
) -> None:
    answer = answer_of(run(app, headers, messages, body_timeout=0.05))
    assert answer.status_code == status
    assert "size" not in answer.data


def test_a_client_that_leaves_in_its_body_gets_no_answer(app: Atila, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert run(app, SIZED, [*pieces(b"abc", more=True), {"type": "http.disconnect"}]) == []
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["the body was cut off or malformed"]


@pytest.mark.row("4.29")
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_left_before_the_answer(app: Atila, caplog: pytest.LogCaptureFixture, stream: bool) -> None:
    caplog.set_level(logging.INFO)
    ended: list[str] = []

    class Source:
        """Pieces that are closed."""

        def __iter__(self) -> Iterator[bytes]:
            return self

        def __next__(self) -> bytes:
            return b"x"

        def close(self) -> None:
            ended.append("closed")

    app.route("/stream")(lambda was: Source())
    told: list[int] = []

    def tell(request: Request, status: int, length: int | None, seconds: float) -> None:
        told.append(status)

    assert run(app, path="/stream" if stream else "/", gone=True, on_answer=tell) == []
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["the client went away"]
    assert ended == (["closed"] if stream else [])
    assert told == [200]


async def live(app: Atila, kind: str = "lifespan", threads: int = 1) -> tuple[list[Message], list[list[str]]]:
    """Go through a lifespan; return what was sent, and the names of the worker threads at each of its messages."""
    workers = WorkerThreads(threads, "living") if threads else None
    adapter = ASGI(app, AdapterSettings(threads=workers))
    coming = [{"type": f"{kind}.startup"}, {"type": f"{kind}.shutdown"}]
    sent: list[Message] = []
    between: list[list[str]] = []

    async def receive() -> Message:
        if len(coming) == 1:
            await adapter.start()  # once is enough
        return coming.pop(0)

    async def send(message: Message) -> None:
        between.append([thread.name for thread in threading.enumerate() if thread.name.startswith("living")])
        sent.append(message)

    await adapter({"type": kind}, receive, send)
    return sent, between


def test_a_lifespan_starts_and_stops_the_app(app: Atila) -> None:
    moments: list[str] = []
    app.mounted(lambda was: moments.append("mounted"))
    app.before_umount(lambda was: moments.append("unmounted"))
    for threads, names in ((1, [["living-0"], []]), (0, [[], []])):
        sent, between = asyncio.run(live(app, threads=threads))
        assert sent == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]
        assert between == names
    assert moments == ["mounted", "unmounted"] * 2


def test_what_is_no_request_is_told_to_the_server(app: Atila) -> None:
    with pytest.raises(ValueError, match="'telnet' is none of http, websocket and lifespan"):
        asyncio.run(live(app, "telnet"))


def test_an_app_that_cannot_start_or_stop_says_so(app: Atila, caplog: pytest.LogCaptureFixture) -> None:
    def fail(was: object) -> None:
        raise LookupError("no table")

    app.before_umount(fail)
    sent, between = asyncio.run(live(app))
    assert sent[1:] == [{"type": "lifespan.shutdown.failed", "message": "no table"}]
    assert between[1] == []  # the threads have ended all the same
    app.before_mount(fail)
    assert asyncio.run(live(app, threads=0))[0] == [{"type": "lifespan.startup.failed", "message": "no table"}]
    said = [record.getMessage() for record in caplog.records]
    assert said == ["the application could not be stopped", "the application could not be started"]


class SlowSite:
    """A site that takes its time to start, the second time in vain."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def resolve(self, request: Request) -> Job:
        async def respond(request: Request) -> Response:
            self.events.append(f"answer {request.path}")
            return Response(200, [], b"x")

        return Job(respond)

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.events.append("start")
        await asyncio.sleep(0.02)
        if self.events.count("start") == 1:
            raise LookupError("not yet")
        self.events.append("started")

    async def stop(self) -> None:
        """Leave no trace."""


def test_without_lifespan_the_first_request_starts_the_app_and_others_wait() -> None:
    site = SlowSite()
    adapter = ASGI(site)

    async def receive() -> Message:
        raise AssertionError("no body is asked for")

    async def send(message: Message) -> None:
        return None

    async def main() -> None:
        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "query_string": b"",
            "headers": [(b"host", b"a")],
        }  # fmt: skip
        with pytest.raises(LookupError, match="not yet"):
            await adapter({**scope, "path": "/0"}, receive, send)
        await asyncio.gather(*(adapter({**scope, "path": f"/{number}"}, receive, send) for number in (1, 2)))

    asyncio.run(main())
    assert site.events == ["start", "start", "started", "answer /1", "answer /2"]
