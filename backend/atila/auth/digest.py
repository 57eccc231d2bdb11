"""Digest authentication (RFC 7616): SHA-256 first, MD5 for old clients; nonces expire and answers are not replayed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from ..concurrency import then
from ..errors import HTTPError
from ..http.headers import Pairs
from .schemes import Lookup, Password, User, credentials, quoted, realm_of

Algorithm = Literal["SHA-256", "MD5"]
Hash = Callable[[str], str]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


HASHES: dict[str, Hash] = {"SHA-256": _sha256, "MD5": _md5}  # in the order they are offered
NONCE_LIFETIME = 300  # seconds
_STALE = "the nonce is stale"
_OLD_PASSWORD = "only MD5 can be checked"  # noqa: S105 - a reason, no password
_WINDOW = 128  # answers that may arrive out of their order on one nonce
_PARAMETER = re.compile(r'([A-Za-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|\Z)\s*')


class Nonces:
    """Makes nonces and knows which of their answers were given. Lives as long as the app, in one process.

    A nonce is signed with a key of this process: another worker calls it stale, and the client asks again without
    asking its user. So no answer can be replayed to a worker that has not seen it.
    """

    def __init__(self, key: bytes, capacity: int = 4096) -> None:
        self._key = key
        self._capacity = capacity
        self._seen: dict[str, tuple[int, int]] = {}  # nonce -> the highest count, and a bit for each below it
        self._floor = 0.0  # nonces made before this time are forgotten, so they count as stale
        self._lock = threading.Lock()

    def make(self, now: float | None = None) -> str:
        stamp = struct.pack(">d", time.time() if now is None else now) + os.urandom(8)
        return base64.urlsafe_b64encode(stamp + self._sign(stamp)).decode()

    def made_at(self, nonce: str) -> float | None:
        """Return when we made a nonce, in seconds since 1970; None when we did not."""
        try:
            raw = base64.urlsafe_b64decode(nonce)
        except ValueError:
            return None
        if base64.urlsafe_b64encode(raw).decode() != nonce:  # the decoder skips what is no letter of its alphabet
            return None
        if len(raw) != 32 or not hmac.compare_digest(self._sign(raw[:16]), raw[16:]):
            return None
        made: float = struct.unpack(">d", raw[:8])[0]
        return made

    def spend(self, nonce: str, count: int) -> bool:
        """Note one use of a nonce. Returns False for one that is too old, or a count that was used before."""
        made = self.made_at(nonce)
        if made is None or made < self._floor or not 0 <= time.time() - made < NONCE_LIFETIME:
            return False
        with self._lock:
            highest, used = self._seen.pop(nonce, (0, 0))
            fresh = count > highest or (highest - count < _WINDOW and not used >> (highest - count) & 1)
            if count > highest:
                highest, used = count, (used << min(count - highest, _WINDOW)) & (1 << _WINDOW) - 1 | 1
            else:
                used |= 1 << min(highest - count, _WINDOW)
            self._seen[nonce] = highest, used
            if len(self._seen) > self._capacity:
                self._forget_oldest()
        return fresh

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._seen))
        del self._seen[oldest]
        self._floor = max(self._floor, (self.made_at(oldest) or 0.0) + 1e-6)

    def _sign(self, stamp: bytes) -> bytes:
        return hmac.digest(self._key, b"digest nonce" + stamp, "sha256")[:16]


@dataclass(frozen=True, slots=True)
class DigestAnswer:
    """What a client sent. `algorithm` is of HASHES, `count` the number of uses of the nonce."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str
    cnonce: str
    count: int
    nc: str

    @classmethod
    def parse(cls, text: str) -> DigestAnswer:
        """Read the parameters of an Authorization header. Raises HTTPError 400 when they cannot be used."""
        given: dict[str, str] = {}
        end = 0
        while (match := _PARAMETER.match(text, end)) and match[1].lower() not in given:
            given[match[1].lower()] = re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
            end = match.end()
        try:
            if end != len(text) or given.get("qop") != "auth" or not re.fullmatch(r"[0-9a-fA-F]{8}", given["nc"]):
                raise ValueError("the Authorization header is malformed")
            extended = given.get("username*", "")
            name = unquote(extended[7:], errors="strict") if extended[:7].lower() == "utf-8''" else given["username"]
            algorithm = given.get("algorithm", "MD5").upper()
            return cls(
                name, given["realm"], given["nonce"], given["uri"], given["response"].lower(), algorithm,
                given["cnonce"], int(given["nc"], 16), given["nc"],
            )  # fmt: skip
        except (KeyError, ValueError) as error:
            raise HTTPError(400, "the Authorization header is malformed or incomplete") from error

    def expected(self, secret: str, method: str) -> str:
        """Return the response that is right (RFC 7616 3.4.1). `secret` is the hash of name, realm and password."""
        digest = HASHES[self.algorithm]
        return digest(f"{secret}:{self.nonce}:{self.nc}:{self.cnonce}:auth:{digest(f'{method}:{self.uri}')}")


class Digest:
    """Proof of a password that never crosses the wire. Lives as long as the app."""

    name = "digest"

    def __init__(self, lookup: Lookup, key: bytes | None = None) -> None:
        self._lookup = lookup
        self.nonces = Nonces(key or os.urandom(32))

    def check(self, was: Any) -> Any:
        given = credentials(was, self.name)
        if given is None:
            return "no credentials"
        answer = DigestAnswer.parse(given)
        if answer.realm != realm_of(was) or answer.algorithm not in HASHES:
            return "wrong realm or algorithm"
        if self.nonces.made_at(answer.nonce) is None:
            return _STALE
        if not _same_target(answer.uri, was.request):
            raise HTTPError(400, "the Authorization header is for another target")
        return then(self._lookup(was, answer.username), lambda found: self._judge(was, answer, Password.of(found)))

    def _judge(self, was: Any, answer: DigestAnswer, known: Password | None) -> str | None:
        secret = _secret(answer, known)
        if secret is None:
            return _OLD_PASSWORD
        right = hmac.compare_digest(answer.expected(secret, was.request.method).encode(), answer.response.encode())
        if known is None or not right:
            return "wrong user name or password"
        if not self.nonces.spend(answer.nonce, answer.count):
            return _STALE
        was.request.user = User(answer.username, answer.realm, known.info)
        return None

    def challenge(self, was: Any, reason: str) -> Pairs:
        start = f'Digest realm={quoted(realm_of(was))}, qop="auth", algorithm='
        rest = f', nonce="{self.nonces.make()}", opaque="{_md5(realm_of(was))}", charset=UTF-8'
        if reason in (_STALE, _OLD_PASSWORD):
            rest += ", stale=true"
        offered = ["MD5"] if reason == _OLD_PASSWORD else list(HASHES)
        return [("www-authenticate", start + algorithm + rest) for algorithm in offered]


def _secret(answer: DigestAnswer, known: Password | None) -> str | None:
    """Return the hash of name, realm and password; None when it is kept under the other algorithm."""
    if known is not None and known.encrypted:
        kept = "SHA-256" if len(known.text) == 64 else "MD5"
        return known.text.lower() if kept == answer.algorithm else None
    password = known.text if known is not None else ""
    return HASHES[answer.algorithm](f"{answer.username}:{answer.realm}:{password}")


def _same_target(uri: str, request: Any) -> bool:
    """Compare the target that was signed with the one that was sent: the server has decoded the path already."""
    path, _, query = uri.partition("?")
    return bool(unquote(path, errors="replace") == request.path and query == request.query_string)
