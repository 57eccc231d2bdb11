"""A response's header fields: one of a name stays one, whatever a handler or a client puts into it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from atila import Atila, Was
from atila.auth.schemes import visible
from atila.errors import HTTPError
from atila.http.response import Response
from atila.testing.answer import Answer
from tests.documented.conftest import ClientOf
from tests.injection.attempts import ATTEMPTS, BREAKS

KEY = "a key of the tests, 32 bytes long"
CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
ORDINARY = {
    "content-type", "x-request-id", "vary", "content-length", "location", "cache-control", "expires", "link", "etag",
    "last-modified", "x-mine", "www-authenticate", "allow", "access-control-allow-origin",
    "access-control-allow-credentials", "access-control-allow-methods", "access-control-allow-headers",
}  # fmt: skip

Use = Callable[[Was, str], object]


def unbroken(answer: Answer) -> None:
    """No field has a control character, and there is no field that nobody set."""
    for name, value in answer.headers.pairs:
        assert not CONTROLS.search(name + value), (name, value)
        assert name in ORDINARY or name == "x-mine%s", (name, value)  # which is a name
        (name + value).encode("latin-1")


def explained(was: Was, text: str) -> object:
    was.response.set_headers([("X-Mine", text)])
    return "x"


def returned(was: Was, text: str) -> object:
    return Response(200, [("x-mine", text)], b"x")


def raised(was: Was, text: str) -> object:
    raise HTTPError(400, headers=[("x-mine", text)])


def named(was: Was, text: str) -> object:
    was.response.add_header(f"x-mine{text}", "x")
    return "x"


def called(was: Was, text: str) -> object:
    return was.response("200 OK", "x", [("x-mine", text)])


def hinted(was: Was, text: str) -> object:
    was.push(f"/a{text}")
    return "x"


def tagged(was: Was, text: str) -> object:
    was.response.set_etag(f"a{text}")
    return "x"


USES: tuple[Use, ...] = (
    explained, returned, raised, named, called, hinted, tagged,
    lambda was, text: was.redirect(f"/a{text}"),
    lambda was, text: was.redirect("/a", headers=[("x-mine", text)]),
    lambda was, text: was.File(__file__, f"text/plain{text}"),
    lambda was, text: was.response(f"400 Bad{text}", "x"),
    lambda was, text: was.API(f"200 OK{text}", a=1),
)  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_a_handlers_text_stays_in_its_field(app: Atila, client_of: ClientOf, use: Use) -> None:
    @app.route("/<int:number>")
    def page(was: Was, number: int) -> object:
        return use(was, ATTEMPTS[number])

    client = client_of(app)
    for number, text in enumerate(ATTEMPTS):
        answer = client.get(f"/{number}")
        unbroken(answer)
        if text in BREAKS and "\r\n" in text:
            assert "evil" not in str(answer.headers.get("x-mine"))


@pytest.mark.parametrize("field", ["key", "val", "path", "domain"])
def test_a_cookie_stays_one_cookie(app: Atila, client_of: ClientOf, field: str) -> None:
    @app.route("/<int:number>")
    def page(was: Was, number: int) -> str:
        text = [*ATTEMPTS, "; Domain=evil.example", ", b=1"][number]
        given: dict[str, Any] = {"key": "a", "val": "1", "path": "/", "domain": "b.example"}
        was.cookie.set(**{**given, field: given[field] + text})
        return "x"

    client = client_of(app)
    for number in range(len(ATTEMPTS) + 2):
        answer = client.get(f"/{number}")
        for value in answer.headers.get_all("set-cookie"):
            assert not CONTROLS.search(value)
            assert value.isascii()
            assert value.count(";") == 4, value  # Path, Domain, HttpOnly, SameSite
            assert "evil=1" not in value.partition(";")[2]


@pytest.mark.parametrize("scheme", ["bearer", "basic", "digest"])
def test_a_refusals_reason_stays_in_its_challenge(app: Atila, client_of: ClientOf, scheme: str) -> None:
    app.securekey, app.authenticate = KEY, scheme
    app.bearer_handler(lambda was, token: ATTEMPTS[int(token)])
    app.route("/")(lambda was: "x")
    client = client_of(app)
    for number, text in enumerate(ATTEMPTS):
        app.realm = f"App{text}"
        answer = client.get("/", headers={"Authorization": f"Bearer {number}"})
        assert answer.status_code == 401
        unbroken(answer)
        for challenge in answer.headers.get_all("www-authenticate"):
            assert visible(challenge) == challenge
            assert re.fullmatch(r'\w+ (?:[a-z_]+=(?:"(?:[^"\\]|\\.)*"|[\w-]+)(?:, |\Z))+', challenge), challenge


@pytest.mark.parametrize(
    "name",
    ["origin", "access-control-request-headers", "access-control-request-method", "host", "x-request-id",
     "authorization", "cookie", "accept", "content-type", "if-none-match", "if-modified-since", "range",
     "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"],
)  # fmt: skip
def test_what_a_client_sends_comes_back_in_no_field(app: Atila, client_of: ClientOf, name: str) -> None:
    app.securekey, app.access_control_allow_origin = KEY, ["https://a.example"]

    @app.route("/", methods=["GET", "POST", "OPTIONS"])
    def page(was: Was) -> str:
        was.response.set_etag("v1")
        return "x"

    client = client_of(app)
    client.adapter.settings.trusted_proxies = frozenset({"127.0.0.1"})
    started = {
        "origin": "https://a.example", "access-control-request-headers": "x-a", "access-control-request-method": "POST",
        "host": "testserver", "authorization": "Bearer a.b.c", "x-forwarded-for": "10.0.0.1",
    }  # fmt: skip
    fixed = {"origin": "https://a.example", "access-control-request-method": "POST"}
    for text in ATTEMPTS:
        sent = text.encode("latin-1", "ignore").decode("latin-1")
        for method in ("GET", "OPTIONS", "POST"):
            value = started.get(name, "") + sent
            unbroken(client.request(method, "/", headers={**fixed, name: value}))


def test_a_missing_slash_leads_to_no_other_host(app: Atila, client_of: ClientOf) -> None:
    app.route("/a/")(lambda was: "x")
    app.route("/b/<name>/")(lambda was, name: "x")
    app.route("/c/<name>/<path:rest>")(lambda was, name, rest: "x")
    client = client_of(app)
    for path in (
        "/a",
        "/b/x%0d%0aset-cookie:%20evil=1",
        "//evil.example/a",
        "/b/%2f%2fevil.example",
        "/b/\\evil.example",
    ):
        answer = client.get(path)
        unbroken(answer)
        assert answer.headers.get("location", "/").startswith("/")
        assert not answer.headers.get("location", "/").startswith(("//", "/\\"))
