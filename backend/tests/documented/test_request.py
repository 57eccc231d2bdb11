"""Chapter 3, first half: what a handler can read off the request."""

from __future__ import annotations

from typing import Any

import pytest

from atila import Atila, Was
from atila.http.request import Request
from tests.documented.conftest import ClientOf


@pytest.fixture
def seen(app: Atila) -> list[Request]:
    """The requests that reached "/x/<int:id>" of the app."""
    requests: list[Request] = []

    @app.route("/x/<int:id>", methods=["GET", "POST", "PUT"])
    def view(was: Was, id: int, limit: int = 20, **rest: object) -> str:
        requests.append(was.request)
        return "ok"

    return requests


@pytest.mark.row("3.1", "3.2", "3.3", "3.4")
def test_the_first_line(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    cli = client_of(app)
    cli.put("/x/1?a=%20b&c=%ED%95%9C", scheme="https")
    cli.get("/x/1")
    request, plain = seen
    assert (request.method, request.command) == ("PUT", "put")
    assert request.uri == "/x/1?a=%20b&c=%ED%95%9C"
    assert request.version == "1.1"
    assert request.scheme == request.get_scheme() == "https"
    assert (plain.uri, plain.scheme) == ("/x/1", "http")


@pytest.mark.row("3.2")
def test_the_uri_escapes_what_a_path_may_not_hold(app: Atila, client_of: ClientOf) -> None:
    app.route("/<path:path>")(lambda was, path, **rest: was.request.uri)
    cli = client_of(app)
    for uri in ("/a%25b", "/%ED%95%9C/x%20y", "/a+b;c=d,e@f", "/100%25?x=%2F"):
        assert cli.get(uri).text == uri


@pytest.mark.row("3.5", "3.12", "3.13")
def test_headers_are_found_in_any_case(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    client_of(app).get("/x/1", headers={"X-Token": "abc"})
    request = seen[0]
    assert request.headers["x-token"] == request.headers["X-TOKEN"] == request.get_header("x-Token") == "abc"
    assert "X-Token" in request.headers
    assert request.get_header("x-none") is None
    assert request.get_header("x-none", "default") == "default"
    assert ("x-token", "abc") in request.get_headers()
    with pytest.raises(KeyError):
        request.headers["x-none"]


@pytest.mark.row("3.6")
def test_the_body_is_bytes_or_none(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    cli = client_of(app)
    cli.post("/x/1", b"\x00raw", headers={"Content-Type": "application/octet-stream"})
    cli.get("/x/1")
    assert seen[0].body == seen[0].get_body() == b"\x00raw"
    assert seen[1].body is None


@pytest.mark.row("3.7", "3.24", "3.25", "3.27", "3.35")
def test_args_are_all_parameters_the_path_wins_then_the_body(
    app: Atila, seen: list[Request], client_of: ClientOf
) -> None:
    client_of(app).post("/x/5?id=7&a=query&b=query", json={"a": "body", "c": [1]})
    request = seen[0]
    assert request.args == request.ARGS == {"id": 5, "limit": 20, "a": "body", "b": "query", "c": [1]}
    assert request.args.limit == 20
    assert request.args.get("none") is None
    with pytest.raises(AttributeError, match="no parameter 'none'"):
        request.args.none  # noqa: B018 - reading it is the test


@pytest.mark.row("3.8")
def test_split_uri(app: Atila, client_of: ClientOf) -> None:
    app.route("/<path:path>")(lambda was, path, **rest: was.API(parts=was.request.split_uri()))
    cli = client_of(app)
    assert cli.get("/a/b?x=1&y=2").data["parts"] == ["/a/b", None, "?x=1&y=2", None]
    assert cli.get("/a/b;v=1").data["parts"] == ["/a/b", ";v=1", None, None]


@pytest.mark.row("3.9", "3.10", "3.11", "3.21", "3.22")
@pytest.mark.parametrize(
    ("sent", "json", "form", "data"),
    [
        ({"json": {"a": 1}}, {"a": 1}, None, {"a": 1}),
        ({"data": {"a": 1}}, None, {"a": "1"}, {"a": "1"}),
        ({"files": {}, "data": {"a": 1}}, None, {"a": "1"}, {"a": "1"}),
        ({"data": b'{"a": 1}', "headers": {"Content-Type": "application/x+json"}}, {"a": 1}, None, {"a": 1}),
        ({"data": b"a=1", "headers": {"Content-Type": "text/plain"}}, None, None, {}),
        ({}, None, None, {}),
    ],
)
def test_a_body_is_read_by_its_content_type(
    app: Atila, seen: list[Request], client_of: ClientOf, sent: dict[str, Any], json: Any, form: Any, data: Any
) -> None:
    assert client_of(app).post("/x/1", **sent).text == "ok"
    request = seen[0]
    assert request.json() == request.JSON == json
    assert request.form() == request.FORM == form
    assert request.dict() == request.DATA == data


@pytest.mark.row("3.9", "3.37")
def test_a_handler_may_read_a_json_array_itself(app: Atila, client_of: ClientOf) -> None:
    @app.route("/rows/<name>")
    def rows(was: Was, name: str) -> object:
        return was.API(rows=was.request.json(), name=name)

    @app.route("/all")
    def everything(was: Was) -> object:
        return was.API(rows=was.request.json())

    cli = client_of(app)
    assert cli.post("/rows/x", json=[1, 2]).data == {"rows": [1, 2], "name": "x"}
    assert cli.post("/all", json=[{"a": 1}]).data == {"rows": [{"a": 1}]}


@pytest.mark.row("3.14", "3.15")
def test_the_clients_address_comes_from_a_trusted_proxy_only() -> None:
    headers = {"x-forwarded-for": "6.6.6.6, 8.8.8.8", "x-forwarded-proto": "https"}
    direct = Request("GET", "/", source=headers, peer="10.0.0.1")
    assert (direct.get_remote_addr(), direct.scheme, direct.is_private_ip()) == ("10.0.0.1", "http", True)
    proxied = Request("GET", "/", source=headers, peer="10.0.0.1", forwarded=True)
    assert proxied.get_remote_addr() == proxied.get_real_ip() == "8.8.8.8"
    assert (proxied.scheme, proxied.is_private_ip()) == ("https", False)
    assert Request("GET", "/", source={}, peer="10.0.0.1", forwarded=True).get_remote_addr() == "10.0.0.1"
    assert Request("GET", "/", peer="unix").is_private_ip() is False


@pytest.mark.row("3.16", "3.17", "3.18")
def test_what_the_client_says_of_itself_and_its_body(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    cli = client_of(app)
    cli.post("/x/1", b"{}", headers={"Content-Type": "Application/JSON; charset=utf-8", "User-Agent": "curl/8"})
    cli.get("/x/1")
    request, bare = seen
    assert request.get_user_agent() == "curl/8"
    assert request.get_content_type() == "application/json"
    assert (request.get_main_type(), request.get_sub_type()) == ("application", "json")
    assert (bare.get_content_type(), bare.get_main_type(), bare.get_sub_type()) == (None, None, None)


@pytest.mark.row("3.19", "3.20", "3.23")
def test_parameters_by_where_they_came_from(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    client_of(app).get("/x/5?topic=x")
    request = seen[0]
    assert request.PARAMS == {"id": 5}
    assert request.PARAMS.id == 5  # type: ignore[attr-defined]  # attributes are the test
    assert request.URL == {"topic": "x"}
    assert request.DEFAULT == {"limit": 20}


@pytest.mark.row("3.26")
def test_a_repeated_name_is_a_list(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    cli = client_of(app)
    cli.get("/x/1?a=1&a=2&b=%20&a=3")
    cli.post("/x/1", b"a=1&a=2", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert seen[0].URL == {"a": ["1", "2", "3"], "b": " "}
    assert seen[1].FORM == {"a": ["1", "2"]}


@pytest.mark.row("3.10", "3.20")
def test_odd_queries_and_forms(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    cli = client_of(app)
    cli.get("/x/1?&a&b=&=c&d=1=2&e=%2B+%26")
    assert seen[0].URL == {"a": "", "b": "", "": "c", "d": "1=2", "e": "+ &"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for answer in (
        cli.get("/x/1?a=%FF"),
        cli.post("/x/1", b"a=\xff", headers=form),
        cli.get("/x/1?" + "a=1&" * 1001),
        cli.get("/x/1?" + "%61=1&" * 1001),
    ):
        assert answer.status_code == 400
        assert answer.data["code"] == 40000
    assert len(seen) == 1


@pytest.mark.row("3.36")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": ', "malformed"),
        (b"{'a': 1}", "malformed"),
        (b'{"a": NaN}', "malformed"),
        (b'{"a": Infinity}', "malformed"),
        (b'{"a": 1,}', "malformed"),
        (b'{"a": 1} {}', "malformed"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": "\\ud800"}', "malformed"),
        (b'{"a": 1, "a": 2}', "key 'a' twice"),
        (b'{"b": [{"a": 1, "\\u0061": 2}]}', "key 'a' twice"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "deeper than 64 levels"),
        (b"[" * 100_000, "nested too deep"),
    ],
)
def test_json_that_is_not_sound_is_400(
    app: Atila, seen: list[Request], client_of: ClientOf, body: bytes, said: str
) -> None:
    answer = client_of(app).post("/x/1", body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert {"code": 40000, "message": "bad request"}.items() <= answer.data.items()
    assert said in answer.data["more_info"]
    assert not seen


@pytest.mark.row("3.36")
def test_json_that_only_looks_odd_is_taken(app: Atila, seen: list[Request], client_of: ClientOf) -> None:
    cli = client_of(app)
    app.config.max_json_depth = 3
    for body in (
        b'{"a:b": "c:d", "e": {"f": 1}, "g": {"f": 1}}',
        b'{"a\\u003a": "\\u003a", "b" : ":" }',
        b'{"a": [[1]], "n": 123456789012345678901234567890}',
    ):
        assert cli.post("/x/1", body, headers={"Content-Type": "application/json"}).status_code == 200, body
    assert seen[2].JSON["n"] == 123456789012345678901234567890


@pytest.mark.row("3.52")
def test_env_is_a_wsgi_environ_without_the_processs_own(
    app: Atila, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_PROCESS", "x")
    app.route("/env/<name>")(lambda was, name, **rest: was.API(env=was.env))
    answer = client_of(app, "/sub").post("/sub/env/a%20b?q=1", {"a": 1}, headers={"X-Token": "t"})
    env = answer.data["env"]
    assert env["REQUEST_METHOD"] == "POST"
    assert (env["SCRIPT_NAME"], env["PATH_INFO"], env["QUERY_STRING"]) == ("/sub", "/env/a b", "q=1")
    assert (env["CONTENT_TYPE"], env["CONTENT_LENGTH"]) == ("application/x-www-form-urlencoded", "3")
    assert (env["HTTP_X_TOKEN"], env["HTTP_USER_AGENT"]) == ("t", "atila-test")
    assert (env["SERVER_PROTOCOL"], env["SERVER_NAME"], env["SERVER_PORT"]) == ("HTTP/1.1", "testserver", "80")
    assert env["wsgi.url_scheme"] == "http"
    assert "SECRET_OF_THE_PROCESS" not in env
    assert "PATH" not in env
