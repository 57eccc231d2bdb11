"""Chapter 10: digest authentication."""

from __future__ import annotations

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf
from tests.documented.digests import REALM, answer_digest, challenges, digest, people, who
from tests.documented.test_session import Clock, later  # noqa: F401 - a fixture


@pytest.fixture
def app() -> Atila:
    return people()


@pytest.mark.row("10.12", "10.19", "10.20")
def test_digest_offers_sha_256_first(app: Atila, client_of: ClientOf) -> None:
    app.route("/", authenticate="digest")(who)
    first, second = challenges(client_of(app).get("/"))
    assert (first["scheme"], first["algorithm"], second["algorithm"]) == ("Digest", "SHA-256", "MD5")
    assert (first["realm"], first["qop"], first["charset"]) == (REALM, "auth", "UTF-8")
    assert first["nonce"]
    assert "stale" not in first


@pytest.mark.row("10.12", "10.20", "10.21")
@pytest.mark.parametrize("kind", ["SHA-256", "MD5"])
def test_digest_takes_the_right_password(app: Atila, client_of: ClientOf, kind: str) -> None:
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    answer = answer_digest(client, "app", "iamyourpartnerapp", kind)
    assert answer.data == {"name": "app", "text": "app", "realm": REALM, "info": {"role": "root"}}
    wrong = answer_digest(client, "app", "wrong", kind)
    assert wrong.status_code == 401
    assert "stale" not in challenges(wrong)[0]
    assert answer_digest(client, "nobody", "", kind).status_code == 401


@pytest.mark.row("10.18")
def test_a_password_kept_as_a_hash_is_for_the_algorithm_of_that_hash(app: Atila, client_of: ClientOf) -> None:
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    assert answer_digest(client, "old", "1234", "MD5").data["info"] == "kept as MD5"
    assert answer_digest(client, "new", "1234", "SHA-256").data["name"] == "new"
    again = answer_digest(client, "old", "1234", "SHA-256")
    assert again.status_code == 401
    [challenge] = challenges(again)  # a client asks again with what is left
    assert (challenge["algorithm"], challenge["stale"]) == ("MD5", "true")
    assert client.get("/", headers=digest(challenge, "old", "1234")).status_code == 200


@pytest.mark.row("10.20")
def test_an_answer_cannot_be_replayed(app: Atila, client_of: ClientOf) -> None:
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    challenge = challenges(client.get("/"))[0]
    counts = ["00000001", "00000003", "00000002", "00000001", "00000003"]
    answers = [client.get("/", headers=digest(challenge, "plain", "1234", nc=count)) for count in counts]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 401, 401]
    assert challenges(answers[-1])[0]["stale"] == "true"  # with a new nonce, and without asking the user again


@pytest.mark.row("10.20")
def test_a_nonce_is_ours_and_does_not_live_for_ever(app: Atila, client_of: ClientOf, later: Clock) -> None:  # noqa: F811
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    challenge = challenges(client.get("/"))[0]
    foreign = client.get("/", headers=digest(challenge, "plain", "1234", nonce="made up"))
    assert (foreign.status_code, challenges(foreign)[0]["stale"]) == (401, "true")
    later(301)
    old = client.get("/", headers=digest(challenge, "plain", "1234"))
    assert (old.status_code, challenges(old)[0]["stale"]) == (401, "true")
    wrong = client.get("/", headers=digest(challenge, "plain", "wrong"))
    assert "stale" not in challenges(wrong)[0]
    later(0)
    assert client.get("/", headers=digest(challenge, "plain", "1234")).status_code == 200


@pytest.mark.row("10.20")
def test_an_answer_is_for_one_method_and_one_target(app: Atila, client_of: ClientOf) -> None:
    @app.route("/a/<path:rest>", methods=["GET", "DELETE"], authenticate="digest")
    def page(was: Was, rest: str, q: str = "") -> object:
        return who(was)

    client = client_of(app)
    challenge = challenges(client.get("/a/b"))[0]

    def ask(method: str, path: str, signed: str, count: int) -> int:
        header = digest(challenge, "plain", "1234", signed, nc=f"{count:08x}")
        return client.request(method, path, headers=header).status_code

    assert ask("GET", "/a/b%20c/d?q=1%2B2", "/a/b%20c/d?q=1%2B2", 1) == 200
    assert ask("GET", "/a/b", "/a/c", 2) == 400
    assert ask("GET", "/a/b?q=2", "/a/b?q=1", 3) == 400
    assert ask("DELETE", "/a/b", "/a/b", 4) == 401  # it was signed for GET


@pytest.mark.row("10.20")
@pytest.mark.parametrize("change", [
    ("qop=auth", "qop=auth-int"), ("qop=auth, ", ""), ("nc=00000001", "nc=1"), ("nc=00000001", "nc=zzzzzzzz"),
    ("nc=00000001, ", ""), ('cnonce="0a4f113b", ', ""), ("Digest ", "Digest ,,"), ("qop=auth", "qop=auth, qop=auth"),
    ('realm="', 'realm=""'),
])  # fmt: skip
def test_a_malformed_answer_is_400(app: Atila, client_of: ClientOf, change: tuple[str, str]) -> None:
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    header = digest(challenges(client.get("/"))[0], "plain", "1234")["Authorization"].replace(*change)
    assert client.get("/", headers={"Authorization": header}).status_code == 400


@pytest.mark.row("10.20")
@pytest.mark.parametrize("change", [("algorithm=SHA-256", "algorithm=SHA-512-256"), (REALM, "another")])
def test_another_realm_or_algorithm_is_refused(app: Atila, client_of: ClientOf, change: tuple[str, str]) -> None:
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    header = digest(challenges(client.get("/"))[0], "plain", "1234")["Authorization"].replace(*change)
    assert client.get("/", headers={"Authorization": header}).status_code == 401


@pytest.mark.row("10.20")
def test_a_name_that_is_no_ascii_comes_encoded(app: Atila, client_of: ClientOf) -> None:
    """RFC 7616 3.4.4: username* with the name in UTF-8."""
    app.route("/", authenticate="digest")(who)
    client = client_of(app)
    header = digest(challenges(client.get("/"))[0], "jürgen", "pässwörd")["Authorization"]
    header = header.replace('username="jürgen"', "username*=UTF-8''j%C3%BCrgen")
    assert client.get("/", headers={"Authorization": header}).data["name"] == "jürgen"
