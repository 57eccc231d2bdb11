"""Where the time of a request goes, step by step and without a server: `python -m bench.pieces`.

Each step is timed alone, in a loop that has the processor to itself. Under load a step costs two to three times as
much: the caches are cold, and the other half of the core is busy with the load.
"""

from __future__ import annotations

import asyncio
import timeit
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from atila import pipeline
from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings, final_headers
from atila.http.body import parse_json, parse_query
from atila.http.request import Request, Told
from atila.http.response import Response
from atila.http.results import API, encode
from atila.was import Was
from skitai.mounts import Mounts

from .__main__ import DOCUMENT
from .app import app

ROUNDS, TIMES = 7, 20_000
FIELDS = {"host": "127.0.0.1:8080", "user-agent": "wrk", "accept": "*/*"}
JSON_FIELDS = {**FIELDS, "content-type": "application/json", "content-length": str(len(DOCUMENT))}


class Scope:
    """What the server gives, under RSGI's names."""

    proto, http_version, scheme, client = "http", "1.1", "http", "127.0.0.1:5100"

    def __init__(self, method: str, path: str, query: str, fields: dict[str, str]) -> None:
        self.method, self.path, self.query_string = method, path, query
        self.headers = Fields(fields)


class Fields(dict[str, str]):
    """Header fields as the server gives them: their pairs come as a list."""

    def items(self) -> Any:
        return list(super().items())


class Protocol:
    """Takes the answer and forgets it."""

    def __init__(self, body: bytes = b"") -> None:
        self.body = body

    async def __call__(self) -> bytes:
        return self.body

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Throw away an answer."""


def microseconds(work: Callable[[], object]) -> float:
    """Return the best time of one call, in microseconds."""
    return min(timeit.repeat(work, number=TIMES, repeat=ROUNDS)) / TIMES * 1e6


def finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("it waits for something")


def measure() -> list[tuple[str, float]]:
    """Return the steps of the JSON route, then what other routes add, with their times."""
    mounts = Mounts(lambda request, status: Response(status))
    mounts.add_app("/", app)
    adapter = RSGI(mounts, AdapterSettings())

    def whole(method: str, path: str, query: str = "", body: bytes = b"") -> float:
        scope = Scope(method, path, query, JSON_FIELDS if body else FIELDS)
        return microseconds(lambda: finished(adapter.__rsgi__(scope, Protocol(body))))

    told = Told()
    request = Request("GET", "/", "", FIELDS, told)
    mounts.resolve(request)
    was = Was(app, request)
    answer: API[Any] = API(message="hello")

    def headers() -> None:
        response = Response()
        response.headers.append(("content-type", "application/json"))
        final_headers(request, response)

    return [
        ("the request object", microseconds(lambda: Request("GET", "/", "", FIELDS, told))),
        ("its id", microseconds(adapter.settings.ids)),
        ("finding the route", microseconds(lambda: mounts.resolve(request))),
        ("was and its response", microseconds(lambda: Was(app, request))),
        ("guards, binding and the handler", microseconds(lambda: finished(pipeline.handle(was, request.route)))),
        ("the result as JSON", microseconds(lambda: encode(Response(), answer))),
        ("header fields", microseconds(headers)),
        ("**GET / in all**", whole("GET", "/")),
        ("**GET /items/42?q=abc in all**", whole("GET", "/items/42", "q=abc")),
        ("matching /items/42", microseconds(lambda: app.router.match("/items/42", "GET"))),
        ("reading q=abc", microseconds(lambda: parse_query("q=abc"))),
        ("**POST /echo in all**", whole("POST", "/echo", "", DOCUMENT)),
        ("msgspec reading 860 bytes", microseconds(lambda: msgspec.json.decode(DOCUMENT))),
        ("the same strictly: keys once, depth", microseconds(lambda: parse_json(DOCUMENT))),
    ]


async def main() -> None:
    await app.start(asyncio.get_running_loop())
    print("| step | µs |\n|---|---|")
    for name, time in measure():
        print(f"| {name} | {time:.2f} |")


if __name__ == "__main__":
    asyncio.run(main())
