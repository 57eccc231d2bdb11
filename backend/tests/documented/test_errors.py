"""Chapters 4 and 14: what an error becomes, and the functions that may make something else of it."""

from __future__ import annotations

from typing import Any

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf

HTML = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.row("4.17", "4.19")
def test_an_error_has_a_code_a_message_and_more(app: Atila, client_of: ClientOf) -> None:
    @app.route("/plain")
    def plain(was: Was) -> str:
        raise was.Error("404 Not Found")

    @app.route("/full")
    async def full(was: Was) -> str:
        raise was.Error("409 Name Is Taken", "hans is here already", 40901)

    @app.route("/number")
    def number(was: Was) -> str:
        raise was.HttpError(410)

    client = client_of(app)
    short = client.get("/plain")
    assert (short.status_code, short.data) == (404, {"code": 40400, "message": "not found"})
    answer = client.get("/full")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/json")
    assert answer.data == {"code": 40901, "message": "name is taken", "more_info": "hans is here already"}
    assert client.get("/number").data == {"code": 41000, "message": "gone"}


@pytest.mark.row("4.18", "4.20")
@pytest.mark.parametrize(("accept", "kind"), [
    (None, "json"), ("*/*", "json"), ("application/json", "json"), ("text/*", "json"), ("text/html", "html"),
    ("text/html;q=0.5", "html"), ("text/html;q=0", "json"), ("application/json, text/html", "html"), ("", "json"),
    ("nonsense;;;", "json"), (HTML["Accept"], "html"),
])  # fmt: skip
def test_a_page_for_browsers_and_json_for_the_others(
    app: Atila, client_of: ClientOf, accept: str | None, kind: str
) -> None:
    answer = client_of(app).get("/nowhere", headers={} if accept is None else {"Accept": accept})
    assert answer.status_code == 404
    assert answer.headers["vary"] == "accept"
    if kind == "html":
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<title>404 Not Found</title>" in answer.text
    else:
        assert answer.data == {"code": 40400, "message": "not found"}


@pytest.mark.row("4.20")
@pytest.mark.parametrize("debug", [False, True])
def test_nothing_can_be_injected_into_the_page(app: Atila, client_of: ClientOf, debug: bool) -> None:
    app.debug = debug
    evil = "<script>alert(1)</script>"

    @app.route("/")
    def page(was: Was, text: str) -> str:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise was.Error(f"400 {text}", text) from error

    @app.route("/<path:rest>")
    def typed(was: Was, rest: str, number: int) -> str:
        return "x"

    client = client_of(app)
    for path, params in (("/", {"text": evil}), (f"/{evil}", {"number": evil, evil: "1"}), ("/", {evil: "1"})):
        answer = client.get(path, params, headers=HTML)
        assert answer.status_code == 400
        assert "<script" not in answer.text
        assert "alert(1)" in answer.text


@pytest.mark.row("4.21", "4.23")
def test_an_exception_is_500_and_tells_nothing(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        raise RuntimeError("the password is 1234")

    client = client_of(app)
    answer = client.get("/")
    assert (answer.status_code, answer.data) == (500, {"code": 50000, "message": "internal server error"})
    assert "1234" not in client.get("/", headers=HTML).text
    app.debug = True
    data = client.get("/").data
    assert data["more_info"] == "RuntimeError: the password is 1234"
    assert data["traceback"][0] == "[RuntimeError] the password is 1234"
    page_of_it = client.get("/", headers=HTML).text
    assert "RuntimeError: the password is 1234" in page_of_it
    assert "raise RuntimeError(&quot;the password is 1234&quot;)" in page_of_it  # the line of source


@pytest.mark.row("4.21")
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_only_exceptions_become_answers(app: Atila, client_of: ClientOf, error: type[BaseException]) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        raise error

    client = client_of(app)
    with pytest.raises(error):
        client.get("/")


@pytest.mark.row("14.1", "14.2", "14.4")
def test_a_handler_for_a_code_and_one_for_the_rest(app: Atila, client_of: ClientOf) -> None:
    @app.error_handler(404)
    def not_found(was: Was, error: dict[str, Any]) -> str:
        return "<h1>{code} {message}</h1>".format(**error)

    @app.default_error_handler
    async def default(was: Was, error: dict[str, Any]) -> object:
        return was.API(default=error["code"])

    app.route("/get", methods=["GET"])(lambda was: was.response("404 Not Here"))
    app.route("/fail")(lambda was: 1 / 0)
    client = client_of(app)
    for path, text in (("/nowhere", "<h1>404 not found</h1>"), ("/get", "<h1>404 not here</h1>")):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, text)
    assert client.post("/get").data == {"default": 405}
    assert client.post("/get").headers["allow"] == "GET, HEAD"
    assert (client.get("/fail").status_code, client.get("/fail").data) == (500, {"default": 500})


