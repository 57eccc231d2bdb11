"""The RSGI adapter: what it reads, what it refuses, and what happens when nobody listens any more."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings
from atila.concurrency import WorkerThreads
from atila.http.request import Request
from tests.atila.adapters.exchange import HOST, Protocol, over_rsgi


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.config.max_post_body_size = 100

    @app.route("/", methods=["GET", "POST"])
    def page(was: Was) -> object:
        return was.API(size=len(was.request.body or b""), host=was.request.host, id=was.request.id)

    return app


def run(app: Atila, *args: Any, **options: Any) -> Protocol:
    return asyncio.run(over_rsgi(app, *args, **options))


def sized(size: object, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [HOST, ("content-length", str(size)), *more]


async def slow() -> bytes:
    await asyncio.sleep(5)
    return b"late"


async def broken() -> bytes:
    raise RuntimeError("the protocol is closed")


def test_a_body_of_known_length_is_read(app: Atila) -> None:
    assert run(app, sized(3), b"abc").answer().data["size"] == 3


@pytest.mark.parametrize(("headers", "body", "status"), [
    (sized(101), b"x" * 101, 413), (sized("9" * 30), b"", 400), (sized("-1"), b"", 400), (sized(3), broken, 400),
    ([HOST, ("transfer-encoding", "chunked")], b"abc", 411), (sized(3), slow, 408), (sized("٣"), b"abc", 400),
])  # fmt: skip
def test_a_body_that_cannot_be_read_whole_reaches_no_handler(
    app: Atila, headers: list[tuple[str, str]], body: Any, status: int
) -> None:
    answer = run(app, headers, body, body_timeout=0.05).answer()
    assert answer.status_code == status
    assert "size" not in answer.data
    if status in (408, 413) or body is broken:
        assert answer.headers["connection"] == "close"


def test_bodies_without_a_length_are_read_when_that_is_wanted(app: Atila) -> None:
    chunked = [HOST, ("transfer-encoding", "chunked")]
    assert run(app, chunked, b"abc", unsized_bodies=True).answer().data["size"] == 3
    assert run(app, chunked, b"x" * 101, unsized_bodies=True).answer().status_code == 413


def test_http_2_says_a_length_or_sends_nothing(app: Atila) -> None:
    assert run(app, [], b"", version="2", authority="testserver").answer().data["size"] == 0
    assert run(app, [], b"abc", version="2", authority="testserver").answer().status_code == 411
    assert run(app, sized(3), b"abc", version="2").answer().data["size"] == 3
    for headers in ([], [("accept", "text/html"), ("accept", "*/*")]):
        assert run(app, headers, version="2", authority="shop.example").answer().data["host"] == "shop.example"


@pytest.mark.parametrize(("headers", "options", "status"), [
    ([HOST, HOST], {}, 400), ([], {}, 400), ([], {"version": "1"}, 200), ([("host", "a b")], {}, 400),
    ([HOST], {"method": "TRACE"}, 405), ([HOST], {"method": "get"}, 501), ([HOST], {"path": "/../x"}, 400),
    ([HOST], {"path": "x"}, 400), ([HOST], {"path": "/a\x00"}, 400), ([HOST], {"path": "*", "method": "OPTIONS"}, 404),
])  # fmt: skip
def test_odd_requests_are_refused(app: Atila, headers: Any, options: Any, status: int) -> None:
    assert run(app, headers, **options).answer().status_code == status


def test_a_trusted_proxys_request_id_is_kept(app: Atila) -> None:
    headers = [HOST, ("x-request-id", "mine-1"), ("x-own", "1"), ("x-own", "2")]
    assert run(app, headers, trusted_proxies=frozenset({"127.0.0.1"})).answer().data["id"] == "mine-1"
    assert run(app, headers).answer().data["id"] != "mine-1"
    odd = [HOST, ("x-request-id", "a b")]
    assert run(app, odd, trusted_proxies=frozenset({"127.0.0.1"})).answer().data["id"] != "a b"


def test_a_client_that_is_gone_is_a_line_in_the_log(app: Atila, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    told: list[int] = []

    def tell(request: Request, status: int, length: int | None, seconds: float) -> None:
        told.append(status)

    run(app, gone=True, on_answer=tell)
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == ["the client went away"]
    assert told == [200]


def test_the_handlers_framing_is_the_servers(app: Atila) -> None:
    @app.route("/framed")
    def framed(was: Was) -> str:
        was.response.set_headers([("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "close")])
        return "abc"

    headers = run(app, path="/framed").headers
    assert [name for name, _ in headers] == ["connection", "content-type", "x-request-id"]
    over_2 = run(app, path="/framed", version="2").headers
    assert [name for name, _ in over_2] == ["content-type", "x-request-id"]


@pytest.mark.parametrize("threads", [0, 1])
def test_the_server_starts_and_stops_the_app_and_its_threads(app: Atila, threads: int) -> None:
    moments: list[str] = []
    app.mounted(lambda was: moments.append("mounted"))
    app.before_umount(lambda was: moments.append("unmounted"))
    adapter = RSGI(app, AdapterSettings(threads=WorkerThreads(threads, "served") if threads else None))
    loop = asyncio.new_event_loop()
    adapter.__rsgi_init__(loop)
    assert moments == ["mounted"]
    assert names() == ["served-0"][:threads]
    adapter.__rsgi_del__(loop)
    loop.close()
    assert moments == ["mounted", "unmounted"]
    assert names() == []


def test_an_app_that_cannot_stop_leaves_no_threads(app: Atila) -> None:
    app.before_umount(lambda was: 1 / 0)
    adapter = RSGI(app, AdapterSettings(threads=WorkerThreads(1, "served")))
    loop = asyncio.new_event_loop()
    adapter.__rsgi_init__(loop)
    with pytest.raises(ZeroDivisionError):
        adapter.__rsgi_del__(loop)
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    assert names() == []


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("served")]
