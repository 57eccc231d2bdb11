"""Connections that are taken over from the server, found by their two ends."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from atila.adapters.claimed import NEAR, Claims, Ends, break_off
from atila.http.duplex import Closed, Limits
from atila.http.response import Response

Pair = tuple[socket.socket, socket.socket]  # a client, and the server's end of its connection


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        served, _ = listener.accept()
        with served:
            yield client, served


def scope_of(pair: Pair, scheme: str = "http") -> Any:
    (host, port), ours = pair[0].getsockname()[:2], pair[0].getpeername()[1]
    client = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return SimpleNamespace(scheme=scheme, client=client, server=f"127.0.0.1:{ours}")


def test_a_connection_is_found_by_its_ends(pair: Pair) -> None:
    claims = Claims()
    assert claims.claim(scope_of(pair, "https"), None) is None
    found = claims.claim(scope_of(pair), None)
    assert found is not None
    found.release()
    pair[1].send(b"still open")
    assert pair[0].recv(100) == b"still open"


def test_without_a_descriptor_left_nothing_is_claimed(pair: Pair) -> None:
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, usual[1]))
    try:
        found = Claims().claim(scope_of(pair), None)
        break_off(scope_of(pair))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    assert found is None


def test_a_connection_is_broken_off(pair: Pair) -> None:
    break_off(SimpleNamespace(client="127.0.0.1:1", server="127.0.0.1:1"))  # nobody's
    pair[1].send(b"half")
    break_off(scope_of(pair))
    assert (pair[0].recv(100), pair[0].recv(100)) == (b"half", b"")


@pytest.mark.parametrize(("listening", "called"), [("::1", "::1"), ("::", "127.0.0.1")])
def test_addresses_of_either_kind(listening: str, called: str) -> None:
    with (
        socket.create_server((listening, 0), family=socket.AF_INET6, dualstack_ipv6=listening == "::") as listener,
        socket.create_connection((called, listener.getsockname()[1])) as client,
        listener.accept()[0] as served,
    ):
        found = Claims().claim(scope_of((client, served)), None)
        assert found is not None
        found.release()


def test_one_look_serves_many_that_come_at_once() -> None:
    claims = Claims()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        served = {each[1]: each[0] for each in (listener.accept() for _ in clients)}
        pairs = [(client, served[client.getsockname()]) for client in clients]
        fillers = [os.dup(0) for _ in range(NEAR + len(pairs))]  # the newest descriptors are others'
        try:
            first, second = (claims.claim(scope_of(pair), None) for pair in pairs[:2])
            assert first is not None
            assert second is not None
            first.release()
            second.release()
            gone = scope_of(pairs[2])
            pairs[2][1].close()  # it was met, and went away
            assert claims.claim(gone, None) is None
        finally:
            for descriptor in fillers:
                os.close(descriptor)
            for each in (*clients, *served.values()):
                each.close()


def test_a_descriptor_that_becomes_another_connections_is_left_alone(pair: Pair) -> None:
    class Late(Claims):
        """Found, and the next moment the server gave the descriptor to another connection."""

        def find(self, ends: Ends) -> int | None:
            found = super().find(ends)
            assert found == pair[1].fileno()
            os.dup2(other.fileno(), found)
            return found

    other, another = socket.socketpair()
    with other, another:
        assert Late().claim(scope_of(pair), None) is None
        other.send(b"still open")
        assert another.recv(100) == b"still open"


def test_a_client_that_goes_away_before_its_handshake_is_answered(pair: Pair) -> None:
    found = Claims().claim(scope_of(pair), None)
    assert found is not None
    pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # without a farewell
    pair[0].close()

    async def answered() -> None:
        with pytest.raises(Closed, match="went away"):
            await found.accept(None, [("x-a", "1")], Limits())
        await found.refuse(Response(403))
        assert found.status == 403

    asyncio.run(answered())
    found.release()
