"""What every adapter refuses before an app sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila.errors import HTTPError
from atila.http.guards import Hosts, Targets, check_target, clean_request_id, content_length


@pytest.mark.parametrize("host", [
    "a", "example.org", "example.org:8000", "127.0.0.1:1", "[::1]", "[::1]:8000", "under_score", "xn--a-b",
])  # fmt: skip
def testgood_hosts(host: str) -> None:
    hosts = Hosts()
    hosts.check(host, "1.1")
    hosts.check(host, "1.1")  # remembered


@pytest.mark.parametrize("host", [
    None, "", "a b", "a/b", "a@b", "a:b", "a:123456", "[::1", "a\nb", "-", ".", "é", "a" * 300, "a,b", "[zz]", "a?",
])  # fmt: skip
def test_bad_hosts(host: str | None) -> None:
    with pytest.raises(HTTPError, match="400"):
        Hosts().check(host, "1.1")


def test_http_1_0_may_go_without_a_host() -> None:
    Hosts().check(None, "1.0")
    with pytest.raises(HTTPError, match="400"):
        Hosts().check("a b", "1.0")


def test_only_so_many_hosts_are_remembered() -> None:
    hosts = Hosts()
    for number in range(1100):
        hosts.check(f"host{number}", "1.1")
    assert len(hosts.good) == 1000


@pytest.mark.parametrize(("method", "path", "status"), [
    ("TRACE", "/", 405), ("CONNECT", "/", 405), ("get", "/", 501), ("X" * 100, "/", 501), ("GET", "", 400),
    ("GET", "*", 400), ("GET", "a", 400), ("GET", "/a/../b", 400), ("GET", "/..", 400), ("GET", "/.", 400),
    ("GET", "/a\\b", 400), ("GET", "/a\x00", 400), ("GET", "/\x7f", 400), ("GET", "/\ufffd", 400), ("GET", "/\n", 400),
])  # fmt: skip
def test_odd_targets(method: str, path: str, status: int) -> None:
    with pytest.raises(HTTPError, match=str(status)):
        check_target(method, path)


@pytest.mark.parametrize("path", ["/", "/a/b", "/..a", "/a..", "/...", "/é", "/a b", "//"])
def test_usual_targets(path: str) -> None:
    check_target("GET", path)
    check_target("OPTIONS", "*")


def test_what_clients_have_remembered_is_little() -> None:
    targets = Targets()
    for number in range(2000):
        targets.check("GET", f"/{number}/{'x' * (number % 2 * 60_000)}")
    assert len(targets.good) == 1000
    assert max(map(len, targets.good)) < 200


@given(st.text(max_size=80))
def test_an_id_that_passes_is_safe_in_a_log_and_in_a_header(text: str) -> None:
    clean = clean_request_id(text)
    assert clean is None or (clean.isascii() and clean.isprintable() and " " not in clean and len(clean) <= 64)


@given(st.text(max_size=30))
def test_a_length_is_digits(text: str) -> None:
    try:
        length = content_length(text)
    except HTTPError:
        return
    assert length is not None
    assert length >= 0
    assert text.isascii()
    assert text.isdigit()
