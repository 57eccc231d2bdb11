"""Chapter 6: sessions and message boxes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from atila import Atila, Was
from atila.testing.client import TestClient
from tests.documented.conftest import ClientOf

KEY = "ds8fdsflksdjf9879dsf;?<>Asda+32chars"
Clock = Callable[[float], None]


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.securekey = KEY
    app.session_timeout = 1200
    return app


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let time pass: `later(60)` is in a minute from the test's start."""
    start, offset = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: start() + offset[0])
    return lambda seconds: offset.__setitem__(0, seconds)


def serve(app: Atila, **handlers: Callable[[Was], Any]) -> None:
    """Route each handler by its name; it answers the JSON of what it returns."""
    for name, handler in handlers.items():
        app.route(f"/{name}")(answering(handler))


def answering(handler: Callable[[Was], Any]) -> Callable[[Was], object]:
    def answer(was: Was) -> object:
        return was.API(value=handler(was))

    return answer


def ask(client: TestClient, path: str, **options: Any) -> Any:
    answer = client.get(path, **options)
    assert answer.status_code == 200, answer.text
    return answer.data["value"]


@pytest.mark.row("6.1")
@pytest.mark.parametrize("key", [None, "", []])
def test_without_a_key_nothing_is_signed(client_of: ClientOf, key: Any) -> None:
    app = Atila("tests")
    app.debug, app.securekey = True, key
    serve(app, session=lambda was: was.session.set("a", 1), mbox=lambda was: was.mbox.send("a"),
          token=lambda was: was.mkott("a"), jwt=lambda was: was.mkjwt({}))  # fmt: skip
    client = client_of(app)
    for path in ("/session", "/mbox", "/token", "/jwt"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert "securekey" in answer.data["more_info"]


@pytest.mark.row("6.1")
def test_a_key_can_be_changed_without_losing_sessions(client_of: ClientOf) -> None:
    old, new = secrets.token_hex(20), secrets.token_hex(20)
    cookie = ""
    for keys, found in ((old, None), ([new, old], 7), ([new], 7), ([old], None)):
        app = Atila("tests")
        app.securekey = keys
        serve(app, get=lambda was: was.session.get("a"), set=lambda was: was.session.set("a", 7))
        client = client_of(app)
        assert ask(client, "/get", headers={"Cookie": cookie}) == found
        cookie = client.get("/set").headers["set-cookie"].split(";")[0]


@pytest.mark.row("6.2", "6.9")
def test_a_session_ends_some_time_after_its_last_change(app: Atila, client_of: ClientOf, later: Clock) -> None:
    serve(app, set=lambda was: was.session.set("a", 1), get=lambda was: was.session.get("a"))
    client = client_of(app)
    assert "Max-Age=1200" in client.get("/set").headers["set-cookie"]
    later(1000)
    assert ask(client, "/get") == 1
    client.get("/set")  # a change extends it
    later(2100)
    answer = client.get("/get")  # reading does not
    assert answer.data["value"] == 1
    assert "set-cookie" not in answer.headers
    later(2300)
    assert ask(client, "/get") is None


@pytest.mark.row("6.2")
def test_without_a_timeout_it_lives_until_the_browser_closes(app: Atila, client_of: ClientOf) -> None:
    app.session_timeout = None
    serve(app, set=lambda was: was.session.set("a", 1))
    assert "Max-Age" not in client_of(app).get("/set").headers["set-cookie"]


@pytest.mark.row("6.3")
def test_the_cookie_is_signed_json(app: Atila, client_of: ClientOf) -> None:
    serve(app, set=lambda was: was.session.set("a", 1))
    cookie = client_of(app).get("/set").headers["set-cookie"]
    assert cookie.startswith("atlsess_=eyJ")  # {"
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax")


@pytest.mark.row("6.3")
def test_over_tls_no_other_host_can_set_it(app: Atila, client_of: ClientOf) -> None:
    serve(app, set=lambda was: was.session.set("a", 1), get=lambda was: was.session.get("a"))
    client = client_of(app)
    cookie = client.get("/set", scheme="https").headers["set-cookie"]
    assert cookie.startswith("__Host-atlsess_=")
    assert "Secure" in cookie
    assert ask(client, "/get", scheme="https") == 1
    plain = cookie.split(";")[0].removeprefix("__Host-")
    assert ask(client_of(app), "/get", scheme="https", headers={"Cookie": plain}) is None  # planted by another host


@pytest.mark.row("6.4")
@pytest.mark.parametrize("tamper", [
    lambda sealed: sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:], lambda sealed: "x" + sealed,
    lambda sealed: "", lambda sealed: sealed.replace(".", ""), lambda sealed: "e30." + sealed.split(".")[1],
    lambda sealed: "%00é", lambda sealed: sealed + ".x",
])  # fmt: skip
def test_a_tampered_session_is_an_empty_one(app: Atila, client_of: ClientOf, tamper: Callable[[str], str]) -> None:
    serve(app, set=lambda was: was.session.set("role", "user"), get=lambda was: dict(was.session))
    client = client_of(app)
    client.get("/set")
    client.cookies["atlsess_"] = tamper(client.cookies["atlsess_"])
    answer = client.get("/get")
    assert answer.data["value"] == {}
    assert "Max-Age=0" in answer.headers["set-cookie"]  # and the client is told to forget it
    assert ask(client, "/set") is None
    assert ask(client, "/get") == {"role": "user"}


