"""Chapter 14: what is written to the log, in one line for each record."""

from __future__ import annotations

import logging

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf


def lines(caplog: pytest.LogCaptureFixture, name: str = "atila.tests") -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records if record.name == name]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.row("14.7", "14.8")
def test_a_line_has_the_requests_id(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.log("called index")
        was.log("exception occurred", "error")
        was.log({"a": 1}, "debug")
        was.log("odd", "mine")
        return "x"

    request_id = client_of(app).get("/").headers["x-request-id"]
    assert lines(caplog) == [
        ("INFO", f"{request_id} called index"), ("ERROR", f"{request_id} exception occurred"),
        ("DEBUG", f"{request_id} {{'a': 1}}"), ("INFO", f"{request_id} [mine] odd"),
    ]  # fmt: skip


@pytest.mark.row("14.7")
@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\x85b", "a\u2028b", "a\x00b", "a\x9bb"])
def test_no_text_makes_a_second_line(
    app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.log(text)
        was.log("x", text)
        try:
            raise ValueError(text)
        except ValueError:
            was.traceback(text)
        return "x"

    client_of(app).get("/")
    messages = [message for _, message in lines(caplog)]
    assert len(messages) == 3
    for message in messages:
        assert message.isprintable()
        assert len(message.splitlines()) == 1


@pytest.mark.row("14.7")
def test_a_traceback_says_what_and_where(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.traceback()  # there is no exception, so nothing is written
        try:
            raise ValueError("no such stone")
        except ValueError:
            was.traceback()
            was.traceback("find-me")
        return "x"

    request_id = client_of(app).get("/").headers["x-request-id"]
    (_, first), (_, second) = lines(caplog)
    assert first.startswith(f"{request_id} ValueError: no such stone at {__file__}:")
    assert first.endswith("in page")
    assert second.startswith("find-me ValueError")
    assert all(record.exc_info for record in caplog.records if record.name == "atila.tests")


@pytest.mark.row("14.7")
def test_exceptions_are_logged_by_themselves(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    app.route("/fail")(lambda was: 1 / 0)

    @app.route("/refuse")
    def refuse(was: Was) -> str:
        raise was.Error("404 Not Found")

    client = client_of(app)
    client.get("/refuse")
    client.get("/nowhere")
    assert lines(caplog) == []  # an answer that was meant is no news
    request_id = client.get("/fail").headers["x-request-id"]
    [(level, message)] = lines(caplog)
    assert level == "ERROR"
    assert message.startswith(f"{request_id} ZeroDivisionError: division by zero at ")


@pytest.mark.row("14.8")
def test_a_clients_id_counts_only_behind_a_proxy(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was: "x")
    client = client_of(app)
    answers = [client.get("/", headers={"X-Request-ID": "mine"}) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert "mine" not in ids
