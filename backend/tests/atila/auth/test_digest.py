"""Digest: the RFC's own vectors, nonces, and replays."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila.auth.digest import NONCE_LIFETIME, DigestAnswer, Nonces
from atila.errors import HTTPError

# RFC 7616 3.9.1: Mufasa, "Circle of Life"
VECTOR = """username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm},
 nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001,
 cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}",
 opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""""
SHA = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


@pytest.mark.parametrize(("algorithm", "kind", "response"), [
    ("MD5", hashlib.md5, "8ca523f5e9506fed4657c9700eebdbec"), ("SHA-256", hashlib.sha256, SHA),
])  # fmt: skip
def test_the_vectors_of_rfc_7616(algorithm: str, kind: object, response: str) -> None:
    answer = DigestAnswer.parse(VECTOR.format(algorithm=algorithm, response=response).replace("\n", ""))
    secret = kind(b"Mufasa:http-auth@example.org:Circle of Life").hexdigest()  # type: ignore[operator]  # a hash
    assert answer.expected(secret, "GET") == answer.response == response
    assert answer.expected(secret, "POST") != response


def test_names_and_values_are_read_as_the_grammar_allows() -> None:
    answer = DigestAnswer.parse(
        'USERNAME="a\\"b, c=d" ,realm="r",nonce=n, uri="/",response=AB,cnonce="",qop="auth",nc=0000000A'
    )
    assert (answer.username, answer.nonce, answer.response, answer.algorithm) == ('a"b, c=d', "n", "ab", "MD5")
    assert (answer.cnonce, answer.count) == ("", 10)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(HTTPError, match="400"):
        DigestAnswer.parse(text)


@given(st.lists(st.integers(min_value=1, max_value=300), max_size=60))
def test_a_count_is_good_once(counts: list[int]) -> None:
    nonces, spent, highest = Nonces(b"key"), set(), 0
    nonce = nonces.make()
    for count in counts:
        fresh = nonces.spend(nonce, count)
        assert not (fresh and count in spent)  # never twice
        assert fresh or count in spent or count <= highest - 128  # and refused for no other reason than being too old
        spent.add(count)
        highest = max(highest, count)


def test_a_nonce_is_ours_and_has_an_age(monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = Nonces(b"key")
    nonce = nonces.make(now=1000.0)
    assert nonces.made_at(nonce) == 1000.0
    assert Nonces(b"other").made_at(nonce) is None
    for wrong in ("", "x", nonce[:-4], "A" * len(nonce), nonce + "AAAA", nonce[:5] + "\n" + nonce[5:], "é"):
        assert nonces.made_at(wrong) is None
        assert not nonces.spend(wrong, 1)
    for now, good in ((1000.0 + NONCE_LIFETIME, False), (999.0, False), (1000.0 + NONCE_LIFETIME - 1, True)):
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert nonces.spend(nonce, 1) is good


def test_what_was_forgotten_cannot_be_replayed() -> None:
    nonces = Nonces(b"key", capacity=3)
    made = [nonces.make() for _ in range(5)]
    assert all(nonces.spend(nonce, 1) for nonce in made)
    assert not any(nonces.spend(nonce, 1) for nonce in made)
    assert nonces.spend(nonces.make(), 1)