@pytest.mark.row("6.4")
def test_a_cookie_of_one_kind_is_none_of_another(app: Atila, client_of: ClientOf) -> None:
    serve(app, set=lambda was: was.session.set("a", 1), box=lambda was: was.mbox.get(), ott=lambda was: was.mkott("x"),
          get=lambda was: dict(was.session))  # fmt: skip
    client = client_of(app)
    client.get("/set")
    assert ask(client, "/box", headers={"Cookie": f"atlmbox_={client.cookies['atlsess_']}"}) == []
    assert ask(client, "/get", headers={"Cookie": f"atlsess_={ask(client, '/ott')}"}) == {}


@pytest.mark.row("6.5", "6.6", "6.13")
def test_it_is_a_mapping(app: Atila, client_of: ClientOf) -> None:
    def fill(was: Was) -> object:
        session = was.session
        session.set("a", 1)
        session["b"] = [1, {"c": None}]
        session["gone"] = 1
        session.remove("gone")
        session.remove("never was")
        return was.csrf_token  # the framework's own values stay hidden

    def read(was: Was) -> object:
        session = was.session
        return [
            session["a"], session.get("b"), session.get("x"), session.get("x", 5), "a" in session, "x" in session,
            session.has_key("a"), list(session.keys()), list(session.values()), dict(session.items()), list(session),
            len(session),
        ]  # fmt: skip

    def clear(was: Was) -> object:
        was.session.clear()
        return len(was.session)

    serve(app, fill=fill, read=read, clear=clear)
    client = client_of(app)
    client.get("/fill")
    values = {"a": 1, "b": [1, {"c": None}]}
    assert ask(client, "/read") == [
        1, values["b"], None, 5, True, False, True, ["a", "b"], [1, values["b"]], values, ["a", "b"], 2
    ]  # fmt: skip
    assert ask(client, "/clear") == 0
    assert client.get("/read").status_code == 500  # session["a"] is a KeyError


@pytest.mark.row("6.5")
@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan")])
def test_a_value_that_json_cannot_hold_is_an_error_where_it_is_set(
    app: Atila, client_of: ClientOf, value: object
) -> None:
    app.debug = True
    serve(app, set=lambda was: was.session.set("a", value))
    answer = client_of(app).get("/set")
    assert answer.status_code == 500
    assert "session['a'] can be" in answer.data["more_info"]


@pytest.mark.row("6.5")
def test_a_session_over_4096_bytes_is_an_error_and_the_old_one_stays(app: Atila, client_of: ClientOf) -> None:
    app.debug = True
    serve(app, set=lambda was: was.session.set("a", 1), get=lambda was: was.session.get("a"),
          grow=lambda was: was.session.set("a", secrets.token_hex(3000)))  # fmt: skip
    client = client_of(app)
    client.get("/set")
    answer = client.get("/grow")
    assert answer.status_code == 500
    assert "4096" in answer.data["more_info"]
    assert ask(client, "/get") == 1


@pytest.mark.row("6.7", "6.8")
def test_the_source_is_the_address_of_the_last_change(app: Atila, client_of: ClientOf) -> None:
    serve(app, set=lambda was: was.session.set("a", 1),
          read=lambda was: [was.session.source_verified(), was.session.getv("a"),
                           was.session.getv("a", "else")])  # fmt: skip
    client = client_of(app)
    assert ask(client, "/read") == [True, None, "else"]
    client.get("/set")
    assert ask(client, "/read") == [True, 1, 1]
    client.peer = "10.1.2.3"
    assert ask(client, "/read") == [False, None, "else"]
    client.get("/set")
    assert ask(client, "/read") == [True, 1, 1]


