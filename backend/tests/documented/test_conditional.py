"""Chapter 4: answers that depend on what the client has already (RFC 9110 13)."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf

CHANGED = 1_700_000_000
DATE, BEFORE, AFTER = (formatdate(CHANGED + seconds, usegmt=True) for seconds in (0, -1, 1))


@pytest.fixture
def ran() -> list[str]:
    """The methods of requests that the handler went on with."""
    return []


@pytest.fixture
def app(ran: list[str]) -> Atila:
    app = Atila("tests")

    @app.route("/tag", methods=["GET", "PUT"])
    def tag(was: Was) -> str:
        was.response.set_etag("v1", max_age=60)
        ran.append(was.request.method)
        return "content"

    @app.route("/weak")
    def weak(was: Was) -> str:
        was.response.set_etag("v1", weak=True)
        return "content"

    @app.route("/time", methods=["GET", "PUT"])
    def time(was: Was) -> str:
        was.response.set_mtime(CHANGED + 0.25)
        ran.append(was.request.method)
        return "content"

    @app.route("/both")
    def both(was: Was) -> str:
        was.response.set_mtime(CHANGED, 7, max_age=0)
        return "content"

    return app


@pytest.mark.row("4.36")
def test_a_version_is_named(app: Atila, client_of: ClientOf) -> None:
    client = client_of(app)
    tagged = client.get("/tag")
    assert (tagged.headers["etag"], tagged.headers["cache-control"], tagged.text) == ('"v1"', "max-age=60", "content")
    assert client.get("/weak").headers["etag"] == 'W/"v1"'
    assert client.get("/time").headers["last-modified"] == DATE
    both = client.get("/both")
    assert (both.headers["last-modified"], both.headers["cache-control"]) == (DATE, "no-cache")
    assert both.headers["etag"] == f'"{CHANGED * 1_000_000:x}-7"'


@pytest.mark.row("4.36")
@pytest.mark.parametrize(("path", "header", "expected"), [
    ("/tag", {"If-None-Match": '"v1"'}, 304), ("/tag", {"If-None-Match": 'W/"v1"'}, 304),
    ("/tag", {"If-None-Match": '"v0", "v1"'}, 304), ("/tag", {"If-None-Match": "*"}, 304),
    ("/tag", {"If-None-Match": '"v2"'}, 200), ("/tag", {"If-None-Match": "v1"}, 200),
    ("/tag", {"If-None-Match": '"v2"', "If-Modified-Since": AFTER}, 200), ("/weak", {"If-None-Match": '"v1"'}, 304),
    ("/weak", {"If-Match": 'W/"v1"'}, 412), ("/time", {"If-Modified-Since": DATE}, 304),
    ("/time", {"If-Modified-Since": BEFORE}, 200), ("/time", {"If-Modified-Since": "yesterday"}, 200),
    ("/time", {"If-Unmodified-Since": BEFORE}, 412), ("/time", {"If-Unmodified-Since": DATE}, 200),
    ("/time", {"If-None-Match": '"v1"'}, 200), ("/tag", {"If-Match": '"v1"'}, 200), ("/tag", {"If-Match": '"v2"'}, 412),
    ("/tag", {"If-Match": "*"}, 200), ("/tag", {"If-Modified-Since": AFTER}, 200),
])  # fmt: skip
def test_the_client_is_told_whether_its_version_is_the_one(
    app: Atila, client_of: ClientOf, path: str, header: dict[str, str], expected: int
) -> None:
    answer = client_of(app).get(path, headers=header)
    assert answer.status_code == expected
    if expected == 304:
        assert answer.content == b""
        assert "content-type" not in answer.headers
        assert "etag" in answer.headers or "last-modified" in answer.headers
    if expected == 412:
        assert answer.data["code"] == 41200
        assert "etag" not in answer.headers


@pytest.mark.row("4.36")
def test_the_handler_stops_there(app: Atila, client_of: ClientOf, ran: list[str]) -> None:
    client = client_of(app)
    assert client.get("/tag", headers={"If-None-Match": '"v1"'}).status_code == 304
    assert client.put("/tag", headers={"If-Match": '"v0"'}).status_code == 412  # somebody else changed it before
    assert client.put("/tag", headers={"If-None-Match": "*"}).status_code == 412  # it is there already
    assert client.put("/time", headers={"If-Unmodified-Since": BEFORE}).status_code == 412
    assert ran == []
    assert client.put("/tag", headers={"If-Match": '"v1"'}).status_code == 200
    assert client.put("/time", headers={"If-Modified-Since": AFTER}).status_code == 200  # is for reading only
    assert ran == ["PUT", "PUT"]


@pytest.mark.row("4.36")
def test_not_modified_is_no_failure(app: Atila, client_of: ClientOf) -> None:
    called: list[str] = []
    app.failed_request(lambda was, exc_info: called.append("failed"))
    app.default_error_handler(lambda was, error: called.append("handler"))
    answer = client_of(app).get("/tag", headers={"If-None-Match": '"v1"'})
    assert (answer.status_code, answer.headers["cache-control"], called) == (304, "max-age=60", [])


@pytest.mark.row("4.36")
@pytest.mark.parametrize("tag", ['a"b', "", "a b", "a\r\nb", "€"])
def test_a_tag_that_is_none_is_an_error(client_of: ClientOf, tag: str) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: was.response.set_etag(tag))
    assert client_of(app).get("/").status_code == 500


@pytest.mark.row("4.36")
def test_max_age_alone(client_of: ClientOf) -> None:
    app = Atila("tests")

    @app.route("/<int:seconds>")
    def page(was: Was, seconds: int) -> str:
        was.response.set_max_age(seconds)
        return "x"

    client = client_of(app)
    assert client.get("/60").headers["cache-control"] == "max-age=60"
    assert client.get("/0").headers["cache-control"] == "no-cache"
