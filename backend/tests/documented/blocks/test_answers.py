"""Blocks on what handlers return."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atila import Atila
from tests.documented.blocks.conftest import Write
from tests.documented.conftest import ClientOf


def test_a_page_with_a_header_in_three_ways(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("hello.htm", "Hello")

    @app.route("/0")
    def plain(was: Any) -> Any:
        return was.render("hello.htm")

    @app.route("/1")
    def by_place(was: Any) -> Any:
        return was.response("200 OK", was.render("hello.htm"), [("Cache-Control", "max-age=60")])

    @app.route("/2")
    def by_name(was: Any) -> Any:
        return was.response(body=was.render("hello.htm"), headers=[("Cache-Control", "max-age=60")])

    @app.route("/3")
    def by_call(was: Any) -> Any:
        was.response.set_header("Cache-Control", "max-age=60")
        return was.render("hello.htm")

    cli = client_of(app)
    answers = [cli.get(f"/{number}") for number in range(4)]
    assert {answer.text for answer in answers} == {"Hello"}
    assert [answer.headers.get("cache-control") for answer in answers] == [None, *["max-age=60"] * 3]


def test_a_status_with_a_page_of_ones_own_or_the_default_one(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("err404.htm", "Not here")
    app.route("/own")(lambda was: was.response("404 Not Found", was.render("err404.htm")))
    app.route("/default")(lambda was: was.response("404 Not Found"))
    cli = client_of(app)
    assert (cli.get("/own").status_code, cli.get("/own").text) == (404, "Not here")
    assert "404 Not Found" in cli.get("/default", headers={"Accept": "text/html"}).text


def test_an_exception_shown_on_the_error_page(app: Atila, client_of: ClientOf) -> None:
    app.debug = True

    @app.route("/raise_exception")
    def raise_exception(was: Any) -> Any:
        try:
            raise ValueError("Test Error")
        except ValueError:
            return was.response("500 Internal Server Error", exc_info=sys.exc_info())

    answer = client_of(app).get("/raise_exception", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert "Test Error" in answer.text


def test_an_error_page_with_an_explanation(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("errors/default.html", "{{ error.code }} {{ error.message }}: {{ error.detail }}")

    @app.default_error_handler
    def default_error_handler(was: Any, error: Any) -> Any:
        return was.render("errors/default.html", error=error)

    @app.route("/")
    def error(was: Any) -> Any:
        return was.response.with_explain("503 Service Unavailable", "Please Visit On Thurse Day")

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.text) == (503, "503 service unavailable: Please Visit On Thurse Day")


def test_a_file_and_a_generator(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    movie = tmp_path / "mypicnic.mp4"
    movie.write_bytes(bytes(range(256)) * 400)

    @app.route("/streaming")
    def streaming(was: Any) -> Any:
        return was.response("200 OK", movie.open("rb"), headers=[("Content-Type", "video/mp4")])

    @app.route("/csv")
    def build_csv(was: Any) -> Any:
        def generate() -> Iterator[str]:
            for row in (["a", "b"], ["1", "2"]):
                yield ",".join(row) + "\n"

        return was.response("200 OK", generate(), headers=[("Content-Type", "text/csv")])

    cli = client_of(app)
    answer = cli.get("/streaming")
    assert (answer.content, answer.headers["content-type"]) == (movie.read_bytes(), "video/mp4")
    assert (cli.get("/csv").text, cli.get("/csv").headers["content-type"]) == ("a,b\n1,2\n", "text/csv")


def test_a_file_by_its_name_or_404(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("content")

    @app.route("/<filename>")
    def getfile(was: Any, filename: str) -> Any:
        path = tmp_path / filename
        if not path.is_file():
            raise was.Error("404 Not Found", f"{filename} not exists")
        return was.File(str(path))

    cli = client_of(app)
    assert cli.get("/a.txt").content == b"content"
    missing = cli.get("/b.txt")
    assert (missing.status_code, missing.data["more_info"]) == (404, "b.txt not exists")


def test_json_in_its_shapes(app: Atila, client_of: ClientOf) -> None:
    app.route("/fault")(lambda was: was.Fault("200 OK", data=[1, 2, 3]))
    app.route("/empty-fault")(lambda was: was.Fault("201 Accept"))
    app.route("/api")(lambda was: was.API(data=[1, 2, 3]))
    app.route("/empty")(lambda was: was.API())
    cli = client_of(app)
    assert cli.get("/fault").data == cli.get("/api").data == {"data": [1, 2, 3]}
    assert (cli.get("/empty-fault").status_code, cli.get("/empty-fault").data, cli.get("/empty").data) == (201, {}, {})


def test_json_that_tells_an_error(app: Atila, client_of: ClientOf) -> None:
    app.route("/short")(lambda was: was.Fault("400 Bad Request", "missing parameter", 10021))
    app.route("/long")(
        lambda was: was.Fault(
            "400 Bad Request",
            "missing parameter",
            10021,
            "need parameter offset and limit",
            "http://127.0.0.1/moreinfo/10021",
        )
    )
    cli = client_of(app)
    assert cli.get("/short").status_code == 400
    assert cli.get("/short").data == {"message": "missing parameter", "code": 10021}
    assert cli.get("/long").data == {
        "message": "missing parameter",
        "code": 10021,
        "debug": "need parameter offset and limit",
        "more_info": "http://127.0.0.1/moreinfo/10021",
    }


def test_json_with_a_traceback(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def search(was: Any) -> Any:
        try:
            aa  # type: ignore[name-defined]  # noqa: B018 - the block's mistake is its point
        except NameError:
            return was.Fault("500 Internal Server Error", "somethig is not valid", 10022, traceback=True)

    data = client_of(app).get("/").data
    assert (data["code"], data["message"], data["debug"]) == (10022, "somethig is not valid", "see traceback")
    assert "name 'aa' is not defined" in data["traceback"][0]
    assert "function search" in data["traceback"][1]


def test_all_errors_as_json(app: Atila, client_of: ClientOf) -> None:
    @app.default_error_handler
    def default_error_handler(was: Any, error: Any) -> Any:
        code = error["errno"] or int(f"{error['code']}00")
        return was.Fault(
            error["code"], error["message"].lower(), code, None, error["detail"], exc_info=error["traceback"]
        )

    answer = client_of(app).get("/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.data) == (404, {"message": "not found", "code": 40400})
