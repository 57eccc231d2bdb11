"""Chapter 4: what handlers return, and what crosses the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf


@pytest.mark.row("4.1")
@pytest.mark.parametrize("value", ["héllo", "héllo".encode(), bytearray("héllo".encode())])
def test_text_and_bytes_are_pages(app: Atila, client_of: ClientOf, value: Any) -> None:
    @app.route("/")
    def page(was: Was) -> Any:
        return value

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.text) == (200, "héllo")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.row("4.1")
def test_nothing_to_say_is_an_empty_answer_without_type(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    async def page(was: Was) -> str:
        return ""

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-type" not in answer.headers


@pytest.mark.row("4.1", "4.31")
@pytest.mark.parametrize("value", [None, 5, {"a": 1}, [], object()])
def test_what_has_no_form_over_http_is_an_error_that_says_what_to_return(
    app: Atila, client_of: ClientOf, value: object
) -> None:
    app.debug = True

    @app.route("/")
    def page(was: Was) -> object:
        return value

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "return" in answer.data["more_info"]


@pytest.mark.row("4.2", "4.6")
def test_status_body_and_headers_in_one_call(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        was.response("201 Created", headers=[("Cache-Control", "max-age=60")])
        assert was.response.get_status() == "201 Created"  # set at once, not only when it is returned
        return was.response("202 Accepted", "later", [("X-Kind", "a")])

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.text) == (202, "later")
    assert answer.headers["cache-control"] == "max-age=60"
    assert answer.headers["x-kind"] == "a"


@pytest.mark.row("4.2")
def test_the_three_ways_to_a_header_are_the_same(app: Atila, client_of: ClientOf) -> None:
    @app.route("/a")
    def first(was: Was) -> object:
        return was.response("200 OK", "hello", [("Cache-Control", "max-age=60")])

    @app.route("/b")
    def second(was: Was) -> object:
        return was.response(body="hello", headers=[("Cache-Control", "max-age=60")])

    @app.route("/c")
    def third(was: Was) -> object:
        was.response.set_header("Cache-Control", "max-age=60")
        return "hello"

    client = client_of(app)
    answers = [client.get(path) for path in ("/a", "/b", "/c")]
    assert {(answer.status_code, answer.text, answer.headers["cache-control"]) for answer in answers} == {
        (200, "hello", "max-age=60")
    }


@pytest.mark.row("4.2", "4.3")
def test_a_status_without_body_gets_a_generated_document(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        return was.response("403 Staff Permission Required")

    client = client_of(app)
    answer = client.get("/")
    assert answer.status_code == 403
    assert answer.data == {"code": 40300, "message": "staff permission required"}
    page_of_it = client.get("/", headers={"Accept": "text/html"})
    assert "<title>403 Staff Permission Required</title>" in page_of_it.text


@pytest.mark.row("4.2", "8.3")
def test_a_status_that_a_handler_answers_is_no_failed_request(app: Atila, client_of: ClientOf) -> None:
    failures: list[object] = []

    @app.failed_request
    def failed(was: Was, exc_info: object) -> None:
        failures.append(exc_info)

    @app.route("/")
    def page(was: Was) -> object:
        return was.response("404 Not Found")

    assert client_of(app).get("/").status_code == 404
    assert failures == []


@pytest.mark.row("4.2")
def test_a_success_without_body_is_empty(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        return was.response("202 Accepted")

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.row("4.3")
@pytest.mark.parametrize("status", ["Not Found", "", "4040 Odd", "700 Odd", "200 a\r\nb"])
def test_a_status_that_is_none_is_an_error(app: Atila, client_of: ClientOf, status: str) -> None:
    app.debug = True

    @app.route("/")
    def page(was: Was) -> object:
        return was.response(status, "x")

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "is not a status" in answer.data["more_info"]


@pytest.mark.row("4.4")
def test_an_explanation_is_the_detail(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        return was.response.with_explain("503 Service Unavailable", "back on <Thursday>")

    client = client_of(app)
    assert client.get("/").data == {
        "code": 50300, "message": "service unavailable", "more_info": "back on <Thursday>"
    }  # fmt: skip
    assert "<p>back on &lt;Thursday&gt;</p>" in client.get("/", headers={"Accept": "text/html"}).text


@pytest.mark.row("4.5", "4.6", "4.7")
def test_status_and_headers_can_be_read_and_changed(app: Atila, client_of: ClientOf) -> None:
    seen: dict[str, object] = {}

    @app.route("/")
    def page(was: Was) -> str:
        response = was.response
        response.set_status(201)
        response.set_headers([("X-One", "1"), ("X-Two", "2")])
        response.set_header("x-one", "one")
        response.del_header("X-TWO")
        seen.update(
            status=response.get_status(), one=response.get_header("X-ONE"), two=response.get_header("x-two", "none"),
            all=response.get_headers(),
        )  # fmt: skip
        return "x"

    answer = client_of(app).get("/")
    assert seen == {"status": "201 Created", "one": "one", "two": "none", "all": [("x-one", "one")]}
    assert (answer.status_code, answer.headers.get_all("x-one")) == (201, ["one"])


@pytest.mark.row("4.6")
@pytest.mark.parametrize(
    ("name", "value"), [("X-A", "a\r\nSet-Cookie: b=c"), ("X A", "a"), ("", "a"), ("X-A", "\u2028")]
)
def test_a_header_cannot_break_the_message(app: Atila, client_of: ClientOf, name: str, value: str) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.response.set_header(name, value)
        return "x"

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers


@pytest.mark.row("4.8")
def test_throw_ends_the_request(app: Atila, client_of: ClientOf) -> None:
    after: list[str] = []

    @app.route("/")
    def page(was: Was) -> str:
        was.response.throw("410 Gone Fishing")
        after.append("ran on")
        return "x"

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.data["message"], after) == (410, "gone fishing", [])


@pytest.mark.row("4.9")
def test_a_promise_is_a_link(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.response.hint_promise("/style.css")
        was.push("/script.js")
        return "x"

    @app.route("/odd")
    def odd(was: Was) -> str:
        was.push("/a>; rel=preload, </b")
        return "x"

    client = client_of(app)
    assert client.get("/").headers.get_all("link") == ["</style.css>; rel=preload", "</script.js>; rel=preload"]
    assert client.get("/odd").status_code == 500


@pytest.mark.row("4.24")
def test_a_file_is_sent_with_its_length(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789")

    @app.route("/typed")
    def typed(was: Was) -> object:
        return was.File(path, "text/plain")

    @app.route("/plain")
    async def plain(was: Was) -> object:
        return was.File(str(path))

    client = client_of(app)
    answer = client.get("/typed")
    assert (answer.content, answer.headers["content-type"]) == (b"0123456789", "text/plain")
    assert answer.headers["content-length"] == "10"
    assert client.get("/plain").headers["content-type"] == "application/octet-stream"
    assert client.head("/typed").headers["content-length"] == "10"


@pytest.mark.row("4.24")
@pytest.mark.parametrize("name", ["missing", "", "a\x00b"])
def test_a_file_that_is_not_there_is_404(app: Atila, client_of: ClientOf, tmp_path: Path, name: str) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        return was.File(f"{tmp_path}/{name}")

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.data["code"]) == (404, 40400)
    assert str(tmp_path) not in answer.text


@pytest.mark.row("4.26")
@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_generator_is_sent_in_pieces(app: Atila, client_of: ClientOf, kind: str) -> None:
    def rows() -> Iterator[str | bytes]:
        yield from ("a,b\n", b"", "", b"c,d\n")

    async def rows_later() -> AsyncIterator[str]:
        for row in ("a,b\n", "", "c,d\n"):
            yield row

    @app.route("/")
    def page(was: Was) -> object:
        return was.response("200 OK", rows() if kind == "plain" else rows_later(), [("Content-Type", "text/csv")])

    answer = client_of(app).get("/")
    assert (answer.text, answer.headers["content-type"]) == ("a,b\nc,d\n", "text/csv")
    assert "content-length" not in answer.headers
