"""Chapter 10: basic, digest and bearer authentication."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import pytest

from atila import Atila, RouteError, Was
from atila.testing.answer import Answer
from tests.documented.conftest import ClientOf
from tests.documented.digests import REALM, answer_digest, people, who


@pytest.fixture
def app() -> Atila:
    return people()


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


# basic


@pytest.mark.row("10.12", "10.19", "10.17")
@pytest.mark.parametrize(("name", "password"), [
    ("app", "iamyourpartnerapp"), ("plain", "1234"), ("pair", "1234"), ("old", "1234"), ("new", "1234"),
    ("jürgen", "pässwörd"),
])  # fmt: skip
def test_basic_takes_the_right_password(app: Atila, client_of: ClientOf, name: str, password: str) -> None:
    app.route("/", authenticate="basic")(who)
    client = client_of(app)
    refused = client.get("/")
    assert (refused.status_code, refused.data["code"], refused.data["message"]) == (401, 40100, "unauthorized")
    assert refused.headers["www-authenticate"] == f'Basic realm="{REALM}", charset="UTF-8"'
    answer = client.get("/", headers=basic(name, password))
    assert answer.data["name"] == answer.data["text"] == name


@pytest.mark.row("10.12")
@pytest.mark.parametrize(("name", "password"), [
    ("plain", "12345"), ("plain", ""), ("nobody", "1234"), ("", ""), ("old", hashlib.md5(b"x").hexdigest()),
    ("nobody", "\x00 no password that anybody could send"),
])  # fmt: skip
def test_basic_refuses_the_others(app: Atila, client_of: ClientOf, name: str, password: str) -> None:
    app.route("/", authenticate="basic")(who)
    assert client_of(app).get("/", headers=basic(name, password)).status_code == 401


@pytest.mark.row("10.12")
@pytest.mark.parametrize("value", ["Basic", "Basic !", "Basic YQ==", "Basic /////w=="])
def test_malformed_credentials_are_400(app: Atila, client_of: ClientOf, value: str) -> None:
    app.route("/", authenticate="basic")(who)
    assert client_of(app).get("/", headers={"Authorization": value}).status_code == 400


# whom it concerns


@pytest.mark.row("10.12")
@pytest.mark.parametrize("scheme", ["basic", "digest", "bearer"])
def test_a_decorator_does_what_the_option_does(app: Atila, client_of: ClientOf, scheme: str) -> None:
    app.securekey = "k" * 40

    @app.route("/")
    @app.authorization_required(scheme)
    def page(was: Was) -> object:
        return who(was)

    answer = client_of(app).get("/")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].lower().startswith(scheme)


@pytest.mark.row("10.12")
def test_an_unknown_scheme_is_found_at_the_start(app: Atila) -> None:
    with pytest.raises(RouteError, match="there are basic, digest, bearer"):
        app.authorization_required("magic")
    app.route("/", authenticate="magic")(who)
    with pytest.raises(RouteError, match="magic"):
        app.build()


@pytest.mark.row("10.13", "10.14")
def test_the_whole_app_with_a_way_out(app: Atila, client_of: ClientOf) -> None:
    app.securekey = "k" * 40
    app.authenticate = "basic"
    app.route("/")(who)
    app.route("/out", authenticate=False)(lambda was: "for everybody")
    app.route("/token", authenticate="bearer")(who)
    client = client_of(app)
    assert client.get("/").headers["www-authenticate"].startswith("Basic ")
    assert client.get("/", headers=basic("plain", "1234")).status_code == 200
    assert client.get("/out").text == "for everybody"
    assert client.get("/token").headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.row("10.13")
def test_true_means_the_apps_usual_scheme(app: Atila, client_of: ClientOf) -> None:
    app.authenticate = True
    app.route("/")(who)
    assert client_of(app).get("/").headers["www-authenticate"].startswith("Digest ")
    other = Atila("tests")
    other.authorization = "basic"
    other.route("/", authenticate=True)(who)
    assert client_of(other).get("/").headers["www-authenticate"] == 'Basic realm="App", charset="UTF-8"'


@pytest.mark.row("10.14")
def test_two_routes_of_one_handler_are_guarded_each_for_itself(app: Atila, client_of: ClientOf) -> None:
    @app.route("/open")
    @app.route("/closed", authenticate="basic")
    def page(was: Was) -> str:
        return "inside"

    client = client_of(app)
    assert (client.get("/open").status_code, client.get("/closed").status_code) == (200, 401)


# who knows the passwords


class Directory:
    """What `app.users` may be: anything with `get`."""

    def get(self, name: str) -> str | None:
        return "1234" if name == "someone" else None


@pytest.mark.row("10.15")
def test_users_is_anything_with_get(app: Atila, client_of: ClientOf) -> None:
    app.users = Directory()  # type: ignore[assignment]  # documented: any object with get(name)
    app.route("/", authenticate="basic")(who)
    client = client_of(app)
    assert client.get("/", headers=basic("someone", "1234")).status_code == 200
    assert client.get("/", headers=basic("plain", "1234")).status_code == 401


@pytest.mark.row("10.16", "10.17")
@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_handler_takes_the_place_of_users(app: Atila, client_of: ClientOf, asynchronous: bool, scheme: str) -> None:
    known = {"one": "1234", "two": ("1234", False), "three": ("1234", False, {"id": 3}), "four": None}

    def find(was: Was, name: str) -> Any:
        return known.get(name)

    async def find_later(was: Was, name: str) -> Any:
        return known.get(name)

    app.authorization_handler(find_later if asynchronous else find)
    app.route("/", authenticate=scheme)(who)
    client = client_of(app)

    def ask(name: str) -> Answer:
        if scheme == "digest":
            return answer_digest(client, name, "1234")
        return client.get("/", headers=basic(name, "1234"))

    assert [ask(name).status_code for name in ("one", "two", "three", "four", "plain")] == [200, 200, 200, 401, 401]
    assert ask("three").data["info"] == {"id": 3}


@pytest.mark.row("10.17")
@pytest.mark.parametrize("found", [5, (), ("a", False, None, 4), (5, True)])
def test_something_else_than_a_password_is_an_error(app: Atila, client_of: ClientOf, found: object) -> None:
    app.authorization_handler(lambda was, name: found)
    app.route("/", authenticate="basic")(who)
    assert client_of(app).get("/", headers=basic("plain", "1234")).status_code == 500


# bearer


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.row("10.12", "10.19", "10.21", "10.25")
def test_a_token_of_ours_says_who_it_is(app: Atila, client_of: ClientOf) -> None:
    app.securekey = "5b2c4f18-01fd-4b85-8cfa-01827878562f"

    @app.route("/token")
    def token(was: Was, seconds: int) -> str:
        return was.mkjwt({"username": "hansroh", "exp": time.time() + seconds})

    @app.route("/", authenticate="bearer")
    def page(was: Was) -> object:
        return was.API(name=was.request.user.name, text=str(was.request.user), claims=was.request.JWT["username"])

    client = client_of(app)
    assert client.get("/").headers["www-authenticate"] == f'Bearer realm="{REALM}"'
    good, late = (client.get("/token", {"seconds": seconds}).text for seconds in (60, -1))
    assert client.get("/", headers=bearer(good)).data == {"name": "hansroh", "text": "hansroh", "claims": "hansroh"}
    expired = client.get("/", headers=bearer(late))
    assert (expired.status_code, expired.data["more_info"]) == (401, "token expired")
    assert expired.headers["www-authenticate"].endswith('error="invalid_token", error_description="token expired"')
    assert client.get("/", headers=basic("plain", "1234")).status_code == 401


@pytest.mark.row("10.22")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_bearer_handler_reads_tokens_of_its_own(app: Atila, client_of: ClientOf, asynchronous: bool) -> None:
    def check(was: Was, token: str) -> str | None:
        return None if token == "opaque" else "no such token"

    async def check_later(was: Was, token: str) -> str | None:
        return check(was, token)

    app.bearer_handler(check_later if asynchronous else check)

    @app.route("/", authenticate="bearer")
    def page(was: Was) -> str:
        return "inside"

    client = client_of(app)
    assert client.get("/", headers=bearer("opaque")).text == "inside"
    refused = client.get("/", headers=bearer("other"))
    assert (refused.status_code, refused.data["more_info"]) == (401, "no such token")
    assert client.get("/").data["more_info"] == "no bearer token"
    assert client.get("/", headers=bearer("")).status_code == 401


@pytest.mark.row("10.22", "10.24")
def test_the_documents_bearer_handler(app: Atila, client_of: ClientOf) -> None:
    app.securekey = "5b2c4f18-01fd-4b85-8cfa-01827878562f"

    @app.bearer_handler
    def check(was: Was, token: str) -> object:
        claims = was.request.JWT
        return claims.get("err")

    app.route("/token")(lambda was: was.mkjwt({"username": "hansroh"}))
    app.route("/", authenticate="bearer")(lambda was: str(was.request.user))
    client = client_of(app)
    assert client.get("/", headers=bearer(client.get("/token").text)).text == "hansroh"
    assert client.get("/", headers=bearer("x")).data["more_info"] == "invalid token"


@pytest.mark.row("10.12", "10.14")
def test_the_openapi_document_says_how_to_authenticate(app: Atila) -> None:
    app.authenticate = "digest"
    app.route("/a", methods=["GET"])(who)
    app.route("/b", methods=["GET"], authenticate="basic")(lambda was: "b")
    app.route("/c", methods=["GET"], authenticate=False)(lambda was: "c")
    document = app.openapi()
    asked = {
        path: item["get"].get("security") for path, item in document["paths"].items() if path in ("/a", "/b", "/c")
    }
    assert asked == {"/a": [{"digest": []}], "/b": [{"basic": []}], "/c": None}
    schemes = {name: scheme["scheme"] for name, scheme in document["components"]["securitySchemes"].items()}
    assert schemes == {"bearer": "bearer", "basic": "basic", "digest": "digest"}
