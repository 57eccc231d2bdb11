"""Chapter 6: messages for the next page."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf
from tests.documented.test_session import Clock, ask, later, serve  # noqa: F401 - a fixture


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.securekey = secrets.token_hex(20)
    return app


def texts(messages: list[Any]) -> list[str]:
    return [message[4] for message in messages]


@pytest.mark.row("6.17", "6.18", "6.20")
def test_a_message_is_shown_once_on_the_next_page(app: Atila, client_of: ClientOf) -> None:
    serve(app, send=lambda was: was.mbox.send("Saved <b>", "notice", link="/photos/1"), get=lambda was: was.mbox.get())
    client = client_of(app)
    sent = client.get("/send")
    assert sent.headers["set-cookie"].startswith("atlmbox_=")
    [message] = ask(client, "/get")
    number, category, created, valid, msg, extra = message
    assert (number, category, valid, msg, extra) == (1, "notice", 0, "Saved <b>", {"link": "/photos/1"})
    assert abs(created - time.time()) < 5
    assert ask(client, "/get") == []
    assert "atlmbox_" not in client.cookies


@pytest.mark.row("6.17")
def test_push_is_send(app: Atila, client_of: ClientOf) -> None:
    serve(app, push=lambda was: [was.mbox.push("a", "x"), was.mbox.push("b", "x")], get=lambda was: was.mbox.get("x"))
    client = client_of(app)
    assert ask(client, "/push") == [1, 2]
    assert texts(ask(client, "/get")) == ["a", "b"]


@pytest.mark.row("6.18")
def test_a_message_waits_until_somebody_reads_it_on_a_page_that_succeeds(app: Atila, client_of: ClientOf) -> None:
    def fail(was: Was) -> object:
        was.mbox.get()
        raise was.Error("503 Service Unavailable")

    serve(app, send=lambda was: was.mbox.send("a"), other=lambda was: 1, fail=fail, get=lambda was: was.mbox.get())
    client = client_of(app)
    client.get("/send")
    ask(client, "/other")
    assert client.get("/fail").status_code == 503
    assert texts(ask(client, "/get")) == ["a"]


@pytest.mark.row("6.18")
def test_messages_left_unread_stay_when_others_are_read(app: Atila, client_of: ClientOf) -> None:
    serve(app, send=lambda was: [was.mbox.send("a", "one"), was.mbox.send("b", "two")],
          one=lambda was: was.mbox.get("one"), get=lambda was: was.mbox.get())  # fmt: skip
    client = client_of(app)
    client.get("/send")
    assert texts(ask(client, "/one")) == ["a"]
    assert texts(ask(client, "/get")) == ["b"]


@pytest.mark.row("6.19")
def test_a_message_with_a_time_is_shown_until_it_is_over(app: Atila, client_of: ClientOf, later: Clock) -> None:  # noqa: F811
    serve(app, send=lambda was: was.mbox.send("a", "alarm", valid=60), get=lambda was: was.mbox.get())
    client = client_of(app)
    client.get("/send")
    assert texts(ask(client, "/get")) == ["a"]
    later(50)
    assert texts(ask(client, "/get")) == ["a"]
    later(70)
    assert ask(client, "/get") == []
    assert "atlmbox_" not in client.cookies


@pytest.mark.row("6.21")
@pytest.mark.parametrize(("wanted", "found"), [
    ((), ["a", "b", "c"]), (("notice",), ["a"]), (("notice", "news"), ["a", "b"]), (("owner", 7), ["b", "c"]),
    (("owner", 8), []), (("nothing",), []), (("alarm", "owner", "notice"), ["a", "c"]),
])  # fmt: skip
def test_two_words_are_categories_when_the_first_is_one(
    app: Atila, client_of: ClientOf, wanted: tuple[object, ...], found: list[str]
) -> None:
    def get(was: Was) -> object:
        was.mbox.send("a", "notice")
        was.mbox.send("b", "news", owner=7)
        was.mbox.send("c", "alarm", owner=7)
        return was.mbox.get(*wanted)

    serve(app, get=get)
    assert texts(ask(client_of(app), "/get")) == found


@pytest.mark.row("6.22", "6.23")
def test_search_and_remove_by_id(app: Atila, client_of: ClientOf) -> None:
    def send(was: Was) -> object:
        was.mbox.send("a", "notice")
        was.mbox.send("b", "notice", owner=7)
        was.mbox.send("c", "alarm", owner=None)
        return None

    def remove(was: Was) -> None:
        was.mbox.remove(1)
        was.mbox.remove(99)

    serve(app, send=send, notices=lambda was: was.mbox.search("notice"), owned=lambda was: was.mbox.search("owner", 7),
          remove=remove, get=lambda was: was.mbox.get())  # fmt: skip
    client = client_of(app)
    client.get("/send")
    assert ask(client, "/notices") == [1, 2]
    assert ask(client, "/owned") == [2]
    ask(client, "/remove")
    assert texts(ask(client, "/get")) == ["b", "c"]


@pytest.mark.row("6.23")
def test_getv_wants_the_same_address(app: Atila, client_of: ClientOf) -> None:
    serve(app, send=lambda was: was.mbox.send("a"), getv=lambda was: [was.mbox.source_verified(), was.mbox.getv()])
    client = client_of(app)
    client.get("/send")
    client.peer = "10.9.8.7"
    assert ask(client, "/getv") == [False, []]
    client.peer = "127.0.0.1"
    verified, messages = ask(client, "/getv")
    assert (verified, texts(messages)) == (True, ["a"])


@pytest.mark.row("6.24")
def test_named_boxes_have_a_key_and_a_path_of_their_own(app: Atila, client_of: ClientOf) -> None:
    def send(was: Was) -> object:
        was.mbox.mount("ADM", "another key of thirty-two letters", path="/admin")
        was.mbox.send("10 rows deleted", "warning")
        return None

    def get(was: Was) -> object:
        own = was.mbox.get()
        was.mbox.mount("ADM", "another key of thirty-two letters", path="/admin")
        return [own, was.mbox.get()]

    serve(app, send=send, **{"admin/get": get, "get": get})
    client = client_of(app)
    cookie = client.get("/send").headers["set-cookie"]
    assert cookie.startswith("atlmbox__ADM=")
    assert "Path=/admin;" in cookie
    assert ask(client, "/get") == [[], []]  # the cookie is for /admin
    own, named = ask(client, "/admin/get")
    assert (own, texts(named)) == ([], ["10 rows deleted"])


@pytest.mark.row("6.24")
def test_the_wrong_key_opens_no_box_and_spoils_none(app: Atila, client_of: ClientOf) -> None:
    def get(was: Was) -> object:
        was.mbox.mount("ADM", "a wrong key of thirty-two letters", path="/")
        wrong = was.mbox.get()
        was.mbox.mount("ADM", path="/")
        return [wrong, texts(was.mbox.get())]

    def send(was: Was) -> None:
        was.mbox.mount("ADM", path="/")
        was.mbox.send("kept", valid=60)

    serve(app, send=send, get=get)
    client = client_of(app)
    client.get("/send")
    for _ in range(2):
        assert ask(client, "/get") == [[], ["kept"]]


@pytest.mark.row("6.25")
def test_the_cookie_stays_for_a_hundred_years(app: Atila, client_of: ClientOf) -> None:
    serve(app, send=lambda was: was.mbox.send("a"))
    assert f"Max-Age={100 * 365 * 86400}" in client_of(app).get("/send").headers["set-cookie"]


@pytest.mark.row("6.26")
def test_messages_of_this_request_need_no_cookie(app: Atila, client_of: ClientOf) -> None:
    def page(was: Was) -> object:
        was.mbox.send("x" * 10_000, "notice")
        return len(was.mbox.get("notice", "news")[0].msg)

    serve(app, page=page)
    answer = client_of(app).get("/page")
    assert answer.data["value"] == 10_000
    assert "set-cookie" not in answer.headers


@pytest.mark.row("6.25")
@pytest.mark.parametrize("tamper", [lambda text: text[:-1], lambda text: "x" + text, lambda text: "nonsense"])
def test_a_tampered_box_is_empty_and_forgotten(app: Atila, client_of: ClientOf, tamper: Callable[[str], str]) -> None:
    serve(app, send=lambda was: was.mbox.send("a"), get=lambda was: was.mbox.get())
    client = client_of(app)
    client.get("/send")
    client.cookies["atlmbox_"] = tamper(client.cookies["atlmbox_"])
    answer = client.get("/get")
    assert answer.data["value"] == []
    assert "Max-Age=0" in answer.headers["set-cookie"]


@pytest.mark.row("6.25")
def test_messages_that_wait_cannot_be_over_4096_bytes(app: Atila, client_of: ClientOf) -> None:
    app.debug = True
    serve(app, send=lambda was: was.mbox.send(secrets.token_hex(3000)))
    answer = client_of(app).get("/send")
    assert answer.status_code == 500
    assert "4096" in answer.data["more_info"]