@pytest.mark.row("6.10", "6.11")
def test_expiry_by_hand(app: Atila, client_of: ClientOf, later: Clock) -> None:
    serve(app, set=lambda was: was.session.set("a", 1), touch=lambda was: was.session.touch(),
          day=lambda was: was.session.set_expiry(86400),
          left=lambda was: round(was.session.expires_in or 0, -1))  # fmt: skip
    client = client_of(app)
    client.get("/set")
    later(600)
    assert ask(client, "/left") == 600
    client.get("/touch")
    assert ask(client, "/left") == 1200
    client.get("/day")
    client.get("/set")
    assert ask(client, "/left") == 86400  # more is left than a change would give
    later(600 + 86400 - 100)
    assert ask(client, "/left") == 100
    client.get("/set")
    assert ask(client, "/left") == 1200


@pytest.mark.row("6.12")
def test_expire_drops_it(app: Atila, client_of: ClientOf) -> None:
    serve(app, set=lambda was: was.session.set("a", 1), expire=lambda was: was.session.expire(),
          get=lambda was: was.session.get("a"))  # fmt: skip
    client = client_of(app)
    client.get("/set")
    cookie = client.get("/expire").headers["set-cookie"]
    assert cookie.startswith("atlsess_=;")
    assert "Max-Age=0" in cookie
    assert ask(client, "/get") is None


@pytest.mark.row("6.3")
def test_a_planted_session_tells_its_planter_nothing(app: Atila, client_of: ClientOf) -> None:
    """Fixation: an attacker plants a session of his own; what the victim does is in the victim's cookie."""
    serve(app, visit=lambda was: was.session.set("seen", 1), sign_in=lambda was: was.session.set("user", "victim"),
          who=lambda was: was.session.get("user"))  # fmt: skip
    attacker, victim = client_of(app), client_of(app)
    attacker.get("/visit")
    victim.cookies["atlsess_"] = attacker.cookies["atlsess_"]
    victim.get("/sign_in")
    assert ask(victim, "/who") == "victim"
    assert ask(attacker, "/who") is None


@pytest.mark.row("6.14", "6.15", "6.16")
def test_named_sessions_live_beside_the_apps_own(app: Atila, client_of: ClientOf) -> None:
    other = "another key of thirty-two letters"

    def admin(was: Was) -> object:
        was.session.set("own", 1)
        was.session.mount("ADM", other, path="/admin", session_timeout=60)
        was.session.set("admin_login", True)
        return "own" in was.session

    def read(was: Was) -> object:
        exists = [was.session.exists(None), was.session.exists("ADM", other, "/admin"), was.session.exists("ADM")]
        own = was.session.get("own")
        was.session.mount("ADM", other, path="/admin")
        login = was.session.get("admin_login")
        was.session.mount(None, KEY)
        return [exists, own, login, was.session.get("own")]

    serve(app, admin=admin, read=read)
    client = client_of(app)
    answer = client.get("/admin")
    assert answer.data["value"] is False
    cookies = answer.headers.get_all("set-cookie")
    assert cookies[0].startswith("atlsess_=")
    assert cookies[1].startswith("atlsess__ADM=")
    assert "Max-Age=60; Path=/admin;" in cookies[1]
    both = {"Cookie": "; ".join(cookie.split(";")[0] for cookie in cookies)}
    assert ask(client, "/read", headers=both) == [[True, True, False], 1, True, 1]
    assert ask(client, "/read", headers={"Cookie": ""}) == [[False, False, False], None, None, None]


@pytest.mark.row("6.14")
def test_the_wrong_key_opens_nothing_and_spoils_nothing(app: Atila, client_of: ClientOf) -> None:
    right, wrong = "the right key of thirty-two chars", "the wrong key of thirty-two chars"

    def fill(was: Was) -> None:
        was.session.mount("ADM", right, path="/")
        was.session.set("a", 1)

    def read(was: Was) -> object:
        found = []
        for key in (wrong, right, wrong, right):
            was.session.mount("ADM", key, path="/")
            found.append(was.session.get("a"))
        return found

    serve(app, fill=fill, read=read)
    client = client_of(app)
    client.get("/fill")
    for _ in range(2):
        assert ask(client, "/read") == [None, 1, None, 1]


@pytest.mark.row("6.5", "6.14")
def test_items_can_be_deleted_and_keys_are_text(app: Atila, client_of: ClientOf) -> None:
    def delete(was: Was) -> object:
        was.session["a"] = 1
        del was.session["a"]
        return [bool(was.session), len(was.session)]

    wrong: Any = 5
    serve(app, delete=delete, number=lambda was: was.session.set(wrong, 1))
    client = client_of(app)
    assert ask(client, "/delete") == [True, 0]
    assert client.get("/number").status_code == 500
