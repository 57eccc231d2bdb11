"""Apps of other frameworks: how they are told apart, what a preference may say of them, what they may answer."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import demo_app

import pytest

from atila import SettingError
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import FileBody, Response, Stream
from atila.loader import LoadError
from atila.preference import Preference
from skitai.asgi import scope_of
from skitai.engine import Engine
from skitai.foreign import interface_of
from skitai.guests import make_guest
from skitai.refusals import refusal_of
from skitai.wsgi import environ_of


async def coroutine(scope: Any, receive: Any, send: Any) -> None: ...


def plain(environ: Any, start_response: Any) -> list[bytes]:
    return []


def legacy(scope: Any, receive: Any, send: Any) -> None: ...


class Callable2:
    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        return []


class Callable3:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        (coroutine, "asgi"), (Callable3(), "asgi"), (Callable3().__call__, "asgi"), (legacy, "asgi"),
        (plain, "wsgi"), (Callable2(), "wsgi"), (demo_app, "wsgi"), (lambda *arguments: [], "wsgi"),
    ],
)  # fmt: skip
def test_which_interface_an_app_has(app: Any, interface: str) -> None:
    assert interface_of(app) == interface


@pytest.mark.parametrize("thing", [3, lambda one: None, lambda: None, object()])
def test_what_is_no_app_is_said_so(thing: Any) -> None:
    with pytest.raises(LoadError, match="is no app"):
        interface_of(thing)


@pytest.mark.row("1.13")
def test_what_a_preference_may_say(tmp_path: Path) -> None:
    guest = make_guest(plain, "/x", Preference(max_client_body_size=7), refusal_of, production=False)
    assert guest.site.job.body_limit == guest.site.job.multipart_limit == 7
    limited = Preference()
    limited.config.max_post_body_size = 8
    assert make_guest(plain, "/x", limited, refusal_of, production=False).site.job.body_limit == 8
    with pytest.raises(SettingError, match=r"the app at /x has no pref\.securekey; it has use_reloader"):
        make_guest(plain, "/x", Preference(securekey="k"), refusal_of, production=False)
    engine = Engine(tmp_path)
    engine.alias("@up", "http", "127.0.0.1:9")
    engine.mount("/", "@up", pref=Preference(debug=True))
    with pytest.raises(SettingError, match=r"the mounted @up has no pref\.debug; it has timeout"):
        engine.build()


def test_an_upstream_must_be_one_of_http(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.mount("/", "@nothing")
    with pytest.raises(SettingError, match="no alias '@nothing'"):
        engine.build()
    engine.alias("@nothing", "sqlite3", ":memory:")
    with pytest.raises(SettingError, match="passed on to HTTP upstreams only"):
        engine.build()


# WSGI answers


def ask(
    app: Callable[..., Any], method: str = "GET", path: str = "/x", headers: Any = (), body: bytes = b""
) -> Response:
    engine = Engine(Path.cwd())
    engine.mount("/", app)
    request = Request(method, path, "a=1", Headers([("host", "[::1]:8080"), *headers]), body=body or None)
    return asyncio.run(engine.build().resolve(request).respond(request))


def answering(
    result: Callable[[], Any], status: str = "200 OK", fields: Any = (), *, write: bytes = b""
) -> Callable[..., Any]:
    def app(environ: dict[str, Any], start_response: Any) -> Any:
        put = start_response(status, list(fields))
        if write:
            put(write)
        return result()

    return app


class Closing:
    """A result that knows whether it was closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        self.closed += 1


def test_an_environ_as_pep_3333_wants_it() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(environ)
        start_response("204 No Content", [])
        return [environ["wsgi.input"].read()]

    headers = [("content-type", "text/x"), ("x-a", "1"), ("x-a", "2"), ("proxy", "evil"), ("x_real_ip", "6.6.6.6")]
    answer = ask(app, "POST", "/ü", headers, b"body")
    assert (answer.status, answer.body) == (204, b"")
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"], seen["HTTP_HOST"]) == ("[::1]", "8080", "[::1]:8080")
    assert (seen["CONTENT_TYPE"], seen["CONTENT_LENGTH"], seen["HTTP_X_A"]) == ("text/x", "4", "1,2")
    assert seen["PATH_INFO"] == "/ü".encode().decode("latin-1")
    assert not {"HTTP_PROXY", "HTTP_X_REAL_IP", "HTTP_CONTENT_TYPE"} & seen.keys()


