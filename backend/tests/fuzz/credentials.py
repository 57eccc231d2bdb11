"""The Authorization header, and the tokens in it."""

from __future__ import annotations

from typing import Any

import msgspec

from atila import Atila, Was
from atila.auth.digest import HASHES, DigestAnswer
from atila.auth.jwt import Tokens
from atila.auth.schemes import quoted, visible
from atila.concurrency import drive
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import Response
from tests.fuzz.outcome import REFUSED, outcome

_KEY = "a key of the fuzz targets, 32 bytes"
_SCHEMES = ("basic", "digest", "bearer")


def _app() -> Atila:
    app = Atila("fuzz")
    app.securekey, app.debug = _KEY, False
    app.users = {"ann": "secret", "bob": ("0" * 64, True)}
    for scheme in _SCHEMES:
        app.route(f"/{scheme}", authenticate=scheme)(_page)
    return app


def _page(was: Was) -> str:
    return str(was.request.user)


_APP = _app()


def authorization(data: bytes) -> None:
    """Whatever the header says, the answer is 401 or 400: nobody gets in without the password."""
    text = data.decode("latin-1")
    for scheme in _SCHEMES:
        for header in (text, f"{scheme} {text}"):
            request = Request("GET", f"/{scheme}", source=Headers([("authorization", header)]))
            response = drive(_answer(request))
            assert response.status in (400, 401), response.body


async def _answer(request: Request) -> Response:
    return await _APP.resolve(request).respond(request)


def digest_answer(data: bytes) -> None:
    """A digest answer that was read and is written again reads the same."""
    answer = outcome(DigestAnswer.parse, data.decode("latin-1"))
    if answer is REFUSED:
        return
    if answer.algorithm in HASHES:
        assert answer.expected("secret", "GET").isascii()
    sent = {
        "username": answer.username, "realm": answer.realm, "nonce": answer.nonce, "uri": answer.uri,
        "response": answer.response, "cnonce": answer.cnonce, "algorithm": answer.algorithm,
    }  # fmt: skip
    if all(visible(value) == value for value in sent.values()):
        texts = [f"{name}={quoted(value)}" for name, value in sent.items()]
        assert DigestAnswer.parse(", ".join([*texts, "qop=auth", f"nc={answer.nc}"])) == answer


_TOKENS = Tokens([_KEY, "another key, which verifies only"])
_GENUINE = _TOKENS.encode({"username": "ann"})


def bearer_token(data: bytes) -> None:
    """A token that we did not make is none; one that we make of any claims reads as these."""
    text = data.decode("latin-1")
    if text != _GENUINE:
        assert _TOKENS.decode(text).keys() == {"err"}
        assert _TOKENS.decode(f"{_GENUINE.rpartition('.')[0]}.{text}").keys() == {"err"}
    try:
        claims: Any = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return
    if isinstance(claims, dict):
        _read_back(claims)


def _read_back(claims: dict[str, Any]) -> None:
    try:
        token = _TOKENS.encode(claims)
    except (TypeError, ValueError):  # registered claims have types of their own (RFC 7519 4.1)
        return
    read = _TOKENS.decode(token)
    if not {"exp", "nbf", "iat", "iss", "err"} & claims.keys():
        assert read == claims
