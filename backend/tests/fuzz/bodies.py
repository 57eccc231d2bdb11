"""Query strings, forms and JSON."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import msgspec

from atila.http.body import Fields, parse_json, parse_query
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.uploads import Upload, clean_name
from atila.testing.forms import encode_multipart
from tests.fuzz.outcome import REFUSED, outcome, written

_SAME_WHEN_QUOTED = frozenset('%"\\\r\n')  # what browsers write in another way, or would have to


def query(data: bytes) -> None:
    """A query string reads as fields; written as a query they read as the same."""
    fields = outcome(parse_query, data.decode("latin-1"), 100)
    if fields is REFUSED:
        return
    assert isinstance(fields, Fields)
    assert parse_query(urlencode(fields, doseq=True), 100) == fields
    for name, value in fields.items():
        written([name, value])


def form(data: bytes) -> None:
    """A form of either kind reads as fields and files. The first line is what follows the media type."""
    first, _, body = data.partition(b"\n")
    for kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        headers = Headers([("content-type", f"{kind}; {first.decode('latin-1')}")])
        request = Request("POST", "/", source=headers, body=body)
        fields = outcome(request.form)
        if fields is REFUSED:
            continue
        for name, value in fields.items():
            for item in value if isinstance(value, list) else [value]:
                _check_part(name, item)
        request.close()


def _check_part(name: str, item: str | Upload) -> None:
    """A part that was read, written by itself, reads the same."""
    written(name)
    if isinstance(item, Upload):
        written(item.mimetype)
        assert clean_name(item.name) == item.name
        assert not {"/", "\\", "\0"} & set(item.name)
        content = item.read()
        assert len(content) == item.size
        fields, files = {}, {name: (item.name, content, "text/plain")}
    else:
        written(item)
        fields, files = {name: item}, {}
    if not name or _SAME_WHEN_QUOTED & set(name) or not name.isprintable():
        return
    body, kind = encode_multipart(fields, files)
    again = Request("POST", "/", source=Headers([("content-type", kind)]), body=body).form()
    assert again is not None
    found = again[name]
    if isinstance(item, Upload):
        assert (found.name, found.read()) == (item.name, content)
        found.close()
    else:
        assert found == item


def json_body(data: bytes) -> None:
    """JSON reads as the standard library reads it, or stricter; written again it reads the same."""
    value = outcome(parse_json, data, 20)
    if value is REFUSED:
        return
    assert json.loads(data.decode(), object_pairs_hook=_once) == value
    with contextlib.suppress(OverflowError):  # a whole number of over 64 bits is read and not written
        assert parse_json(msgspec.json.encode(value), 20) == value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    assert len(made) == len(pairs), "a key is there twice"
    return made
