"""Chapter 4: sending the client elsewhere."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf


@pytest.mark.row("4.32")
def test_a_redirection_says_where_and_is_not_kept(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was: was.redirect("/new?a=1&b=<2>"))
    answer = client_of(app).get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/new?a=1&b=%3C2%3E")
    assert answer.headers["cache-control"] == "max-age=0"
    assert abs(parsedate_to_datetime(answer.headers["expires"]).timestamp() - time()) < 5
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<a href="/new?a=1&amp;b=&lt;2&gt;">' in answer.text


@pytest.mark.row("4.32")
def test_status_body_and_headers(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was: was.redirect("/new", "308 Permanent Redirect", "moved", [("X-Why", "tidy")]))
    app.route("/number")(lambda was: was.redirect("/new", 303))
    client = client_of(app)
    answer = client.get("/")
    assert (answer.status_code, answer.text, answer.headers["x-why"]) == (308, "moved", "tidy")
    assert client.get("/number").status_code == 303


@pytest.mark.row("4.32")
@pytest.mark.parametrize("status", ["200 OK", 404, "soon"])
def test_a_status_that_is_no_redirection_is_an_error(app: Atila, client_of: ClientOf, status: int | str) -> None:
    app.route("/")(lambda was: was.redirect("/new", status))
    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "location" not in answer.headers


@pytest.mark.row("4.32")
@pytest.mark.parametrize(("url", "location"), [
    ("/a\r\nSet-Cookie: b=c", "/a%0D%0ASet-Cookie:%20b=c"), ("/é", "/%C3%A9"), ("/100%", "/100%"), ("/a%20b", "/a%20b"),
    ("https://example.org/x?y#z", "https://example.org/x?y#z"), ('/"onclick="x', "/%22onclick=%22x"),
])  # fmt: skip
def test_no_url_breaks_the_message(app: Atila, client_of: ClientOf, url: str, location: str) -> None:
    app.route("/")(lambda was: was.redirect(url))
    answer = client_of(app).get("/")
    assert answer.headers["location"] == location
    assert "set-cookie" not in answer.headers
    assert '"onclick' not in answer.text


@pytest.mark.row("4.32")
def test_cookies_and_messages_travel_along(app: Atila, client_of: ClientOf) -> None:
    app.securekey = "k" * 40

    @app.route("/msg")
    def msg(was: Was) -> object:
        was.mbox.send("This is Flash Message", "flash")
        was.mbox.send("Kept by 60 seconds on every request", "alarm", valid=60)
        return was.redirect(was.ab("showmsg", "Hans Roh"), status="302 Object Moved")

    @app.route("/showmsg/<name>")
    def showmsg(was: Was, name: str) -> object:
        return was.API(name=name, messages=[message.msg for message in was.mbox.get()])

    client = client_of(app)
    answer = client.get("/msg", follow_redirects=True)
    assert answer.data == {
        "name": "Hans Roh", "messages": ["This is Flash Message", "Kept by 60 seconds on every request"]
    }  # fmt: skip
    assert client.get("/showmsg/me").data["messages"] == ["Kept by 60 seconds on every request"]
