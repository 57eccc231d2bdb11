"""The life of a request where its parts meet: routes that come late, failures of failures, answers without a body."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from atila import Atila, HTTPError, RouteError, Was
from atila.concurrency import Deferred
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import Response


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.route("/", methods=["GET", "POST"])(lambda was: "x")
    return app


def answer(app: Atila, request: Request) -> Response:
    """Answer a request as an adapter does, on a loop."""
    return asyncio.run(_answer(app, request))


async def _answer(app: Atila, request: Request) -> Response:
    response = await app.resolve(request).respond(request)
    assert isinstance(response, Response)
    return response


def test_the_first_request_builds_an_app_that_nobody_started(app: Atila) -> None:
    def rules() -> list[str]:
        return [route.rule.text for route in app.router.routes if route.job is not None]

    assert rules() == []
    assert answer(app, Request("GET", "/")).body == b"x"
    assert rules() == ["/", "/openapi.json", "/docs", "/docs/style.css"]
    app.build()  # once is enough
    assert rules() == ["/", "/openapi.json", "/docs", "/docs/style.css"]


class Soon(Deferred):
    """An answer that comes in a moment."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __await__(self) -> Generator[Any, Any, Any]:
        yield from asyncio.sleep(0).__await__()
        return self.answer


def test_an_answer_that_comes_later_may_be_a_status(app: Atila) -> None:
    app.route("/later")(lambda was: Soon(was.response.with_explain("409 Conflict", "taken")))
    app.route("/text")(lambda was: Soon(Soon("x")))
    assert answer(app, Request("GET", "/text")).body == b"x"
    response = answer(app, Request("GET", "/later", source=Headers([("accept", "text/html")])))
    assert (response.status, b"taken" in response.body) == (409, True)


def test_a_path_that_only_begins_like_the_mount_point_is_not_found(app: Atila) -> None:
    app.root = "/api"
    for path, status in (("/api/", 200), ("/apix/", 404), ("/", 404), ("/ap", 404), ("/api", 301)):
        assert answer(app, Request("GET", path)).status == status


def test_a_missing_slash_is_a_redirection_that_keeps_the_query(app: Atila) -> None:
    app.root = "/api"
    app.route("/photos/", methods=["GET"])(lambda was: "")
    for query, location in (("", "/api/photos/"), ("a=1&b", "/api/photos/?a=1&b")):
        response = answer(app, Request("GET", "/api/photos", query))
        assert (response.status, response.get_header("location")) == (301, location)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_route_that_comes_late_answers_from_then_on(app: Atila, method: str) -> None:
    answer(app, Request("GET", "/"))
    app.route("/late", methods=["GET", "POST", "OPTIONS"])(lambda was: "late")
    response = answer(app, Request(method, "/late"))
    assert response.body == (b"" if method == "OPTIONS" else b"late")
    assert response.status == 200


def test_a_late_route_that_cannot_work_says_so(app: Atila) -> None:
    answer(app, Request("GET", "/"))

    def late(was: Was, x: int) -> str:
        return ""

    late.__annotations__["x"] = "Nowhere"
    app.route("/late", methods=["GET"])(late)
    with pytest.raises(RouteError, match="Nowhere"):
        app.openapi()


def preflight(app: Atila, path: str, method: str = "POST") -> Response:
    headers = [("origin", "https://a.example"), ("access-control-request-method", method)]
    return answer(app, Request("OPTIONS", path, source=Headers(headers)))


def test_a_preflight_of_a_late_route_is_answered_by_what_the_route_allows(app: Atila) -> None:
    answer(app, Request("GET", "/"))
    app.route("/late", methods=["OPTIONS"])(lambda was: "")
    app.route("/late", methods=["POST"], access_control_allow_origin=["https://a.example"])(lambda was: "late")
    response = preflight(app, "/late")
    assert (response.status, response.get_header("access-control-allow-origin")) == (200, "https://a.example")
    assert preflight(app, "/late", "PUT").status == 405
    assert preflight(app, "/nothing").status == 404


def test_the_hook_for_failures_may_answer_with_a_status_only(app: Atila) -> None:
    app.route("/broken", methods=["GET"])(lambda was: 1 / 0)
    app.failed_request(lambda was, exc_info: was.response("503 Service Unavailable"))
    response = answer(app, Request("GET", "/broken"))
    assert response.status == 503
    assert b'"code":50300' in bytes(response.body)


def test_a_hook_for_failures_that_fails_is_a_500(app: Atila, caplog: pytest.LogCaptureFixture) -> None:
    app.route("/broken", methods=["GET"])(lambda was: 1 / 0)
    app.failed_request(lambda was, exc_info: exc_info["mistake"])
    response = answer(app, Request("GET", "/broken"))
    assert (response.status, b'"code":50000' in bytes(response.body)) == (500, True)
    assert "TypeError: tuple indices" in caplog.text


def test_an_error_handler_that_fails_is_a_500_also_where_no_route_is(app: Atila) -> None:
    app.error_handler(404)(lambda was, error: 1 / 0)
    response = answer(app, Request("GET", "/nothing"))
    assert (response.status, b'"code":50000' in bytes(response.body)) == (500, True)


class Source:
    """A body in pieces that counts its closings."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        raise AssertionError("nobody reads it")

    def close(self) -> None:
        self.closed += 1


def test_a_stream_is_closed_when_what_comes_after_it_fails(app: Atila) -> None:
    source = Source()

    @app.route("/stream", methods=["GET"])
    def stream(was: Was) -> object:
        was.session.set("a", secrets.token_hex(5000))  # more than a cookie holds, as its writing will find
        return source

    app.securekey = "k" * 40
    assert answer(app, Request("GET", "/stream")).status == 500
    assert source.closed == 1


def test_teardown_runs_whatever_happens_and_its_errors_change_nothing(app: Atila) -> None:
    seen: list[str] = []

    @app.teardown_request
    def teardown(was: Was) -> None:
        seen.append(was.request.path)
        raise LookupError("logged")

    app.route("/broken", methods=["GET"])(lambda was: 1 / 0)
    for path, status in (("/", 200), ("/broken", 500), ("/nothing", 404)):
        assert answer(app, Request("GET", path)).status == status
    assert seen == ["/", "/broken"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_call_of_another_protocol_gets_the_result_itself(app: Atila, fails: bool) -> None:
    seen: list[str] = []
    if fails:
        app.before_request(lambda was: 1 / 0)
    app.teardown_request(lambda was: seen.append("down"))

    @app.route("/call", methods=["POST"])
    async def call(was: Was, **fields: Any) -> object:
        await asyncio.sleep(0)
        return {"a": 1}

    async def perform() -> Any:
        request = Request("POST", "/call", wire="grpc")
        perform = app.resolve(request).perform
        assert perform is not None
        return await perform(request)

    if fails:
        with pytest.raises(HTTPError, match="500"):
            asyncio.run(perform())
    else:
        assert asyncio.run(perform()) == {"a": 1}
    assert seen == ["down"]
