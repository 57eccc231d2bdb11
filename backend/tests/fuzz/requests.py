"""A whole request, through an adapter, to an app that looks at everything in it."""

from __future__ import annotations

import asyncio
import atexit
from functools import cache

import msgspec

from atila import Atila, Was
from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings
from atila.http.headers import Pairs, check_field
from atila.http.results import API
from atila.http.uploads import Upload
from atila.testing.wires import ServerCall, call_rsgi


class Point(msgspec.Struct):
    """A JSON body."""

    x: int
    name: str = ""


def _typed(was: Was, id: int, size: float = 1.0, tags: list[str] | None = None) -> API[object]:
    return was.API(id=id, size=size, tags=tags)


def _body(was: Was, point: Point) -> API[object]:
    return was.API(point)


def _all(was: Was, **fields: object) -> str:
    """Read what there is, and answer with a part of it."""
    request = was.request
    was.session.get("user")
    seen = [request.env, request.get_headers(), was.cookie.keys(), was.csrf.verify(), request.bearer_token, request.uri]
    names = ",".join(name for name, value in fields.items() if not isinstance(value, Upload))
    was.cookie.set("names", names[:500])
    return f"{len(repr(seen)) and names}"


@cache
def _site() -> tuple[asyncio.AbstractEventLoop, RSGI]:
    app = Atila("fuzz-requests")
    app.securekey = "a key of the fuzz targets, 32 bytes"
    app.access_control_allow_origin = ["https://a.example"]
    app.config.max_query_fields = 50
    every = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app.route("/typed/<int:id>", methods=every)(_typed)
    app.route("/body", methods=[*every, "OPTIONS"])(_body)
    app.route("/all", methods=every)(_all)
    app.route("/all/<path:rest>", methods=every)(_all)
    loop = asyncio.new_event_loop()
    adapter = RSGI(app, AdapterSettings(trusted_proxies=frozenset({"127.0.0.1"})))
    adapter.__rsgi_init__(loop)
    atexit.register(loop.close)
    return loop, adapter


def whole(data: bytes) -> None:
    """No request makes a handler fail that takes what the framework promises; the answer can be sent."""
    loop, adapter = _site()
    head, _, body = data.partition(b"\n\n")
    first, *fields = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    pairs: Pairs = [(name.lower(), value) for name, colon, value in (line.partition(": ") for line in fields) if colon]
    if "host" not in dict(pairs):
        pairs.append(("host", "a.example"))
    pairs.append(("content-length", str(len(body))))
    answer = loop.run_until_complete(call_rsgi(adapter, ServerCall(method, path, query, pairs, body)))
    assert answer.status_code < 500 or answer.status_code == 501, answer.content
    for name, value in answer.headers.pairs:
        check_field(name, value)
