"""Accounts over REST: sign in, refresh, sign out, me."""

from __future__ import annotations

from typing import Any

import pytest

from app.loading import Connect
from app.services.accounts.users import User
from atila.testing.answer import Answer
from atila.testing.client import TestClient
from tests.app.conftest import PASSWORD

AUTH = "/api/v1/auth"
FETCH = {"X-Requested-With": "fetch", "Sec-Fetch-Site": "same-origin"}
People = dict[str, User]


def sign_in(cli: TestClient, email: str = "uma@example.com", password: str = PASSWORD, **options: Any) -> Answer:
    return cli.post(f"{AUTH}/sign-in", json={"email": email, "password": password}, **options)


def bearer(answer: Answer) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.data['access_token']}"}


def test_signing_in_gives_a_session(cli: TestClient, people: People) -> None:
    answer = sign_in(cli)
    assert answer.status_code == 200
    session = answer.data
    assert session.pop("access_token").count(".") == 2
    assert session == {
        "token_type": "Bearer",
        "expires_in": 600,
        "user": {"id": people["uma"].id, "email": "uma@example.com", "name": "Uma", "role": "user"},
    }
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("refresh=")
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/api/v1/auth", "Max-Age=2592000"):
        assert attribute in cookie
    assert "Secure" not in cookie


def test_over_tls_the_cookie_is_secure_and_named_so(cli: TestClient, people: People) -> None:
    cookie = sign_in(cli, scheme="https").headers["set-cookie"]
    assert cookie.startswith("__Secure-refresh=")
    assert "; Secure" in cookie


def test_the_token_says_who_it_is(cli: TestClient, people: People) -> None:
    answer = sign_in(cli, "sam@example.com")
    claims = cli.app.tokens.decode(answer.data["access_token"])
    assert (claims["uid"], claims["role"], claims["sub"]) == (people["sam"].id, "staff", str(people["sam"].id))
    assert cli.get(f"{AUTH}/me", headers=bearer(answer)).data == answer.data["user"]


@pytest.mark.parametrize(
    ("email", "password"), [("uma@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("", "")]
)
def test_whatever_is_wrong_the_answer_is_one(cli: TestClient, people: People, email: str, password: str) -> None:
    answer = sign_in(cli, email, password)
    assert answer.status_code == 401
    assert (answer.data["code"], answer.data["message"]) == (40100, "unauthorized")
    assert answer.data["more_info"] == "the address or the password is wrong"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"email": "uma@example.com", "password": ', "malformed"),
        (b'{"email": "uma@example.com"}', "parameter `password` is missing"),
        (b'{"email": 5, "password": "x"}', "parameter `email` should be text"),
        (b'{"email": "u", "password": "' + b"x" * 1025 + b'"}', "1024"),
        (b"[]", "object"),
        (b"", "body is missing"),
    ],
)
def test_a_malformed_sign_in_says_what_is_wrong(cli: TestClient, body: bytes, reason: str) -> None:
    answer = cli.post(f"{AUTH}/sign-in", body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert reason.lower() in answer.text.lower()


def test_a_form_cannot_sign_in(cli: TestClient, people: People) -> None:
    answer = cli.post(f"{AUTH}/sign-in", {"email": "uma@example.com", "password": PASSWORD})
    assert answer.status_code == 415


def test_too_many_failures_close_the_account_for_a_while(cli: TestClient, people: People) -> None:
    for _ in range(10):
        assert sign_in(cli, password="wrong").status_code == 401
    answer = sign_in(cli)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900


def test_refreshing_rotates_the_cookie(cli: TestClient, people: People) -> None:
    first = sign_in(cli)
    old = cli.cookies["refresh"]
    answer = cli.post(f"{AUTH}/refresh", headers=FETCH)
    assert answer.status_code == 200
    assert answer.data["user"] == first.data["user"]
    assert cli.cookies["refresh"] != old
    assert cli.get(f"{AUTH}/me", headers=bearer(answer)).status_code == 200


def test_the_loser_of_a_race_goes_on_and_keeps_a_cookie(cli: TestClient, people: People) -> None:
    sign_in(cli)
    old = cli.cookies["refresh"]
    cli.post(f"{AUTH}/refresh", headers=FETCH)
    cli.cookies["refresh"] = old
    assert cli.post(f"{AUTH}/refresh", headers=FETCH).status_code == 200
    assert cli.post(f"{AUTH}/refresh", headers=FETCH).status_code == 200


def test_a_dead_token_is_refused_without_clearing_the_cookie(cli: TestClient, people: People) -> None:
    cli.cookies["refresh"] = "never-issued"
    answer = cli.post(f"{AUTH}/refresh", headers=FETCH)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    cli.cookies.clear()
    assert cli.post(f"{AUTH}/refresh", headers=FETCH).status_code == 401


@pytest.mark.parametrize("path", ["refresh", "sign-out"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Requested-With": "fetch", "Sec-Fetch-Site": "cross-site"},
        {"X-Requested-With": "fetch", "Sec-Fetch-Site": "same-site"},
        {"X-Requested-With": "fetch", "Origin": "https://evil.example"},
        {"X-Requested-With": "fetch", "Origin": "null"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_other_pages_cannot_use_the_cookie(cli: TestClient, people: People, path: str, headers: dict[str, str]) -> None:
    sign_in(cli)
    assert cli.post(f"{AUTH}/{path}", headers=headers).status_code == 403
    own = {"X-Requested-With": "fetch", "Origin": "http://testserver"}
    assert cli.post(f"{AUTH}/refresh", headers=own).status_code == 200


def test_another_site_cannot_sign_somebody_in(cli: TestClient, people: People) -> None:
    assert sign_in(cli, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_signing_out_ends_the_session_and_clears_the_cookie(cli: TestClient, people: People) -> None:
    sign_in(cli)
    token = cli.cookies["refresh"]
    answer = cli.post(f"{AUTH}/sign-out", headers=FETCH)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    cli.cookies["refresh"] = token
    assert cli.post(f"{AUTH}/refresh", headers=FETCH).status_code == 401


def test_signing_out_twice_is_no_error(cli: TestClient) -> None:
    assert cli.post(f"{AUTH}/sign-out", headers=FETCH).status_code == 204


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_me_needs_a_token(cli: TestClient, token: str) -> None:
    answer = cli.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"} if token else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_deleted_account_is_nobody(cli: TestClient, people: People, connect: Connect) -> None:
    answer = sign_in(cli)
    with connect() as db:
        db.delete("users").filter(id=people["uma"].id).execute().commit()
    assert cli.get(f"{AUTH}/me", headers=bearer(answer)).status_code == 401
    assert cli.post(f"{AUTH}/refresh", headers=FETCH).status_code == 401
