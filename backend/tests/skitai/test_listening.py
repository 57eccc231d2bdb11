"""Opening the port: why one cannot be had, and that connections wait in it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys

import pytest

from skitai.listening import PortError, listen, why_not
from tests.serving.engine_process import free_ports

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers share one socket")


def test_a_taken_port_says_why_and_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        reason = why_not("127.0.0.1", taken.getsockname()[1])
    assert reason is not None
    assert "in use" in reason
    assert "choose another port" in reason


def test_an_address_that_is_not_ours_says_so() -> None:
    assert "cannot listen on 192.0.2.1" in (why_not("192.0.2.1", 8000) or "")
    with pytest.raises(PortError, match=r"cannot listen on 192\.0\.2\.1, port 8000: .* Stop what uses it"):
        listen("192.0.2.1", 8000, 1)


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("second", [1, 2])
def test_a_port_is_opened_once_however_many_workers_serve_it(first: int, second: int) -> None:
    port = free_ports()
    listeners = listen("127.0.0.1", port, first)
    try:
        with pytest.raises(PortError, match="in use"):
            listen("127.0.0.1", port, second)
    finally:
        listeners.close()
    listen("127.0.0.1", port, second).close()


@linux
def test_each_place_has_a_socket_of_its_own() -> None:
    listeners = listen("127.0.0.1", free_ports(), 3)
    assert len({listeners.descriptor(slot) for slot in range(3)}) == 3
    listeners.close()


def test_an_ipv6_address_is_listened_on() -> None:
    try:
        listeners = listen("::1", free_ports(), 1)
    except PortError as error:
        pytest.skip(f"no IPv6 here: {error}")
    with socket.socket(fileno=os.dup(listeners.descriptor(0))) as opened:
        assert opened.family is socket.AF_INET6
    listeners.close()


@linux
def test_a_place_that_rests_gets_no_connection_until_it_listens_again() -> None:
    port = free_ports()
    listeners = listen("127.0.0.1", port, 2)
    first, second = (socket.socket(fileno=os.dup(listeners.descriptor(slot))) for slot in range(2))
    with first, second:
        listeners.rest(0)
        assert taken(port, second) == 30
        first.listen()
        assert 0 < taken(port, second) < 30
    listeners.close()


def taken(port: int, listener: socket.socket) -> int:
    """Connect 30 times and return how many of the connections a listener was given."""
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    count = 0
    for client in clients:
        client.sendall(b"GET")
    listener.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while True:
            listener.accept()[0].close()
            count += 1
    for client in clients:
        client.close()
    return count
