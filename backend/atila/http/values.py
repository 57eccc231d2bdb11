"""Values as text and back: JSON and XML; unique ids and times."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec

from .body import parse_json
from .results import API


def jstream(obj: Any, key: str | None = None) -> API[Any]:
    """Return an object as a JSON answer, with a `key` as that key's value: `jstream(rows, "rows")`."""
    return API(obj if key is None else {key: obj})


def tojson(obj: Any) -> str:
    """Return an object as compact JSON. Raises TypeError for what JSON cannot hold."""
    return msgspec.json.encode(obj).decode()


def fromjson(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises HTTPError 400 when it is malformed."""
    return parse_json(text.encode() if isinstance(text, str) else text)


def toxml(obj: Any) -> str:
    """Return a value as the XML of an XML-RPC answer. Raises TypeError for what XML-RPC cannot hold."""
    import xmlrpc.client  # it costs every start of every process; few ask for it

    return xmlrpc.client.dumps((obj,), methodresponse=True, allow_none=True)


def uniqid() -> str:
    """Return 32 letters and digits that no other call returns."""
    return uuid.uuid4().hex


def timestamp() -> int:
    """Return the time in milliseconds since 1970."""
    return int(time.time() * 1000)
