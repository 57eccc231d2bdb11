"""Requests passed on to a server of somebody else's."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from atila.alias import DB_SQLITE3, PROTO_HTTP, Alias
from atila.errors import HTTPError, SettingError
from atila.http.headers import Headers, Pairs
from atila.http.request import Request, Told
from atila.http.response import Response, Stream
from atila.upstream.proxy import Proxy
from tests.atila.upstream.test_tunnel import answered
from tests.servers.upstream import Upstream, free_port

PATIENCE = 20.0  # seconds until a test gives up


def pass_on(
    members: str | list[str], method: str, path: str, body: bytes = b"", fields: Pairs | None = None, root: str = ""
) -> Response:
    """Have one request passed on, and read its answer."""

    async def run() -> Response:
        proxy = Proxy(Alias.parse("@shop", PROTO_HTTP, members))
        source = Headers([("host", "shop.example"), *(fields or [])])
        request = Request(method, path, "", source, Told(), body=body)
        request.root = root
        try:
            response = await asyncio.wait_for(proxy.pass_on(request, path), PATIENCE)
            if isinstance(response.body, Stream) and method != "HEAD":
                chunks: Any = response.body.chunks
                response.body = b"".join([piece async for piece in chunks])
            return response
        finally:
            await proxy.aclose()

    return asyncio.run(run())


def header(response: Response, name: str) -> str | None:
    return next((value for found, value in response.headers if found == name), None)


def test_a_body_goes_with_its_length_and_none_is_said_to_be_none(upstream: Upstream) -> None:
    said = json.loads(pass_on(upstream.address, "POST", "/echo", b"a=1", [("content-length", "3")]).body)
    assert (said["method"], said["body"], said["headers"]["content-length"]) == ("POST", "a=1", "3")
    pass_on(upstream.address, "POST", "/echo")
    pass_on(upstream.address, "DELETE", "/echo")
    assert [seen.headers.get("content-length") for seen in upstream.seen] == ["3", "0", None]


def test_what_may_be_repeated_is_once(upstream: Upstream) -> None:
    upstream.drops = 1
    assert pass_on(upstream.address, "GET", "/echo").status == 200
    for method, drops in (("GET", 2), ("POST", 1)):
        upstream.drops = drops
        with pytest.raises(HTTPError, match="502"):
            pass_on(upstream.address, method, "/echo")
    assert [seen.method for seen in upstream.seen] == ["GET", "GET", "GET", "GET", "POST"]


def test_the_next_member_is_asked_when_one_is_down(upstream: Upstream) -> None:
    members = [f"127.0.0.1:{free_port()} 9", upstream.address]
    assert pass_on(members, "POST", "/echo").status == 200
    with pytest.raises(HTTPError, match="502"):
        pass_on(f"127.0.0.1:{free_port()}", "GET", "/echo")


def test_redirections_lead_where_the_client_gets_on(upstream: Upstream) -> None:
    assert header(pass_on(upstream.address, "GET", "/moved/next", root="/shop"), "location") == "/shop/next"
    assert header(pass_on(upstream.address, "GET", "/moved/next"), "location") == "/next"


def test_an_upgrade_that_nobody_asked_for_is_no_answer() -> None:
    said = b"HTTP/1.1 101 Yes\r\nUpgrade: tea\r\nConnection: Upgrade\r\n\r\n"
    with pytest.raises(HTTPError, match="502"):
        answered(said, lambda port: pass_on(f"127.0.0.1:{port}", "POST", "/x"))


def test_an_answer_without_a_length_comes_in_pieces() -> None:
    found: list[Response] = []
    said = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end"
    answered(said, lambda port: found.append(pass_on(f"127.0.0.1:{port}", "GET", "/x")))
    assert found[0].body == b"to the end"


def test_what_is_no_http_upstream() -> None:
    with pytest.raises(SettingError, match="kind sqlite3"):
        Proxy(Alias.parse("@db", DB_SQLITE3, ":memory:"))