@pytest.mark.parametrize("trusted", [True, False])
def test_only_a_trusted_proxy_tells_a_guest_who_asked(trusted: bool) -> None:
    sent = [("x-forwarded-proto", "https"), ("forwarded", "for=6.6.6.6"), ("x-real", "kept")]
    request = Request("GET", "/x", "", Headers(sent))
    request.forwarded = trusted
    for got in (
        environ_of(request).keys(),
        {f"HTTP_{name.decode().upper()}" for name, _ in scope_of(request, {})["headers"]},
    ):
        said = {name.replace("-", "_") for name in got}
        assert ("HTTP_X_FORWARDED_PROTO" in said) is ("HTTP_FORWARDED" in said) is trusted
        assert "HTTP_X_REAL" in said
    assert environ_of(request)["wsgi.url_scheme"] == ("https" if trusted else "http")


def test_a_list_is_sent_at_once_and_a_generator_in_pieces() -> None:
    assert ask(answering(lambda: [b"a", b"", b"b"])).body == b"ab"
    streamed = ask(answering(lambda: iter([b"", b"a", b"", b"b"]))).body
    assert isinstance(streamed, Stream)
    assert list(streamed.chunks) == [b"a", b"b"]  # type: ignore[arg-type]  # a plain iterator
    short = ask(answering(lambda: iter([b"a", b"b"]), fields=[("Content-Length", "2")]))
    assert short.body == b"ab"
    assert ask(answering(lambda: [b"b"], write=b"a")).body == b"ab"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_result_is_closed_once(method: str) -> None:
    result = Closing([b"a", b"b"])
    body = ask(answering(lambda: result, fields=[("Content-Length", "2")]), method).body
    assert result.closed == 1
    if method == "HEAD":
        assert isinstance(body, Stream)
        assert body.length == 2
    streamed = Closing([b"a", b"b"])
    body = ask(answering(lambda: streamed)).body
    assert streamed.closed == 0
    body.close()
    body.close()
    assert streamed.closed == 1


@pytest.mark.parametrize(
    ("status", "fields"),
    [("OK", []), ("99 Low", []), ("200OK", []), ("200 OK", [("Bad Name", "x")]), ("200 OK", [("X", "a\r\nY: b")])],
)
def test_what_would_break_the_message_is_500(status: str, fields: Any) -> None:
    assert ask(answering(lambda: [b"x"], status, fields)).status == 500


def test_a_status_may_be_said_twice_only_because_of_an_exception() -> None:
    def twice(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        start_response("201 Created", [])
        return [b""]

    def because(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        start_response("503 Busy", [], (ValueError, ValueError("x"), None))
        return [b"sorry"]

    assert ask(twice).status == 500
    assert (ask(because).status, ask(because).body) == (503, b"sorry")
    assert ask(lambda environ, start_response: [b"nothing was started"]).status == 500


def test_a_file_is_the_servers_work(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"0123456789")

    def wrapping(file: Any, fields: Any = ()) -> Response:
        def app(environ: Any, start_response: Any) -> Any:
            start_response("200 OK", list(fields))
            return environ["wsgi.file_wrapper"](file, 4)

        return ask(app)

    assert wrapping(path.open("rb")).body == FileBody(str(path), 10, 0, 10)
    assert wrapping(path.open("rb"), [("Content-Length", "5")]).body == FileBody(str(path), 10, 0, 5)
    begun = path.open("rb")
    begun.read(3)
    assert wrapping(begun).body == FileBody(str(path), 10, 3, 10)
    assert begun.closed
    memory = wrapping(io.BytesIO(b"0123456789")).body
    assert list(memory.chunks) == [b"0123", b"4567", b"89"]
