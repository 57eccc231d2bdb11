"""What the client carries, signed: sessions, message boxes, one-time tokens."""

from __future__ import annotations

from typing import Any

import msgspec

from atila.auth.onetime import OneTime
from atila.http.cookies import Cookies
from atila.http.response import Response
from atila.sessions.envelope import Carrier, serializer
from atila.sessions.mbox import MessageBox
from atila.sessions.session import Session

_KEYS = ("the key that signs, 32 bytes long", "the key before, which verifies")


def _carrier(header: str) -> Carrier:
    return Carrier(Cookies(header), _KEYS, "127.0.0.1")


def _sent(part: Session | MessageBox) -> str:
    """Return the Cookie header of a client that took what a session or a box sets."""
    response = Response()
    part.write(response)
    return "; ".join(value.partition(";")[0] for name, value in response.headers if name == "set-cookie")


def carried(data: bytes) -> None:
    """What we did not sign is not there; what is put in comes back."""
    text = data.decode("latin-1")
    for header in (text, f"atlsess_={text}; atlmbox_={text}"):
        assert len(Session(_carrier(header))) == 0
        assert MessageBox(_carrier(header)).get() == []
    session = Session(_carrier(""))
    tokens = OneTime(serializer(_KEYS, "token"), session)
    assert tokens.read(text) is None
    assert not tokens.revoke(text)
    box = MessageBox(_carrier(""))
    box.send(text[:200], text[200:300])
    [message] = MessageBox(_carrier(_sent(box))).get()
    assert (message.msg, message.category) == (text[:200], text[200:300])
    try:
        value = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        value = text
    _carry(session, tokens, value)


def _carry(session: Session, tokens: OneTime, value: Any) -> None:
    token = tokens.make(value, session_key="mail")
    assert tokens.read(token) == value
    try:
        session["value"] = value
        header = _sent(session)
    except ValueError:
        assert len(str(value)) > 500  # over 4096 bytes, signed and escaped
        return
    again = Session(_carrier(header))
    assert again["value"] == value
    assert OneTime(serializer(_KEYS, "token"), again).revoke(token)
    assert tokens.read(token[:-1]) is None
