"""Connections that are taken over from the server, found by their two ends."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from atila.adapters.claimed import Claims, break_off

Pair = tuple[socket.socket, socket.socket]  # a client, and the server's end of its connection


@pytest.fixture
def pair() -> Iterator[Pair]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        served, _ = listener.accept()
        with served:
            yield client, served


def scope_of(pair: Pair, scheme: str = "http") -> Any:
    (host, port), (_, ours) = pair[0].getsockname(), pair[0].getpeername()
    return SimpleNamespace(scheme=scheme, client=f"{host}:{port}", server=f"127.0.0.1:{ours}")


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
