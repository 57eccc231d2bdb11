"""HTTP to upstreams, as the wire sees it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from atila.alias import DB_SQLITE3, PROTO_HTTP, PROTO_HTTPS
from atila.config import default_config
from atila.errors import SettingError
from atila.platform import LocalPlatform
from atila.upstream.calls import Calls
from atila.upstream.message import HTTPReply
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_REQFAIL, STA_TIMEOUT
from atila.upstream.verbs import Upload, Verb
from tests.servers.upstream import Upstream, free_port, granian
from tests.serving.certificates import Authority


@pytest.fixture
def calls(platform: LocalPlatform) -> Calls:
    config = default_config()
    config.max_upstream_answer_size = 100_000
    return Calls.of(platform, config)


def get(calls: Calls, url: str, **options: Any) -> Any:
    return Verb(calls, "GET")(url, **options).dispatch()


def test_connections_are_kept_for_the_next_call(calls: Calls, upstream: Upstream) -> None:
    for _ in range(5):
        assert get(calls, f"{upstream.url}/echo").status_code == 200
    assert upstream.connections == 1
    assert calls.clients.usage() == {"@": 0}


def test_a_call_is_not_told_to_the_log(calls: Calls, upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    get(calls, f"{upstream.url}/echo?token=hidden")
    assert "hidden" not in caplog.text


def test_cookies_of_one_call_are_not_sent_with_another(calls: Calls, upstream: Upstream) -> None:
    assert get(calls, f"{upstream.url}/cookie").get_header("set-cookie") == "user=alice; Path=/"
    assert "cookie" not in get(calls, f"{upstream.url}/echo").data["headers"]


def test_redirections_are_followed_when_asked_for(calls: Calls, upstream: Upstream) -> None:
    assert get(calls, f"{upstream.url}/moved/echo").status_code == 302
    reply = get(calls, f"{upstream.url}/moved/echo", follow_redirects=True)
    assert (reply.status_code, reply.url) == (200, f"{upstream.url}/echo")
    looping = get(calls, f"{upstream.url}/moved/moved/moved", follow_redirects=True)
    assert looping.status == STA_NORMAL
    upstream.seen.clear()


def test_an_answer_that_is_too_large_is_given_up_also_when_it_was_packed(calls: Calls, upstream: Upstream) -> None:
    assert len(get(calls, f"{upstream.url}/big/100000").data) == 100_000
    reply = get(calls, f"{upstream.url}/big/50000000")
    assert (reply.status, reply.status_code, reply.reason) == (STA_REQFAIL, 709, "Answer Too Large")


def test_a_body_that_is_no_json_is_told_of_only_where_it_matters(calls: Calls, upstream: Upstream) -> None:
    assert get(calls, f"{upstream.url}/malformed").status_code == 708
    reply = get(calls, f"{upstream.url}/malformed/500")
    assert (reply.status_code, reply.data) == (500, b'{"half": ')


def test_what_may_be_repeated_is_when_a_connection_is_lost(calls: Calls, upstream: Upstream) -> None:
    upstream.drops = 1
    assert get(calls, f"{upstream.url}/echo").status_code == 200
    upstream.drops = 1
    reply = Verb(calls, "POST")(f"{upstream.url}/echo", {}).dispatch()
    assert (reply.status, reply.status_code) == (STA_NETERR, 706)
    upstream.drops = 2
    assert get(calls, f"{upstream.url}/echo").status_code == 706
    assert [seen.method for seen in upstream.seen] == ["GET", "GET", "POST", "GET", "GET"]


def test_a_post_is_not_sent_to_two_servers(platform: LocalPlatform, calls: Calls, upstreams: list[Upstream]) -> None:
    platform.alias("@farm", PROTO_HTTP, [server.address for server in upstreams])
    for server in upstreams:
        server.drops = 9
    assert Verb(calls, "POST")("@farm/order", {}).dispatch().status_code == 706
    assert sum(len(server.seen) for server in upstreams) == 1


def test_members_that_do_not_answer_share_the_time(platform: LocalPlatform, calls: Calls, upstream: Upstream) -> None:
    platform.alias("@farm", PROTO_HTTP, [f"10.255.255.1:{free_port()} 9", upstream.address])  # no such host: silence
    assert get(calls, "@farm/echo", timeout=2).status_code == 200


@pytest.mark.parametrize(("url", "words"), [("@none/x", "no alias '@none'"), ("@db/x", "is of kind sqlite3")])
def test_a_wrong_alias_is_an_error_at_the_call(platform: LocalPlatform, calls: Calls, url: str, words: str) -> None:
    platform.alias("@db", DB_SQLITE3, ":memory:")
    with pytest.raises(SettingError, match=words):
        Verb(calls, "GET")(url)
    with pytest.raises(SettingError, match="names none"):
        Verb(calls, "GET").map("http://example.com/")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\x00"])
def test_a_header_cannot_break_the_message(calls: Calls, upstream: Upstream, value: str) -> None:
    with pytest.raises(ValueError, match="X-Mine"):
        Verb(calls, "GET")(f"{upstream.url}/", headers={"X-Mine": value})
    assert upstream.seen == []


def test_nobody_of_several_is_there(platform: LocalPlatform, calls: Calls) -> None:
    platform.alias("@farm", PROTO_HTTP, [f"127.0.0.1:{free_port()}" for _ in range(2)])
    assert get(calls, "@farm/echo").status_code == 701
    assert Verb(calls, "POST")("@farm/echo", {}).dispatch().status_code == 701


def test_a_path_cannot_lead_to_another_host(platform: LocalPlatform, calls: Calls, upstream: Upstream) -> None:
    platform.alias("@shop", PROTO_HTTP, upstream.address)
    for path in ("//evil.example/x", "/\\evil.example", "/@evil.example/", "/http://evil.example/"):
        assert get(calls, f"@shop{path}").url.startswith(upstream.url)
    assert len(upstream.seen) == 4


def test_data_without_a_form_are_an_error_at_the_call(calls: Calls) -> None:
    with pytest.raises(TypeError):
        Verb(calls, "POST")("http://127.0.0.1/", object())
    with pytest.raises(OSError, match="nowhere"):
        Upload(calls, "POST")("http://127.0.0.1/", {"file": Path("/nowhere")})


def test_queries_are_added_to_those_of_the_url(calls: Calls, upstream: Upstream) -> None:
    reply = get(calls, f"{upstream.url}/echo?a=1#part", data={"b": "ü&"}, params="c=3")
    assert reply.data["path"] == "/echo?a=1&b=%C3%BC%26&c=3"


def test_http_2_over_tls_with_an_authority_of_our_own(platform: LocalPlatform, calls: Calls, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    options = ("--ssl-certificate", str(pair.certificate), "--ssl-keyfile", str(pair.key))
    with granian(tmp_path, *options) as port:
        platform.alias("@trusted", PROTO_HTTPS, f"localhost:{port}?ca={authority.certificate}")
        platform.alias("@unknown", PROTO_HTTPS, f"localhost:{port}")
        platform.alias("@careless", PROTO_HTTP, f"localhost:{port}?verify=no", ssl=True)
        trusted = get(calls, "@trusted/x")
        assert (trusted.status_code, trusted.version, trusted.data["version"]) == (200, "HTTP/2", "2")
        unknown = get(calls, "@unknown/x")
        assert (unknown.status, unknown.status_code, unknown.reason) == (STA_NETERR, 705, "TLS Failure")
        assert get(calls, "@careless/x").status_code == 200


def test_a_server_that_wants_to_know_who_calls(
    platform: LocalPlatform, calls: Calls, upstream: Upstream, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    upstream.socket = context.wrap_socket(upstream.socket, server_side=True)
    address = f"localhost:{upstream.server_port}?ca={authority.certificate}"
    platform.alias("@known", PROTO_HTTPS, f"{address}&cert={pair.certificate}&key={pair.key}")
    platform.alias("@unknown", PROTO_HTTPS, address)
    assert get(calls, "@known/echo").status_code == 200
    unknown = get(calls, "@unknown/echo")
    assert (unknown.status, unknown.status_code in (705, 706)) == (STA_NETERR, True)  # refused, or cut off after it


def test_a_server_that_refuses_who_calls_and_hears_them_out(
    platform: LocalPlatform, calls: Calls, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.verify_mode = ssl.CERT_REQUIRED

    def refuse(server: socket.socket) -> None:
        connection = context.wrap_socket(server.accept()[0], server_side=True, do_handshake_on_connect=False)
        with connection, suppress(ssl.SSLError):
            try:
                connection.do_handshake()
            finally:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        platform.alias("@strict", PROTO_HTTPS, f"localhost:{server.getsockname()[1]}?ca={authority.certificate}")
        refused = get(calls, "@strict/echo")
        thread.join()
    assert (refused.status, refused.status_code, refused.reason) == (STA_NETERR, 705, "TLS Failure")


def test_http_2_without_tls_where_the_member_says_so(platform: LocalPlatform, calls: Calls, tmp_path: Path) -> None:
    with granian(tmp_path) as port:
        platform.alias("@two", PROTO_HTTP, f"127.0.0.1:{port}?http=2")
        platform.alias("@one", PROTO_HTTP, f"127.0.0.1:{port}")
        assert get(calls, "@two/x").version == "HTTP/2"
        assert get(calls, "@one/x").version == "HTTP/1.1"


def test_closing_the_platform_ends_the_calls_that_run(
    platform: LocalPlatform, calls: Calls, upstream: Upstream
) -> None:
    task = Verb(calls, "GET")(f"{upstream.url}/slow?seconds=1")
    while not upstream.seen:
        time.sleep(0.01)
    platform.close()
    assert task.dispatch().status == STA_REQFAIL


def test_a_call_that_gets_no_connection_says_so(platform: LocalPlatform, calls: Calls, upstream: Upstream) -> None:
    platform.alias("@narrow", PROTO_HTTP, upstream.address, max_conns=1)
    slow = Verb(calls, "GET")("@narrow/slow?seconds=1")
    crowded = get(calls, "@narrow/echo", timeout=0.5)
    assert (crowded.status, crowded.status_code, crowded.reason) == (STA_TIMEOUT, 707, "No Free Connection")
    assert slow.dispatch().status_code == 200
    assert upstream.connections == 1


def test_an_alias_may_be_named_anew(platform: LocalPlatform, calls: Calls, upstreams: list[Upstream]) -> None:
    for server in upstreams:
        platform.alias("@shop", PROTO_HTTP, server.address)
        assert get(calls, "@shop/echo").url.startswith(server.url)


def test_a_form_by_its_content_type(calls: Calls, upstream: Upstream) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    data = Verb(calls, "POST")(f"{upstream.url}/echo", {"a": "1", "f": ("x.txt", b"file")}, headers).fetch()
    assert data["headers"]["content-type"].startswith("multipart/form-data; boundary=")
    assert 'filename="x.txt"' in data["body"]


def test_what_cannot_be_sent_is_logged_without_credentials(
    calls: Calls, upstream: Upstream, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("atila.upstream.rest.Host.address", fail)
    reply = get(calls, f"http://alice:secret@{upstream.address}/x?token=hidden")
    assert (reply.status, reply.status_code) == (STA_REQFAIL, 700)
    assert upstream.address in caplog.text
    assert "secret" not in caplog.text
    assert "hidden" not in caplog.text


def test_files_and_letters_beyond_ascii(calls: Calls, upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"from a file")
    with (tmp_path / "body").open("rb") as file:
        said = Verb(calls, "PUT")(f"{upstream.url}/grün?q=ü", file, {"X-Name": "grün"}).fetch()
    assert (said["body"], said["path"], said["headers"]["x-name"]) == ("from a file", "/gr%C3%BCn?q=%C3%BC", "grün")


def test_tasks_are_awaitables_like_others(calls: Calls, upstream: Upstream) -> None:
    async def handler() -> tuple[int, bool]:
        first, second = await asyncio.gather(*(Verb(calls, "GET")(f"{upstream.url}/rows/2") for _ in range(2)))
        slow = Verb(calls, "GET")(f"{upstream.url}/slow?seconds=0.4")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow, 0.05)
        await slow
        return len(first) + len(second), slow.done

    assert asyncio.run(handler()) == (4, True)


def test_a_redirection_to_https_is_trusted_as_any_other(
    platform: LocalPlatform, calls: Calls, upstream: Upstream, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    with granian(tmp_path, "--ssl-certificate", str(pair.certificate), "--ssl-keyfile", str(pair.key)) as port:
        upstream.elsewhere = f"https://localhost:{port}/x"
        platform.alias("@shop", PROTO_HTTP, f"{upstream.address}?ca={authority.certificate}")
        assert get(calls, "@shop/elsewhere", follow_redirects=True).data["path"] == "/x"
        assert get(calls, f"{upstream.url}/elsewhere", follow_redirects=True).status_code == 705


@pytest.mark.parametrize("path", ["../x", "a/../../x", "%2e%2e/x", "a/..;v=1/x", "a\\..\\x", ".", "%252e%252e/../x?q"])
def test_no_path_leads_out_of_an_alias(calls: Calls, upstream: Upstream, platform: LocalPlatform, path: str) -> None:
    platform.alias("@below", PROTO_HTTP, f"{upstream.address}/echo/base")
    reply = get(calls, f"@below/{path}")
    assert (reply.status, reply.status_code) == (STA_REQFAIL, 700)
    assert not upstream.seen


def test_dots_elsewhere_are_no_dot_segments(calls: Calls, upstream: Upstream, platform: LocalPlatform) -> None:
    platform.alias("@below", PROTO_HTTP, f"{upstream.address}/echo")
    assert get(calls, "@below/v1.2/...?file=../a#../b").status_code == 200


def test_a_body_whose_type_was_said_goes_as_that(calls: Calls, upstream: Upstream) -> None:
    post = Verb(calls, "POST")
    for data, kind in (
        (b"%PDF", "application/pdf"),
        ("<a/>", "application/xml"),
        ({"a": 1}, "application/problem+json"),
    ):
        assert post(f"{upstream.url}/echo", data, {"Content-Type": kind}).fetch()["headers"]["content-type"] == kind


@pytest.mark.parametrize("charset", ["no-such-charset", "idna", "undefined", "hex"])
def test_a_charset_that_cannot_be_read_in_is_taken_for_utf_8(charset: str) -> None:
    reply = HTTPReply(200, "OK", [("content-type", f"text/plain; charset={charset}")], "grün".encode() + b"\xff")
    assert reply.text == "grün\ufffd"
