"""Seeing gRPC clients off: the frame, the port that is given up, and connections at which nothing is half written."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hyperframe.frame import Frame, GoAwayFrame

from skitai.servers.grpc_threads import CallThreads

if sys.platform != "linux":
    pytest.skip("clients are only seen off on Linux", allow_module_level=True)

from skitai.servers.grpc_drain import GOAWAY, ROUND, Drain, _flows


@pytest.fixture
def threads() -> Iterator[CallThreads]:
    loop = asyncio.new_event_loop()
    made = CallThreads(2, loop)
    yield made
    made.shutdown()
    loop.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connect(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection, the client's first."""
    client = socket.create_connection(listener.getsockname(), 5)
    return client, listener.accept()[0]


def test_the_frame_lets_every_stream_go_on() -> None:
    frame, length = Frame.parse_frame_header(memoryview(GOAWAY[:9]), strict=True)
    frame.parse_body(memoryview(GOAWAY[9:]))
    assert isinstance(frame, GoAwayFrame)
    assert (length, len(GOAWAY) - 9) == (8, 8)
    assert (frame.stream_id, frame.last_stream_id, frame.error_code) == (0, 2**31 - 1, 0)


def test_clients_are_told_once_and_waited_for(listener: socket.socket, threads: CallThreads) -> None:
    client, ours = connect(listener)
    told = threading.Event()
    heard: list[bytes] = []

    def leave() -> None:
        heard.append(client.recv(100))
        time.sleep(3 * ROUND)  # more rounds begin
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            heard.append(client.recv(100))
        ours.close()

    leaving = threading.Thread(target=leave)
    leaving.start()
    begun = time.monotonic()
    Drain(listener.getsockname()[1], threads, 5.0).run(told.set)
    leaving.join()
    client.close()
    assert heard == [GOAWAY]
    assert told.is_set()
    assert time.monotonic() - begun < 4


def test_who_stays_is_waited_for_no_longer_than_said(listener: socket.socket, threads: CallThreads) -> None:
    client, ours = connect(listener)
    with client, ours:
        begun = time.monotonic()
        Drain(listener.getsockname()[1], threads, 0.3).run(lambda: None)
        assert 0.3 <= time.monotonic() - begun < 2


def test_the_port_is_free_for_others_at_once(listener: socket.socket, threads: CallThreads) -> None:
    port = listener.getsockname()[1]
    Drain(port, threads).run(lambda: None)  # nobody is there
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    assert listener.fileno() >= 0  # still grpcio's to close
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_connection_whose_buffer_is_full_is_left_alone(listener: socket.socket, threads: CallThreads) -> None:
    client, ours = connect(listener)
    with client, ours:
        assert _flows(ours)
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                ours.send(bytes(1_000_000))
        assert not _flows(ours)
        told = threading.Event()
        Drain(listener.getsockname()[1], threads, 0.3).run(told.set)
        assert not told.is_set()


def test_a_port_of_another_kind_is_none_of_ours(threads: CallThreads) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        Drain(other.getsockname()[1], threads).run(lambda: None)
        assert other.getsockname()[0] == "127.0.0.1"
