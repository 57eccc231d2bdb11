"""Chapter 6: tokens against forged forms, tokens for links, JSON Web Tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any
from urllib.parse import quote

import pytest

from atila import Atila, Was
from atila.testing.client import TestClient
from tests.documented.conftest import ClientOf
from tests.documented.test_session import Clock, ask, later, serve  # noqa: F401 - a fixture

KEY = "5b2c4f18-01fd-4b85-8cfa-01827878562f"


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.securekey = KEY
    app.session_timeout = 1200
    return app


@pytest.fixture
def form(app: Atila, client_of: ClientOf) -> TestClient:
    """A page with a form, and what takes it."""

    @app.route("/form")
    def form(was: Was) -> object:
        return was.csrf_token_input

    @app.route("/token")
    def token(was: Was) -> object:
        return was.csrf_token

    @app.route("/post", methods=["POST"])
    def post(was: Was, **fields: Any) -> object:
        return was.API(value=was.csrf_verify(keep="keep" in fields))

    return client_of(app)


@pytest.mark.row("6.27", "6.28")
def test_the_token_is_the_sessions(form: TestClient) -> None:
    field = form.get("/form").text
    match = re.fullmatch(r'<input type="hidden" name="_csrf_token" value="([\w-]{32})">', field)
    assert match is not None
    assert form.get("/token").text == match[1]


@pytest.mark.row("6.29", "2.19")
def test_the_token_works_once(form: TestClient) -> None:
    token = form.get("/token").text
    verdicts = [form.post("/post", data).data["value"] for data in (
        {"_csrf_token": token[:-1]}, {}, {"_csrf_token": token, "keep": "1"}, {"_csrf_token": token},
        {"_csrf_token": token},
    )]  # fmt: skip
    assert verdicts == [False, False, True, True, False]


@pytest.mark.row("6.29")
def test_scripts_send_it_in_json_or_in_a_header(form: TestClient) -> None:
    token = form.get("/token").text
    assert form.post("/post", json={"_csrf_token": token, "keep": 1}).data["value"] is True
    assert form.post("/post", headers={"X-CSRF-Token": token}).data["value"] is True


@pytest.mark.row("6.29")
@pytest.mark.parametrize("value", [5, None, ["a"], "é", ""])
def test_a_token_that_is_no_text_is_refused(form: TestClient, value: object) -> None:
    form.get("/token")
    assert form.post("/post", json={"_csrf_token": value}).data["value"] is False


@pytest.mark.row("6.29")
def test_another_browsers_token_is_refused_and_so_is_one_in_the_url(form: TestClient, client_of: ClientOf) -> None:
    token = form.get("/token").text
    stranger = client_of(form.app)
    stranger.get("/token")
    assert stranger.post("/post", {"_csrf_token": token}).data["value"] is False
    assert form.post(f"/post?_csrf_token={token}").data["value"] is False


# one-time tokens


@pytest.mark.row("6.30", "6.31", "6.33")
@pytest.mark.parametrize("value", ["hans", {"id": 7, "é": [1, None]}, 0, [], "a/b+c?d"])
def test_an_object_comes_back(app: Atila, client_of: ClientOf, value: object) -> None:
    @app.route("/make")
    def make(was: Was) -> object:
        return was.mkott(value, 3600)

    @app.route("/read")
    def read(was: Was, token: str) -> object:
        return was.API(value=was.deott(token))

    client = client_of(app)
    token = client.get("/make").text
    assert quote(token, safe="") == token  # it can stand in a URL as it is
    assert client.get(f"/read?token={token}").data == {"value": value}
    assert client_of(app).get(f"/read?token={token}").data == {"value": value}  # in any browser


@pytest.mark.row("6.30")
def test_it_is_signed_and_expires(app: Atila, client_of: ClientOf, later: Clock) -> None:  # noqa: F811
    @app.route("/read")
    def read(was: Was, token: str) -> object:
        return was.API(value=was.decode_ott(token))

    serve(app, make=lambda was: was.encode_ott("hans"))
    client = client_of(app)
    token = ask(client, "/make")
    for wrong in ("", "x", token[:-2], f"x{token}", token.replace(".", "")):
        assert client.get("/read", {"token": wrong}).data == {"value": None}
    later(1199)
    assert client.get("/read", {"token": token}).data == {"value": "hans"}
    later(1201)
    assert client.get("/read", {"token": token}).data == {"value": None}


@pytest.mark.row("6.30", "6.32", "6.33")
def test_with_a_session_key_it_is_bound_to_the_browser_and_can_be_revoked(app: Atila, client_of: ClientOf) -> None:
    @app.route("/read")
    def read(was: Was, token: str) -> object:
        return was.API(value=was.deott(token))

    @app.route("/revoke")
    def revoke(was: Was, token: str) -> object:
        return was.API(value=was.rvott(token))

    serve(app, make=lambda was: was.mkott("hans", 3600, "rset"), keys=lambda was: list(was.session.keys()))
    client = client_of(app)
    token = ask(client, "/make")
    assert client.get("/read", {"token": token}).data == {"value": "hans"}
    assert client_of(app).get("/read", {"token": token}).data == {"value": None}
    assert ask(client, "/keys") == []
    assert client.get("/revoke", {"token": token}).data == {"value": True}
    assert client.get("/revoke", {"token": token}).data == {"value": False}
    assert client.get("/read", {"token": token}).data == {"value": None}
    first, second = ask(client, "/make"), ask(client, "/make")
    assert client.get("/read", {"token": first}).data == {"value": None}  # the later one took its place
    assert client.get("/read", {"token": second}).data == {"value": "hans"}


@pytest.mark.row("6.32")
def test_without_a_session_key_there_is_nothing_to_revoke(app: Atila, client_of: ClientOf) -> None:
    serve(app, both=lambda was: was.rvott(was.mkott("hans")))
    assert ask(client_of(app), "/both") is False


# JSON Web Tokens


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(header: object, claims: object, key: str = KEY, digest: str = "sha256") -> str:
    """A token made by hand, as RFC 7515 describes it."""
    text = f"{encoded(header)}.{encoded(claims)}"
    mark = hmac.digest(key.encode(), text.encode(), digest)
    return f"{text}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"


LONG = "a key of sixty-four bytes, as long as what HMAC-SHA512 gives ....."
HS256 = {"alg": "HS256", "typ": "JWT"}


@pytest.fixture
def bearer(app: Atila, client_of: ClientOf) -> TestClient:
    """What reads the token of a request, or another one."""

    @app.route("/claims")
    def claims(was: Was, token: str | None = None) -> object:
        return was.API(value=was.dejwt(token))

    @app.route("/jwt")
    def jwt(was: Was) -> object:
        return was.API(value=was.request.JWT)

    return client_of(app)


def read(client: TestClient, token: str) -> dict[str, Any]:
    answer = client.get("/jwt", headers={"Authorization": f"Bearer {token}"})
    claims: dict[str, Any] = answer.data["value"]
    return claims


@pytest.mark.row("6.35")
def test_a_token_is_base64url_of_rfc_7515(app: Atila, client_of: ClientOf) -> None:
    exp = time.time() + 3600
    serve(app, make=lambda was: was.mkjwt({"username": "hansroh", "exp": exp, "text": "???>>>é"}))
    token = ask(client_of(app), "/make")
    header, payload, signature = token.split(".")
    assert re.fullmatch(r"[\w-]+", header + payload + signature)
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == HS256
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["username"] == "hansroh"
    mark = hmac.new(KEY.encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "==") == mark


@pytest.mark.row("6.35")
def test_salt_is_another_key_and_alg_another_algorithm(app: Atila, client_of: ClientOf, bearer: TestClient) -> None:
    salt = "a salt of thirty-two characters!"
    serve(app, salted=lambda was: was.mkjwt({"a": 1}, salt), longer=lambda was: was.mkjwt({"a": 1}, LONG, "HS512"),
          wrong=lambda was: was.mkjwt({"a": 1}, alg="none"))  # fmt: skip
    assert read(bearer, ask(bearer, "/salted")) == {"err": "invalid token"}
    header = json.loads(base64.urlsafe_b64decode(ask(bearer, "/longer").split(".")[0] + "=="))
    assert header["alg"] == "HS512"
    assert read(bearer, ask(bearer, "/longer")) == {"err": "invalid token"}  # ours are HS256, whatever a token says
    assert bearer.get("/wrong").status_code == 500


@pytest.mark.row("6.35")
def test_claims_without_an_end_get_one(app: Atila, bearer: TestClient, later: Clock) -> None:  # noqa: F811
    serve(app, make=lambda was: was.mkjwt({"a": 1}))
    token = ask(bearer, "/make")
    assert read(bearer, token)["a"] == 1
    later(601)
    assert read(bearer, token) == {"err": "token expired"}


@pytest.mark.row("6.36", "6.37")
def test_the_claims_or_why_there_are_none(bearer: TestClient) -> None:
    exp = int(time.time()) + 60
    assert bearer.get("/jwt").data["value"] == {"err": "no bearer token"}
    assert bearer.get("/claims").data["value"] == {"err": "no bearer token"}
    token = signed(HS256, {"username": "hans", "exp": exp, "sub": 5})
    assert read(bearer, token) == {"username": "hans", "exp": exp, "sub": 5}
    assert bearer.get("/claims", {"token": token}).data["value"]["username"] == "hans"
    assert read(bearer, signed(HS256, {"exp": int(time.time()) - 1})) == {"err": "token expired"}


@pytest.mark.row("6.36")
def test_a_remembered_token_expires_too(bearer: TestClient, later: Clock) -> None:  # noqa: F811
    token = signed(HS256, {"exp": int(time.time()) + 60})
    assert "err" not in read(bearer, token)
    later(61)
    assert read(bearer, token) == {"err": "token expired"}


@pytest.mark.row("6.36")
@pytest.mark.parametrize("token", [
    "x", "a.b.c", "..", signed(HS256, {"a": 1}, "another key of thirty-two letters"), signed({"alg": "none"}, {"a": 1}),
    signed({"alg": "HS512"}, {"a": 1}, digest="sha512"), signed({"alg": "RS256"}, {"a": 1}), signed(HS256, [1]),
    signed(HS256, {"err": "none"}), signed(HS256, {"exp": "soon"}), signed(HS256, {"nbf": 9e12}), signed("x", {"a": 1}),
    signed(HS256, {"a": 1})[:-3], signed(HS256, {"a": 1}).rsplit(".", 1)[0] + ".", "é",
    encoded({"alg": "none"}) + "." + encoded({"a": 1}) + ".",
])  # fmt: skip
def test_what_is_not_signed_by_us_is_invalid(bearer: TestClient, token: str) -> None:
    assert bearer.get("/claims", {"token": token}).data["value"] == {"err": "invalid token"}


@pytest.mark.row("6.37")
def test_one_readers_changes_are_no_others(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def page(was: Was) -> object:
        claims = was.request.JWT
        levels = list(claims["levels"])
        claims["levels"].append("admin")  # must not reach the next request with the same token
        return was.API(value=levels)

    client = client_of(app)
    header = {"Authorization": f"bearer {signed(HS256, {'levels': ['user']})}"}
    assert [client.get("/", headers=header).data["value"] for _ in range(3)] == [["user"]] * 3


@pytest.mark.row("6.35", "6.1")
def test_a_new_key_signs_and_the_old_one_still_verifies(app: Atila, client_of: ClientOf) -> None:
    app.securekey = ["the new key of thirty-two letters", KEY]
    serve(app, make=lambda was: was.mkjwt({"a": 1}), jwt=lambda was: was.request.JWT)
    client = client_of(app)
    assert read(client, signed(HS256, {"old": 1})) == {"old": 1}
    assert read(client, signed(HS256, {"new": 1}, "the new key of thirty-two letters")) == {"new": 1}
    assert read(client, ask(client, "/make"))["a"] == 1
