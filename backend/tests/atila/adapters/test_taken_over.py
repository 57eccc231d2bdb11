"""Connections that are taken over from a server that runs here: opened, refused, given back."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from atila.adapters.claimed import Claimed, Claims
from atila.http.duplex import Closed, Limits
from atila.http.response import Response
from tests.servers.upstream import free_port

Serve = Callable[[Claimed], Awaitable[None]]
Talk = Callable[[str], Awaitable[None]]


def run(serve: Serve, talk: Talk) -> None:
    """Run a server whose connections are taken over and served by `serve`, and clients of it."""
    claims = Claims()

    async def application(scope: Any, proto: Any) -> None:
        claimed = claims.claim(scope, proto)
        assert claimed is not None
        try:
            await serve(claimed)
        finally:
            claimed.release()

    async def both() -> None:
        port = free_port()
        server = Server(application, address="127.0.0.1", port=port, interface=Interfaces.RSGI, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        try:
            await asyncio.to_thread(wait_for, port)
            await asyncio.wait_for(talk(f"ws://127.0.0.1:{port}/"), 20)
        finally:
            server.stop()  # type: ignore[no-untyped-call]  # its author gave it no types
            await serving

    asyncio.run(both())


def wait_for(port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"nobody listens on {port}")


async def echo(claimed: Claimed) -> None:
    await claimed.accept("b", [("x-a", "1")], Limits())
    with pytest.raises(Closed) as end:
        while True:
            claimed.send(await claimed.receive())
            await claimed.drain()
            assert claimed.behind == 0
    assert end.value.code == 1000


@pytest.mark.row("12.1", "12.9")
def test_messages_both_ways_and_several_at_a_time() -> None:
    async def talk(url: str) -> None:
        offered = [Subprotocol("a"), Subprotocol("b")]
        async with connect(url, subprotocols=offered) as one, connect(url, subprotocols=offered) as two:
            for client in (one, two):
                assert client.response is not None
                assert (client.subprotocol, client.response.headers["x-a"]) == ("b", "1")
                await client.send("hello")
                assert await client.recv() == "hello"

    run(echo, talk)


def test_nothing_is_sent_before_it_is_open_and_we_may_close_it() -> None:
    async def serve(claimed: Claimed) -> None:
        assert claimed.behind == 0
        claimed.send("too early")
        await claimed.drain()
        claimed.close()
        await claimed.accept(None, [], Limits())
        assert claimed.status == 101
        claimed.close(4001, "done")
        with pytest.raises(Closed, match="4001 done"):
            await claimed.receive()

    async def talk(url: str) -> None:
        async with connect(url) as client:
            with pytest.raises(ConnectionClosed) as end:
                await client.recv()
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, end.value.rcvd.reason) == (4001, "done")

    run(serve, talk)


def test_a_connection_that_is_given_back_open_is_over() -> None:
    async def serve(claimed: Claimed) -> None:
        await claimed.accept(None, [], Limits())

    async def talk(url: str) -> None:
        async with connect(url) as client:
            with pytest.raises(ConnectionClosed) as end:
                await client.recv()
            assert end.value.rcvd is None

    run(serve, talk)


@pytest.mark.row("12.9")
def test_a_handshake_is_refused_with_an_answer_of_ours() -> None:
    async def serve(claimed: Claimed) -> None:
        await claimed.refuse(Response(403, [("x-a", "1"), ("connection", "keep-alive")], b"not you"))
        assert claimed.status == 403

    async def talk(url: str) -> None:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)
        answer = refused.value.response
        assert (answer.status_code, answer.body, answer.headers["x-a"]) == (403, b"not you", "1")
        assert answer.headers.get_all("connection") == ["close"]

    run(serve, talk)
