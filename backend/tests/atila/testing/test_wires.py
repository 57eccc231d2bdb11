"""The server's side of a test: what it hands to an adapter is what a server would."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, Was
from atila.adapters.asgi import ASGI
from atila.adapters.rsgi import RSGI
from atila.http.request import Request
from atila.http.response import FileBody, Response
from atila.http.site import Job
from atila.testing.wires import ServerCall, ServerHeaders, ServerProtocol, call_asgi, call_rsgi

PAIRS = [("a", "1"), ("b", "2"), ("a", "3")]


def test_header_fields_as_a_server_gives_them() -> None:
    headers = ServerHeaders(PAIRS)
    assert (headers.get("a"), headers.get("c"), headers.get("c", "x")) == ("1", None, "x")
    assert (headers.items(), headers.keys()) == (PAIRS, ["a", "b"])


@pytest.mark.parametrize("adapter", ["rsgi", "asgi"])
def test_an_adapter_gets_the_whole_call(adapter: str) -> None:
    app = Atila("tests")

    @app.route("/<path:rest>", methods=["POST"])
    def echo(was: Was, rest: str, q: str, **fields: Any) -> object:
        request = was.request
        assert request.body == b"a=1"
        own = request.headers.get_all("x-own")
        return was.API(rest=rest, q=q, own=own, peer=request.get_remote_addr(), scheme=request.scheme, fields=fields)

    with app.test_client(adapter=adapter, peer="192.0.2.7", threads=0) as client:
        fields = {"Content-Type": "application/x-www-form-urlencoded", "X-Own": "1"}
        answer = client.post("/a%20b/%C3%A9?q=%26", b"a=1", headers=fields, scheme="https")
    assert answer.data == {
        "rest": "a b/é", "q": "&", "own": ["1"], "peer": "192.0.2.7", "scheme": "https", "fields": {"a": "1"},
    }  # fmt: skip


class Silent:
    """A site that answers nothing, as an adapter does when its client has gone."""

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Leave."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Leave."""


def test_a_connection_that_ends_without_an_answer_is_an_error() -> None:
    call = ServerCall("GET", "/", "", [("host", "testserver")], None)
    for sending in (call_rsgi(Silent(), call), call_asgi(Silent(), call)):  # type: ignore[arg-type]  # as far as it is asked
        with pytest.raises(ConnectionError, match="closed without an answer"):
            asyncio.run(sending)


class Site:
    """A site that gives one body."""

    def __init__(self, body: Any) -> None:
        self.body = body

    def resolve(self, request: Request) -> Job:
        async def respond(request: Request) -> Response:
            return Response(206, [("x", "1")], self.body)

        return Job(respond)

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Need nothing."""

    async def stop(self) -> None:
        """Leave nothing."""


def test_files_and_ranges_of_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    path.write_bytes(b"0123456789")
    call = ServerCall("GET", "/", "", [("host", "testserver")], None)
    for body, wanted in (
        (FileBody(str(path), 10), b"0123456789"), (FileBody(str(path), 10, 2, 5), b"234"),
        (FileBody(str(path), 10, 7), b"789"),
    ):  # fmt: skip
        for answer in (asyncio.run(call_rsgi(RSGI(Site(body)), call)), asyncio.run(call_asgi(ASGI(Site(body)), call))):
            assert (answer.status_code, answer.content, answer.headers["x"]) == (206, wanted, "1")
            assert answer.headers["content-length"] == str(len(wanted))


def test_a_client_of_a_test_never_leaves() -> None:
    async def wait() -> None:
        await asyncio.wait_for(ServerProtocol(b"").client_disconnect(), 0.01)

    with pytest.raises(TimeoutError):
        asyncio.run(wait())


def test_the_asgi_server_of_a_test_has_one_body_and_then_silence() -> None:
    seen: list[Any] = []

    async def adapter(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await receive())
        try:
            seen.append(await asyncio.wait_for(receive(), 0.01))
        except TimeoutError:
            seen.append("silence")
        await send({"type": "http.response.start", "status": 204, "headers": []})

    call = ServerCall("POST", "/", "", [], b"body")
    assert asyncio.run(call_asgi(adapter, call)).status_code == 204  # type: ignore[arg-type]  # any ASGI app will do
    assert seen == [{"type": "http.request", "body": b"body", "more_body": False}, "silence"]
