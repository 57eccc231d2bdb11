"""Chapter 10: sharing across origins, by the Fetch standard."""

from __future__ import annotations

from typing import Any

import pytest

from atila import Atila, SettingError, Was
from tests.documented.conftest import ClientOf

APP, OTHER = "https://app.example", "http://127.0.0.1:8080"


def preflight(origin: str, method: str = "POST", headers: str | None = None) -> dict[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return asked if headers is None else asked | {"Access-Control-Request-Headers": headers}


@pytest.fixture
def app() -> Atila:
    """An app with an open route, one for GET alone, and one that fails."""
    app = Atila("tests")

    @app.route("/post", methods=["POST", "OPTIONS"])
    def post(was: Was) -> str:
        return "done"

    @app.route("/get", methods=["GET"])
    def get(was: Was) -> str:
        return "got"

    @app.route("/fail", methods=["POST", "OPTIONS"])
    def fail(was: Was) -> str:
        raise was.Error("401 Unauthorized")

    return app


@pytest.mark.row("10.26", "10.27")
def test_a_preflight_is_told_what_may_come(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = [APP, OTHER]
    app.access_control_max_age = 3600
    for origin in (APP, OTHER):
        answer = client_of(app).options("/post", headers=preflight(origin, headers="content-type, x-mine"))
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["access-control-allow-methods"] == "OPTIONS, POST"
        assert answer.headers["access-control-allow-headers"] == "content-type, x-mine"
        assert answer.headers["access-control-max-age"] == "3600"
        assert "origin" in answer.headers["vary"]


@pytest.mark.row("10.26")
def test_everybody_means_without_cookies(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = ["*"]
    client = client_of(app)
    for answer in (client.options("/post", headers=preflight(APP)), client.post("/post", headers={"Origin": APP})):
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
        assert "access-control-max-age" not in answer.headers


@pytest.mark.row("10.26")
def test_named_origins_beside_everybody(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = ["*", APP]
    client = client_of(app)
    named, other = (client.post("/post", headers={"Origin": origin}) for origin in (APP, OTHER))
    assert named.headers["access-control-allow-origin"] == APP
    assert named.headers["access-control-allow-credentials"] == "true"
    assert other.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in other.headers
    assert named.headers["vary"] == other.headers["vary"] == "origin"


@pytest.mark.row("10.27", "10.28")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example",
                                    "https://app.example:444", ""])  # fmt: skip
def test_another_origin_is_refused(app: Atila, client_of: ClientOf, origin: str) -> None:
    app.access_control_allow_origin = [APP]
    client = client_of(app)
    for answer in (
        client.options("/post", headers=preflight(origin)),
        client.post("/post", headers={"Origin": origin}),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        assert "done" not in answer.text


@pytest.mark.row("10.28")
def test_with_nothing_configured_only_ones_own_pages_may_call(app: Atila, client_of: ClientOf) -> None:
    client = client_of(app)
    assert client.post("/post", headers={"Origin": APP}).status_code == 403
    assert client.post("/post").status_code == 200  # no browser, or no other origin


@pytest.mark.row("10.28")
def test_an_allowed_origin_may_read_errors_too(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = [APP]
    client = client_of(app)
    refused = client.post("/fail", headers={"Origin": APP})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, APP)
    missing = client.get("/nowhere", headers={"Origin": APP})
    assert missing.status_code == 404
    assert "access-control-allow-origin" not in missing.headers


@pytest.mark.row("10.28")
def test_an_origin_is_checked_before_anything_runs(app: Atila, client_of: ClientOf) -> None:
    ran: list[str] = []

    @app.before_request
    def before(was: Was) -> None:
        ran.append(was.request.path)

    client_of(app).post("/post", headers={"Origin": APP})
    assert ran == []


@pytest.mark.row("10.29")
def test_a_route_has_origins_of_its_own(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = [OTHER]

    @app.route("/mine", methods=["POST", "OPTIONS"], access_control_allow_origin=[APP], access_control_max_age=60)
    def mine(was: Was) -> str:
        return "mine"

    client = client_of(app)
    told = client.options("/mine", headers=preflight(APP))
    assert (told.headers["access-control-allow-origin"], told.headers["access-control-max-age"]) == (APP, "60")
    assert client.post("/mine", headers={"Origin": APP}).text == "mine"
    assert client.post("/mine", headers={"Origin": OTHER}).status_code == 403
    assert client.post("/post", headers={"Origin": OTHER}).status_code == 200


@pytest.mark.row("10.29")
def test_the_method_asked_for_decides_which_route_answers(app: Atila, client_of: ClientOf) -> None:
    app.route("/two", methods=["GET", "OPTIONS"], access_control_allow_origin=["*"])(lambda was: "read")

    @app.route("/two", methods=["POST"], access_control_allow_origin=[APP])
    def write(was: Was) -> str:
        return "written"

    client = client_of(app)
    assert client.options("/two", headers=preflight(OTHER, "GET")).headers["access-control-allow-origin"] == "*"
    assert client.options("/two", headers=preflight(OTHER, "POST")).status_code == 403
    assert client.options("/two", headers=preflight(APP, "POST")).headers["access-control-allow-origin"] == APP


@pytest.mark.row("10.30")
@pytest.mark.parametrize(("scheme", "host", "origin", "expected"), [
    ("http", "testserver", "http://testserver", 200), ("http", "testserver:80", "http://testserver", 200),
    ("http", "testserver", "http://TESTSERVER:80", 200), ("http", "testserver:8000", "http://testserver:8000", 200),
    ("http", "testserver", "https://testserver", 200), ("https", "testserver", "https://testserver:443", 200),
    ("http", "testserver:8000", "http://testserver", 403), ("https", "testserver", "http://testserver", 403),
    ("http", "localhost", "http://127.0.0.1", 403), ("http", "[::1]:8000", "http://[::1]:8000", 200),
    ("http", "testserver", "http://testserver.evil.example", 403), ("http", "testserver", "http://[", 403),
    ("http", "testserver", "http://testserver:99999", 403), ("http", "testserver", "ftp://testserver", 403),
])  # fmt: skip
def test_ones_own_origin_needs_no_configuration(
    app: Atila, client_of: ClientOf, scheme: str, host: str, origin: str, expected: int
) -> None:
    headers = {"Host": host, "Origin": origin}
    answer = client_of(app).post("/post", headers=headers, scheme=scheme)
    assert answer.status_code == expected
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.row("10.31", "10.27")
def test_a_route_without_options_has_no_preflight(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = ["*"]
    client = client_of(app)
    assert client.options("/get", headers=preflight(APP, "GET")).status_code == 405
    assert client.options("/post", headers=preflight(APP, "DELETE")).status_code == 405
    assert client.options("/nowhere", headers=preflight(APP)).status_code == 404


@pytest.mark.row("10.27")
@pytest.mark.parametrize("asked", ["a\u00e9", "content-type,,x", "x y", "a: b", ","])
def test_malformed_header_names_are_not_echoed(app: Atila, client_of: ClientOf, asked: str) -> None:
    app.access_control_allow_origin = ["*"]
    answer = client_of(app).options("/post", headers=preflight(APP, headers=asked))
    assert answer.status_code == 200
    assert "access-control-allow-headers" not in answer.headers


@pytest.mark.row("10.26", "14.18")
@pytest.mark.parametrize(
    "origin", ["127.0.0.1:8080", "https://app.example/", "https://app.example/path", "app.example", ""]
)
def test_an_origin_without_scheme_or_with_a_path_is_found_at_the_start(app: Atila, origin: str) -> None:
    app.access_control_allow_origin = [origin]
    with pytest.raises(SettingError, match="is no origin"):
        app.build()


@pytest.mark.row("10.26")
def test_options_without_an_origin_is_answered_too(app: Atila, client_of: ClientOf) -> None:
    answer = client_of(app).options("/post")
    assert (answer.status_code, answer.headers["allow"]) == (200, "OPTIONS, POST")


@pytest.mark.row("10.28")
@pytest.mark.parametrize("wire", ["json", "form"])
def test_the_documents_example(client_of: ClientOf, wire: str) -> None:
    app = Atila("tests")
    app.access_control_allow_origin = ["http://www.skitai.com:5001"]
    app.access_control_max_age = 3600

    @app.route("/post", methods=["POST", "OPTIONS"])
    def post(was: Was, **form: Any) -> object:
        args = was.request.json() or form
        return was.jstream({"got": args})

    body: dict[str, Any] = {"json": {"a": 1}} if wire == "json" else {"data": {"a": "1"}}
    answer = client_of(app).post("/post", headers={"Origin": "http://www.skitai.com:5001"}, **body)
    assert answer.data == {"got": {"a": 1 if wire == "json" else "1"}}
