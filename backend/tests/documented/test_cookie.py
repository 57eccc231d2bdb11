"""Chapter 5: cookies."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from time import time

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf


def fields(cookie: str) -> dict[str, str]:
    """Read a Set-Cookie field: its attributes by lower-case name, and the value as ''."""
    first, *rest = cookie.split("; ")
    pairs = [item.partition("=") for item in rest]
    return {"": first} | {name.lower(): value for name, _, value in pairs}


@pytest.mark.row("5.1", "5.6")
def test_the_clients_cookies_are_a_mapping(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        cookie = was.cookie
        return was.API(
            has="user" in cookie, has_not="other" in cookie, user=cookie["user"], default=cookie.get("other", "none"),
            nothing=cookie.get("other"), keys=list(cookie.keys()), values=list(cookie.values()),
            items=list(cookie.items()), has_key=cookie.has_key("user"), names=list(cookie), length=len(cookie),
        )  # fmt: skip

    data = client_of(app).get("/", headers={"Cookie": "user=hans; n=a%20%C3%A9; bad name=x; =y; n=second"}).data
    assert data == {
        "has": True, "has_not": False, "user": "hans", "default": "none", "nothing": None, "keys": ["user", "n"],
        "values": ["hans", "a é"], "items": [["user", "hans"], ["n", "a é"]], "has_key": True, "names": ["user", "n"],
        "length": 2,
    }  # fmt: skip


@pytest.mark.row("5.1")
def test_a_missing_cookie_is_a_key_error(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        try:
            return was.cookie["user"]
        except KeyError as error:
            return f"no {error}"

    assert client_of(app).get("/").text == "no 'user'"


@pytest.mark.row("5.1", "5.2")
def test_set_and_item_assignment_do_the_same(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie["a"] = "1"
        was.cookie.set("b", "2")
        return was.cookie["a"] + was.cookie["b"]  # at once, as if the client had sent them

    answer = client_of(app).get("/")
    assert answer.text == "12"
    assert answer.headers.get_all("set-cookie") == [
        "a=1; Path=/; HttpOnly; SameSite=Lax",
        "b=2; Path=/; HttpOnly; SameSite=Lax",
    ]


@pytest.mark.row("5.2")
def test_the_last_value_of_a_name_counts(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie["a"] = "1"
        was.cookie["a"] = "2"
        return "x"

    assert client_of(app).get("/").headers.get_all("set-cookie") == ["a=2; Path=/; HttpOnly; SameSite=Lax"]


@pytest.mark.row("5.3")
@pytest.mark.parametrize(
    ("expires", "seconds"), [(None, None), (60, 60), ("never", 100 * 365 * 86400), (0, 0), ("now", 0)]
)
def test_expires_is_in_seconds(app: Atila, client_of: ClientOf, expires: int | str | None, seconds: int | None) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie.set("a", "1", expires)  # type: ignore[arg-type]  # a parameter of the test
        return "x"

    cookie = fields(client_of(app).get("/").headers["set-cookie"])
    if seconds is None:
        assert "max-age" not in cookie
        assert "expires" not in cookie
    else:
        assert cookie["max-age"] == str(seconds)
        left = parsedate_to_datetime(cookie["expires"]).timestamp() - time()
        assert abs(left - seconds) < 5 or (seconds == 0 and left < 0)


@pytest.mark.row("5.3")
def test_another_word_for_expires_is_an_error(app: Atila, client_of: ClientOf) -> None:
    app.debug = True

    @app.route("/")
    def page(was: Was) -> str:
        was.cookie.set("a", "1", "tomorrow")  # type: ignore[arg-type]  # what the test is about
        return "x"

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "'tomorrow'" in answer.data["more_info"]


@pytest.mark.row("5.4")
def test_the_path_is_the_mount_point(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie.set("private", "1")
        was.cookie.set("public", "1", path="/")
        return "x"

    cookies = [fields(text) for text in client_of(app, "/admin").get("/admin/").headers.get_all("set-cookie")]
    assert [(cookie[""], cookie["path"]) for cookie in cookies] == [("private=1", "/admin"), ("public=1", "/")]


@pytest.mark.row("5.5")
def test_remove_and_clear_ask_the_client_to_forget(app: Atila, client_of: ClientOf) -> None:
    @app.route("/one")
    def one(was: Was) -> str:
        was.cookie.remove("a", path="/", domain="example.org")
        return str("a" in was.cookie)

    @app.route("/all")
    def everything(was: Was) -> str:
        was.cookie.clear()
        return str(len(was.cookie))

    @app.route("/item")
    def item(was: Was) -> str:
        del was.cookie["a"]
        return "x"

    client = client_of(app)
    answer = client.get("/one", headers={"Cookie": "a=1; b=2"})
    cookie = fields(answer.headers["set-cookie"])
    assert answer.text == "False"
    assert (cookie[""], cookie["max-age"], cookie["domain"]) == ("a=", "0", "example.org")
    answer = client.get("/all", headers={"Cookie": "a=1; b=2"})
    assert answer.text == "0"
    assert [fields(text)[""] for text in answer.headers.get_all("set-cookie")] == ["a=", "b="]
    assert "Max-Age=0" in client.get("/item").headers["set-cookie"]


@pytest.mark.row("5.7")
def test_flags_as_asked(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie.set("a", "1", http_only=False, secure=True, same_site="None")
        was.cookie.set("b", "1", same_site="Strict")
        was.cookie.set("c", "1", same_site=None)
        return "x"

    assert client_of(app).get("/").headers.get_all("set-cookie") == [
        "a=1; Path=/; Secure; SameSite=None",
        "b=1; Path=/; HttpOnly; SameSite=Strict",
        "c=1; Path=/; HttpOnly",
    ]


@pytest.mark.row("5.7")
def test_over_tls_cookies_are_secure(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie["a"] = "1"
        was.cookie.set("b", "1", secure=False)
        return "x"

    cookies = client_of(app).get("/", scheme="https").headers.get_all("set-cookie")
    assert ["Secure" in cookie for cookie in cookies] == [True, False]


@pytest.mark.row("5.7")
@pytest.mark.parametrize("options", [
    {"same_site": "None"}, {"same_site": "sometimes"}, {"key": "__Host-a", "path": "/x", "secure": True},
    {"key": "__Host-a"}, {"key": "__Host-a", "domain": "example.org", "secure": True}, {"key": "__Secure-a"},
])  # fmt: skip
def test_flags_that_no_browser_takes_are_an_error(
    app: Atila, client_of: ClientOf, options: dict[str, str | bool]
) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie.set(**{"key": "a", "val": "1", **options})  # type: ignore[arg-type]  # parameters of the test
        return "x"

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers


@pytest.mark.row("5.2")
@pytest.mark.parametrize(("key", "value", "path"), [
    ("a b", "1", "/"), ("", "1", "/"), ("a\r\nb", "1", "/"), ("a", "1", "/;Secure"), ("a", "x" * 4097, "/"),
    ("a", "é" * 1000, "/"),
])  # fmt: skip
def test_a_malformed_or_oversized_cookie_is_an_error_and_nothing_is_sent(
    app: Atila, client_of: ClientOf, key: str, value: str, path: str
) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie.set(key, value, path=path)
        return "x"

    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "set-cookie" not in answer.headers


@pytest.mark.row("5.2")
def test_any_text_comes_back(app: Atila, client_of: ClientOf) -> None:
    text = 'a; b=c, "é" %41 \r\n\t\\'

    @app.route("/set")
    def set_it(was: Was) -> str:
        was.cookie["a"] = text
        return "x"

    @app.route("/get")
    def get_it(was: Was) -> object:
        return was.API(value=was.cookie["a"])

    client = client_of(app)
    client.get("/set")
    assert client.get("/get").data == {"value": text}


@pytest.mark.row("5.2")
def test_cookies_are_set_on_error_answers_too(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> str:
        was.cookie["seen"] = "1"
        raise was.Error("404 Not Found")

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.headers["set-cookie"].split(";")[0]) == (404, "seen=1")
