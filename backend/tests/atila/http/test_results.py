"""What a handler returns, as status, headers and bytes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from atila import API, Atila, File, Was
from atila.http.markup import Html
from atila.http.problem import describe_exception, fault_data
from atila.http.response import FileBody, Response
from atila.http.results import encode, fault, redirect


class Point(msgspec.Struct):
    """A record."""

    x: int


@dataclasses.dataclass
class Pair:
    """Another one."""

    a: str


class Page(API[dict[str, Any]]):
    """An answer of an app's own kind."""


def encoded(result: object) -> tuple[int, str | None, Any]:
    response = Response()
    encode(response, result)
    return response.status, response.get_header("content-type"), response.body


@pytest.mark.parametrize(("result", "status", "kind", "body"), [
    (Point(1), 200, "application/json", b'{"x":1}'), (Pair("b"), 200, "application/json", b'{"a":"b"}'),
    (API([1]), 200, "application/json", b"[1]"), (Page("201 Made", a=1), 201, "application/json", b'{"a":1}'),
    (Html("<b>"), 200, "text/html; charset=utf-8", b"<b>"), (memoryview(b"x"), 200, "text/html; charset=utf-8", b"x"),
    (b"", 200, None, b""), (fault(404), 404, "application/json", b'{"code":40400,"message":"not found"}'),
])  # fmt: skip
def test_results_and_their_bytes(result: object, status: int, kind: str | None, body: bytes) -> None:
    assert encoded(result) == (status, kind, body)


def test_api_can_be_filled_later() -> None:
    answer: API[dict[str, int]] = API(a=1)
    answer["b"] = answer["a"] + 1
    assert encoded(answer)[2] == b'{"a":1,"b":2}'
    with pytest.raises(TypeError, match="status line"):
        API(5, {"a": 1})
    with pytest.raises(TypeError, match="merged into a dict"):
        API([1], a=1)


def test_a_type_that_was_set_stays() -> None:
    response = Response(headers=[("content-type", "text/csv")])
    encode(response, "a,b")
    assert response.get_headers() == [("content-type", "text/csv")]


def test_the_status_of_an_answer_inside_an_answer() -> None:
    response = Response(201)
    encode(response, Response(200, [("x-a", "1")], "x"))
    assert (response.status, response.get_header("x-a")) == (201, "1")
    encode(response, redirect("/", 303))
    assert response.get_status() == "303 See Other"


def test_a_files_type_is_read_off_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"123")
    assert encoded(File.guessed(path)) == (200, "image/png", FileBody(str(path), 3))
    assert File.guessed("x.unknown-kind").mimetype == "application/octet-stream"
    with pytest.raises(ValueError, match="content-type"):
        encoded(File(path, "text/html\r\nx: y"))


@pytest.mark.parametrize("adapter", ["rsgi", "asgi"])
def test_a_part_of_a_file(tmp_path: Path, adapter: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789")
    app = Atila("tests")

    @app.route("/part")
    def part(was: Was) -> object:
        return FileBody(str(path), 10, 2, 5)

    @app.route("/rest")
    async def rest(was: Was) -> object:
        return FileBody(str(path), 10, 8)

    with app.test_client(adapter=adapter) as client:
        assert (client.get("/part").text, client.get("/rest").text) == ("234", "89")
        assert client.head("/part").headers["content-length"] == "3"


def test_exceptions_as_lines() -> None:
    assert describe_exception() == []
    assert describe_exception(["made", 5]) == ["made", "5"]
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        for given in (None, error, (ValueError, error, error.__traceback__)):
            assert describe_exception(given)[0] == "[ValueError] a\nb"
    assert fault_data("m", 1, traceback=True) == {"code": 1, "message": "m"}  # there is no exception
