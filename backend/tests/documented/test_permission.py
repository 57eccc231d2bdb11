"""Chapter 10: login, staff, permissions, and tests to pass."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from atila import Atila, RouteError, Was
from tests.documented.conftest import ClientOf

LEVELS = {"user": ["user"], "staff": ["user", "staff"], "admin": ["user", "staff", "admin"]}
KEY = "5b2c4f18-01fd-4b85-8cfa-01827878562f"


@pytest.fixture
def app() -> Atila:
    """An app whose callers say their level in a header, and are denied what it does not give."""
    app = Atila("tests")

    @app.permission_check_handler
    def check(was: Was, perms: list[str]) -> object:
        level = was.request.get_header("x-level")
        if level is None:
            return "who are you"
        if not perms:
            return None
        if any(perm not in LEVELS[level] for perm in perms):
            raise was.Error("403 Permission Denied")
        return None

    return app


def status(client: Any, method: str, path: str, level: str | None = "user") -> int:
    headers = {} if level is None else {"X-Level": level}
    return int(client.request(method, path, headers=headers).status_code)


@pytest.mark.row("10.1", "10.5")
def test_login_required_asks_the_login_handler(app: Atila, client_of: ClientOf) -> None:
    @app.login_handler
    def login(was: Was) -> object:
        return None if "user" in was.cookie else was.redirect("/login")

    @app.route("/")
    @app.login_required
    def page(was: Was) -> str:
        return "inside"

    client = client_of(app)
    answer = client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/login")
    assert client.get("/", headers={"Cookie": "user=hans"}).text == "inside"


@pytest.mark.row("10.1")
def test_the_documents_login_page_works(client_of: ClientOf) -> None:
    """Sign in by a form with a CSRF token; the wrong password brings the form back with a message."""
    app = Atila("tests")
    app.securekey = KEY

    @app.login_handler
    def login(was: Was) -> object:
        if was.session.get("username"):
            return None
        if was.request.args.get("username"):
            if not was.csrf_verify():
                return was.response("400 Bad Request")
            if was.request.args.get("password") == "right":
                was.session.set("username", was.request.args["username"])
                return None
            was.mbox.send("Invalid User Name or Password", "error")
        notes = "".join(message.msg for message in was.mbox.get())
        return was.response("200 OK", f"{notes}|{was.csrf_token}")

    @app.route("/")
    @app.login_required
    def page(was: Was, **form: str) -> str:
        return f"hello {was.session['username']}"

    client = client_of(app)
    _, _, token = client.get("/").text.partition("|")
    assert client.post("/", {"username": "hans", "password": "right", "_csrf_token": "x"}).status_code == 400
    wrong = client.post("/", {"username": "hans", "password": "wrong", "_csrf_token": token}).text
    assert wrong.startswith("Invalid User Name or Password|")
    token = wrong.partition("|")[2]
    assert client.post("/", {"username": "hans", "password": "right", "_csrf_token": token}).text == "hello hans"
    assert client.get("/").text == "hello hans"


@pytest.mark.row("10.2")
def test_staff_member_required_asks_its_handler(app: Atila, client_of: ClientOf) -> None:
    @app.staff_member_check_handler
    async def staff(was: Was) -> object:
        return None if was.request.get_header("x-level") == "staff" else was.response("403 Staff Permission Required")

    @app.route("/")
    @app.staff_member_required
    def page(was: Was) -> str:
        return "inside"

    client = client_of(app)
    answer = client.get("/")
    assert (answer.status_code, answer.data["message"]) == (403, "staff permission required")
    assert status(client, "GET", "/", "staff") == 200


@pytest.mark.row("10.1", "10.2", "10.3")
@pytest.mark.parametrize("name", ["login_required", "staff_member_required", "permission_required"])
def test_without_its_handler_nobody_gets_in(client_of: ClientOf, name: str) -> None:
    app = Atila("tests")
    app.debug = True
    required = getattr(app, name)

    def page(was: Was) -> str:
        return "inside"

    app.route("/")((required() if name == "permission_required" else required)(page))
    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "asks for @app." in answer.data["more_info"]


@pytest.mark.row("10.3", "10.9", "10.10")
def test_a_permission_is_given_or_denied(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    @app.permission_required(["admin"])
    def page(was: Was) -> str:
        return "inside"

    client = client_of(app)
    answer = client.get("/", headers={"X-Level": "user"})
    assert (answer.status_code, answer.data) == (403, {"code": 40300, "message": "permission denied"})
    assert status(client, "GET", "/", "admin") == 200


@pytest.mark.row("10.4")
def test_a_text_is_a_refusal_with_its_reason(app: Atila, client_of: ClientOf) -> None:
    app.realm = 'My "Realm"'

    @app.route("/")
    @app.permission_required()
    def page(was: Was) -> str:
        return "inside"

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.data) == (401, {
        "code": 40100, "message": "unauthorized", "more_info": "who are you"
    })  # fmt: skip
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="My \\"Realm\\"", error="invalid_token", error_description="who are you"'
    )


@pytest.mark.row("10.4")
def test_a_reason_cannot_forge_a_header(app: Atila, client_of: ClientOf) -> None:
    @app.login_handler
    def login(was: Was) -> str:
        return 'no"\r\nSet-Cookie: a=b\r\n\u2028é\\'

    @app.route("/")
    @app.login_required
    def page(was: Was) -> str:
        return "inside"

    answer = client_of(app).get("/")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert answer.headers["www-authenticate"].endswith('error_description="no\\"Set-Cookie: a=b\\\\"')


@pytest.mark.row("10.5")
def test_true_is_no_consent(app: Atila, client_of: ClientOf) -> None:
    app.debug = True

    @app.login_handler
    def login(was: Was) -> bool:
        return True

    @app.route("/")
    @app.login_required
    def page(was: Was) -> str:
        return "inside"

    assert client_of(app).get("/").status_code == 500


@pytest.mark.row("10.6")
@pytest.mark.parametrize("declare", [lambda app: app.permission_required(), lambda app: app.permission_required([])])
def test_no_permission_means_anybody_who_is_known(
    app: Atila, client_of: ClientOf, declare: Callable[[Atila], Any]
) -> None:
    def page(was: Was) -> str:
        return "inside"

    app.route("/")(declare(app)(page))
    client = client_of(app)
    assert status(client, "GET", "/", None) == 401
    assert status(client, "GET", "/", "user") == 200


@pytest.mark.row("10.6")
def test_mistakes_in_a_declaration_are_found_when_it_is_made(app: Atila) -> None:
    def page(was: Was, uid: str = "me") -> str:
        return "inside"

    with pytest.raises(RouteError, match="parentheses"):
        app.permission_required(page)  # type: ignore[arg-type]  # what the test is about
    with pytest.raises(RouteError, match="is a list"):
        app.permission_required("admin")
    with pytest.raises(RouteError, match="is a list"):
        app.permission_required(uid="admin")


@pytest.mark.row("10.7")
@pytest.mark.parametrize(("path", "level", "expected"), [
    ("/users/me", "user", 200), ("/users", "user", 200), ("/users/100", "user", 403), ("/users/100", "staff", 200),
    ("/users/new", "user", 403), ("/users/notme", "staff", 200), ("/users/notme", "user", 403),
    ("/users/me", None, 401),
])  # fmt: skip
def test_a_parameter_asks_for_more_when_it_is_anothers(
    app: Atila, client_of: ClientOf, path: str, level: str | None, expected: int
) -> None:
    @app.route("/users/<int:uid>")
    @app.permission_required([], uid=["staff"])
    def user(was: Was, uid: int | str | None = None) -> str:
        return "inside"

    assert status(client_of(app), "GET", path, level) == expected


@pytest.mark.row("10.7")
def test_what_a_query_says_counts_too(app: Atila, client_of: ClientOf) -> None:
    """A parameter that is no part of the path is guarded as well, wherever it comes from."""

    @app.route("/users")
    @app.permission_required([], uid=["staff"])
    def user(was: Was, uid: str = "me") -> str:
        return uid

    client = client_of(app)
    assert status(client, "GET", "/users?uid=100") == 403
    assert client.post("/users", {"uid": "100"}, headers={"X-Level": "user"}).status_code == 403
    assert client.post("/users?uid=me", json={"uid": 100}, headers={"X-Level": "user"}).status_code == 403


@pytest.mark.row("10.7")
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_changes_everybodys(app: Atila, client_of: ClientOf, method: str) -> None:
    @app.route("/users/<int:uid>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.permission_required([], uid=["staff"])
    def user(was: Was, uid: int | str) -> str:
        return "inside"

    client = client_of(app)
    answer = client.request(method, "/users/notme", headers={"X-Level": "admin"})
    assert (answer.status_code, answer.data["code"]) == (421, 42100)
    assert status(client, "GET", "/users/notme", "admin") == 200


@pytest.mark.row("10.8")
@pytest.mark.parametrize(("method", "path", "level", "expected"), [
    ("DELETE", "/animals/100", "staff", 403), ("DELETE", "/animals/100", "admin", 200),
    ("DELETE", "/animals/me", "user", 200), ("POST", "/animals/100", "staff", 200),
    ("POST", "/animals/100", "user", 403), ("POST", "/animals/me", "user", 200),
])  # fmt: skip
def test_a_method_asks_for_more_unless_it_is_ones_own(
    app: Atila, client_of: ClientOf, method: str, path: str, level: str, expected: int
) -> None:
    @app.route("/animals/<int:id>", methods=["POST", "DELETE"])
    @app.permission_required(["user"], id=["staff"], DELETE=["admin"])
    def animals(was: Was, id: int | str) -> str:
        return "inside"

    assert status(client_of(app), method, path, level) == expected


@pytest.mark.row("10.8")
def test_a_method_alone(app: Atila, client_of: ClientOf) -> None:
    @app.route("/things", methods=["GET", "DELETE"])
    @app.permission_required(["user"], DELETE=["admin"])
    def things(was: Was) -> str:
        return "inside"

    client = client_of(app)
    assert [status(client, "GET", "/things"), status(client, "DELETE", "/things")] == [200, 403]
    assert status(client, "DELETE", "/things", "admin") == 200


@pytest.mark.row("10.3", "6.37")
def test_the_documents_handler_for_tokens(client_of: ClientOf) -> None:
    app = Atila("tests")
    app.securekey = KEY

    @app.permission_check_handler
    def check(was: Was, perms: list[str]) -> object:
        claims = was.request.JWT
        if "err" in claims:
            return claims["err"]
        if perms and not set(claims["levels"]) & set(perms):
            return was.response("403 Permission Denied")
        return None

    @app.route("/token")
    def token(was: Was, level: str) -> str:
        return was.mkjwt({"levels": [level]})

    @app.route("/")
    @app.permission_required(["admin"])
    def page(was: Was) -> str:
        return "inside"

    client = client_of(app)
    answers = [client.get("/")] + [
        client.get("/", headers={"Authorization": f"Bearer {client.get('/token', {'level': level}).text}"})
        for level in ("user", "admin")
    ]
    assert [answer.status_code for answer in answers] == [401, 403, 200]
    assert answers[0].headers["www-authenticate"] == 'Bearer realm="App"'
    assert answers[0].data["more_info"] == "no bearer token"


@pytest.mark.row("10.11")
def test_a_preflight_needs_no_permission(app: Atila, client_of: ClientOf) -> None:
    app.access_control_allow_origin = ["https://app.example"]

    @app.route("/", methods=["POST", "OPTIONS"])
    @app.permission_required(["admin"])
    def page(was: Was) -> str:
        return "inside"

    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert client_of(app).options("/", headers=preflight).status_code == 200


@pytest.mark.row("8.16")
@pytest.mark.parametrize(("outcome", "expected"), [(True, 200), (None, 200), (False, 403), ("no", 401)])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_test_to_pass(app: Atila, client_of: ClientOf, outcome: object, expected: int, asynchronous: bool) -> None:
    threads: list[str] = []

    def test(was: Was) -> object:
        threads.append(threading.current_thread().name)
        return outcome

    async def test_later(was: Was) -> object:
        return outcome

    @app.route("/")
    @app.testpass_required(test_later if asynchronous else test)
    def page(was: Was) -> str:
        return "inside"

    assert client_of(app).get("/").status_code == expected
    assert all(name.startswith("test-") for name in threads)  # a plain test may block, so it is not on the loop


@pytest.mark.row("8.16")
def test_a_test_may_answer_itself(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    @app.testpass_required(lambda was: was.response("403 Only Root"))
    def page(was: Was) -> str:
        return "inside"

    answer = client_of(app).get("/")
    assert (answer.status_code, answer.data["message"]) == (403, "only root")
