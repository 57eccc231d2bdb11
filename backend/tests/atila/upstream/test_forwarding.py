"""Header fields, targets and redirections of requests that are passed on."""

from __future__ import annotations

import pytest

from atila.alias import Alias, Member
from atila.errors import HTTPError
from atila.http.headers import Headers, Pairs
from atila.http.request import Request, Told
from atila.upstream.forwarding import Origin, origin_of, request_fields, response_fields, rewritten, target_of


def sent(pairs: Pairs, member: Member | None = None, *, forwarded: bool = False, root: str = "") -> dict[str, str]:
    request = Request("GET", "/x/a", "", Headers([("host", "shop.example"), *pairs]), Told(client="10.0.0.9:5"))
    request.forwarded, request.root, request.id = forwarded, root, "id7"
    fields = request_fields(request, "up.example", member or Member("up.example", 80))
    return {name.decode(): value.decode("latin-1") for name, value in fields}


def test_a_strangers_word_about_itself_does_not_count() -> None:
    got = sent([("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), ("forwarded", "for=6.6.6.6")])
    assert (got["x-forwarded-for"], got["x-forwarded-proto"]) == ("10.0.0.9", "http")
    assert (got["x-forwarded-host"], got["host"]) == ("shop.example", "up.example")
    assert "x-forwarded-prefix" not in got
    assert "forwarded" not in got


def test_a_trusted_proxys_word_is_carried_on() -> None:
    before = [
        ("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2"), ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "public.example"), ("x-forwarded-prefix", "/outer/"), ("via", "2 front"),
    ]  # fmt: skip
    got = sent(before, forwarded=True, root="/x")
    assert got["x-forwarded-for"] == "1.1.1.1, 2.2.2.2, 10.0.0.9"
    assert got["x-real-ip"] == "2.2.2.2"
    assert (got["x-forwarded-proto"], got["x-forwarded-host"]) == ("https", "public.example")
    assert got["x-forwarded-prefix"] == "/outer/x"
    assert got["via"] == "2 front, 1.1 atila"


@pytest.mark.parametrize(
    "name",
    ["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authorization", "x-mine"],
)
def test_fields_of_one_hop_end_here(name: str) -> None:
    assert name not in sent([("connection", "close, X-Mine"), (name, "x")])


def test_a_client_cannot_have_our_own_fields_dropped() -> None:
    got = sent([("connection", "x-forwarded-for, x-real-ip, host, via")])
    assert {"x-forwarded-for", "x-real-ip", "host", "via"} <= got.keys()


def test_names_with_underscores_end_here() -> None:
    assert "x_real_ip" not in sent([("x_real_ip", "6.6.6.6")])


def test_a_members_password_takes_the_place_of_the_clients() -> None:
    got = sent([("authorization", "Bearer mine")], Member("up", 80, "reader", "sécret"))
    assert got["authorization"] == "Basic cmVhZGVyOnPDqWNyZXQ="
    assert sent([("authorization", "Bearer mine")])["authorization"] == "Bearer mine"


def test_an_answers_fields() -> None:
    raw = [
        (b"Connection", b"X-Hop"), (b"X-Hop", b"1"), (b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"9"),
        (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2"), (b"X-Request-ID", b"theirs"), (b"X-Name", b"gr\xfc\xdf"),
    ]  # fmt: skip
    assert response_fields(raw) == [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-name", "grüß")]


@pytest.mark.parametrize(
    ("kind", "ssl", "member", "origin"),
    [
        ("http", False, "up.example", "http://up.example"),
        ("http", False, "up.example:8080", "http://up.example:8080"),
        ("https", False, "up.example", "https://up.example"),
        ("https", False, "up.example:80", "https://up.example:80"),
        ("wss", False, "up.example:444", "https://up.example:444"),
        ("http", True, "up.example", "https://up.example"),
        ("http", True, "up.example:8443", "https://up.example:8443"),
        ("http", False, "[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_where_a_member_is(kind: str, ssl: bool, member: str, origin: str) -> None:
    alias = Alias.parse("@up", kind, member, ssl=ssl)
    assert str(origin_of(alias, alias.members[0])) == origin


@pytest.mark.parametrize(
    ("base", "path", "query", "target"),
    [
        ("", "/", "", "/"),
        ("", "", "", "/"),
        ("", "/a b/ü?#%", "x=%26", "/a%20b/%C3%BC%3F%23%25?x=%26"),
        ("", "//evil.example/x", "", "//evil.example/x"),  # a path all the same: the member's origin goes before it
        ("shop/v1/", "/a", "", "/shop/v1/a"),
        ("shop", "", "", "/shop"),
        ("shop", "/", "q", "/shop/?q"),
    ],
)
def test_targets(base: str, path: str, query: str, target: str) -> None:
    assert target_of(Member("up", 80, database=base), path, query) == target


@pytest.mark.parametrize(
    "path", ["/..;/secret", "/a/..;v=1/b", "/../secret", "/a/./b", "/a/..", "/a\\..\\b", "/a\r\nX: y", "/\x00"]
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(HTTPError, match="400"):
        target_of(Member("up", 80, database="base"), path, "")


@pytest.mark.parametrize(
    ("location", "base", "prefix", "result"),
    [
        ("http://up.example:8080/login", "", "/x", "/x/login"),
        ("http://up.example:8080", "", "/x", "/x/"),
        ("/login?a=1#b", "", "/x", "/x/login?a=1#b"),
        ("/x/login", "", "/x", "/x/login"),  # it knows of X-Forwarded-Prefix
        ("/xy", "", "/x", "/x/xy"),
        ("login", "", "/x", "login"),
        ("?page=2", "", "/x", "?page=2"),
        ("https://up.example:8080/login", "", "/x", "https://up.example:8080/login"),
        ("http://other.example/login", "", "/x", "http://other.example/login"),
        ("//other.example/login", "", "/x", "//other.example/login"),
        ("/base/login", "/base", "/x", "/x/login"),
        ("/base", "/base", "/x", "/x/"),
        ("/elsewhere", "/base", "/x", "/elsewhere"),
        ("/login", "", "", "/login"),
        ("http://[bad", "", "/x", "http://[bad"),
        ("http://up.example:8080//evil.example", "", "", "http://up.example:8080//evil.example"),
    ],
)
def test_redirections(location: str, base: str, prefix: str, result: str) -> None:
    assert rewritten(location, Origin("http", "up.example", 8080), base, prefix) == result