@pytest.mark.row("14.3")
@pytest.mark.parametrize("debug", [False, True])
def test_what_a_handler_is_told(app: Atila, client_of: ClientOf, debug: bool) -> None:
    told: list[dict[str, Any]] = []
    app.debug = debug

    @app.default_error_handler
    def default(was: Was, error: dict[str, Any]) -> str:
        told.append(error)
        return "x"

    @app.route("/a b")
    def page(was: Was, q: str) -> str:
        raise was.Error("409 Taken", "it is", 40901)

    client_of(app).get("/a%20b?q=1")
    [error] = told
    frames = error.pop("traceback")
    assert error.pop("time").endswith("Z")
    assert error == {
        "code": 409, "errno": 40901, "message": "taken", "reason": "Taken", "detail": "it is", "errors": [],
        "mode": "debug" if debug else "normal", "debug": debug, "url": "http://testserver/a%20b?q=1",
        "software": "atila",
    }  # fmt: skip
    assert frames is None if not debug else frames[0] == "[HTTPError] 409 Taken: it is"


@pytest.mark.row("14.3")
def test_without_a_number_of_its_own_errno_is_0(app: Atila, client_of: ClientOf) -> None:
    app.default_error_handler(lambda was, error: was.API(errno=error["errno"]))
    assert client_of(app).get("/nowhere").data == {"errno": 0}


@pytest.mark.row("14.5")
def test_a_handlers_text_is_a_page_whatever_the_view_had_in_mind(app: Atila, client_of: ClientOf) -> None:
    app.default_error_handler(lambda was, error: "a page")

    @app.route("/")
    def page(was: Was) -> str:
        was.response.set_headers([
            ("Content-Type", "text/csv"), ("Content-Disposition", "attachment"), ("Cache-Control", "max-age=9999"),
            ("ETag", '"1"'), ("Location", "/new"), ("Vary", "cookie"), ("X-Own", "1"),
        ])  # fmt: skip
        raise was.Error("503 Service Unavailable")

    answer = client_of(app).get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {"content-disposition", "cache-control", "etag", "location"} & set(answer.headers) == set()
    assert (answer.headers["x-own"], answer.headers["vary"]) == ("1", "cookie")


@pytest.mark.row("14.1")
def test_a_handler_that_returns_nothing_leaves_the_default(app: Atila, client_of: ClientOf) -> None:
    app.default_error_handler(lambda was, error: was.cookie.set("seen", "1"))
    answer = client_of(app).get("/nowhere")
    assert answer.data == {"code": 40400, "message": "not found"}
    assert answer.headers["set-cookie"].startswith("seen=1;")


@pytest.mark.row("14.1")
@pytest.mark.parametrize("path", ["/nowhere", "/fail"])
def test_a_handler_that_fails_is_500(app: Atila, client_of: ClientOf, path: str) -> None:
    @app.default_error_handler
    def default(was: Was, error: dict[str, Any]) -> str:
        was.response.set_header("X-Half", "1")
        raise KeyError("mistake")

    app.route("/fail")(lambda was: 1 / 0)
    answer = client_of(app).get(path)
    assert (answer.status_code, answer.data["code"]) == (500, 50000)
    assert "x-half" not in answer.headers


@pytest.mark.row("14.1")
def test_an_errors_own_headers_are_checked_too(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was, value: str) -> str:
        raise was.Error(503, headers=[("Retry-After", value)])

    client = client_of(app)
    assert client.get("/", {"value": "60"}).headers["retry-after"] == "60"
    forged = client.get("/", {"value": "60\r\nSet-Cookie: a=b"})
    assert forged.status_code == 500
    assert "set-cookie" not in forged.headers


@pytest.mark.row("14.6")
def test_all_errors_as_json_in_one_line(app: Atila, client_of: ClientOf) -> None:
    """The documentation's how-to, as it stands there."""

    @app.default_error_handler
    def default_error_handler(was: Was, error: dict[str, Any]) -> object:
        code = error["errno"] or str(error["code"]) + "00"
        return was.response.fault(
            error["message"].lower(), code, None, error["detail"], exc_info=error["traceback"]
        )  # fmt: skip

    @app.route("/")
    def page(was: Was) -> str:
        raise was.Error("409 Taken", "it is", 40901)

    app.route("/fail")(lambda was: 1 / 0)
    client = client_of(app)
    answer = client.get("/nowhere", headers=HTML)
    assert (answer.status_code, answer.data) == (404, {"code": 40400, "message": "not found"})
    assert answer.headers["content-type"] == "application/json"
    assert client.get("/").data == {"code": 40901, "message": "taken", "more_info": "it is"}
    assert client.get("/fail").data == {"code": 50000, "message": "internal server error"}
    app.debug = True
    assert client.get("/fail").data["traceback"][0] == "[ZeroDivisionError] division by zero"


@pytest.mark.row("4.18")
def test_every_faulty_parameter_is_listed_on_the_page_too(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was, size: int, width: int) -> str:
        return "x"

    client = client_of(app)
    answer = client.get("/?size=a")
    assert answer.data["code"] == 40050
    assert [item["name"] for item in answer.data["errors"]] == ["size", "width"]
    assert client.get("/?size=a", headers=HTML).text.count("<li>") == 2
