"""How the gRPC port is left: no call is lost while workers are replaced, and clients are asked to go first."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hpack import Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from contracts.photos.v1 import photos_pb2 as pb
from tests.deploy.web_server import WebServer

from .conftest import Start
from .engine_process import EngineProcess, free_ports, wait_until
from .test_grpc_port import APP, SERVICE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="clients are only seen off on Linux")

# Calls without a pause, some of them at once, until the time is over: how many, by how many workers, and what failed.
CALLER = """
import json, sys, time
import grpc
from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

port, seconds, at_once = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
calls, found, failed, end = 0, set(), [], time.monotonic() + seconds
with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
    stub = PhotoServiceStub(channel)
    while time.monotonic() < end:
        for future in [stub.Get.future(pb.GetRequest(), timeout=20) for _ in range(at_once)]:
            calls += 1
            try:
                found.add(future.result().id)
            except grpc.RpcError as error:
                failed.append(f"{error.code().name} {error.details()}")
print(json.dumps([calls, len(found), failed]))
"""


def call_on(port: int, seconds: float, at_once: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", CALLER, str(port), str(seconds), str(at_once)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)


def results(callers: list[subprocess.Popen[str]]) -> list[tuple[int, int, list[str]]]:
    return [tuple(json.loads(caller.communicate(timeout=60)[0])) for caller in callers]


# A connection for each call, as nginx makes them by default; twice the same address, as in deploy/.
SITE = """
upstream grpc {{ server 127.0.0.1:{grpc} max_fails=0; server 127.0.0.1:{grpc} max_fails=0; }}
server {{
    listen 127.0.0.1:{port} http2;
    keepalive_requests 1000000;
    location / {{ grpc_pass grpc://grpc; }}
}}
"""


@pytest.fixture
def through_nginx(tmp_path: Path) -> Iterator[Callable[[EngineProcess], int]]:
    """Start nginx before an engine; return its port."""
    started: list[WebServer] = []

    def begin(engine: EngineProcess) -> int:
        port = free_ports()
        started.append(WebServer(tmp_path, SITE.format(port=port, grpc=engine.port + 1)).start())
        return port

    yield begin
    for nginx in started:
        nginx.stop()


@pytest.mark.parametrize("proxied", [False, True])
def test_a_rolling_restart_loses_no_call(
    start: Start, through_nginx: Callable[[EngineProcess], int], proxied: bool
) -> None:
    engine = start(APP, workers=2)
    port = through_nginx(engine) if proxied else engine.port + 1
    callers = [call_on(port, 9, at_once) for at_once in (1, 1, 20)]
    for _ in range(3):
        time.sleep(1.5)
        before = set(engine.workers)
        engine.tell(signal.SIGHUP)
        wait_until(lambda: len(engine.workers) == 2 and not before & set(engine.workers), 20)  # noqa: B023 - ends here
    found = results(callers)
    assert [failed for _, _, failed in found] == [[], [], []]
    assert max(workers for _, workers, _ in found) > 1
    assert sum(calls for calls, _, _ in found) > 100
    assert "Failed accept4" not in engine.output  # grpcio does not notice that its port was taken away


def test_who_calls_while_the_engine_ends_is_told_that_nobody_is_there(start: Start) -> None:
    """UNAVAILABLE, which clients may try again, not CANCELLED, which would be their own doing."""
    engine = start(APP)
    callers = [call_on(engine.port + 1, 3, at_once) for at_once in (1, 20)]
    time.sleep(1.5)
    assert engine.stop() == 0
    codes = {why.partition(" ")[0] for _, _, failed in results(callers) for why in failed}
    assert codes == {"UNAVAILABLE"}


# one connection, seen from its other end


class Client:
    """An HTTP/2 connection that makes gRPC calls by hand and keeps the frames it got. Lives as long as its test."""

    def __init__(self, port: int) -> None:
        self.frames: list[Frame] = []
        self.closed = threading.Event()
        self._packed = Encoder()
        self._streams = itertools.count(1, 2)
        self._socket = socket.create_connection(("127.0.0.1", port), 20)
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(0).serialize())
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, photo: int) -> int:
        """Ask for a photo, whose number is the milliseconds that the handler takes; return the stream."""
        stream = next(self._streams)
        fields = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": f"/{SERVICE}/Get"}
        head = self._packed.encode([*fields.items(), ("te", "trailers"), ("content-type", "application/grpc")])
        message = pb.GetRequest(id=photo).SerializeToString()
        data = DataFrame(stream, b"\0" + len(message).to_bytes(4, "big") + message, flags=["END_STREAM"])
        self._send(HeadersFrame(stream, head, flags=["END_HEADERS"]), data)
        return stream

    def answered(self, stream: int) -> bool:
        kinds = {type(frame) for frame in self.frames if frame.stream_id == stream}
        return DataFrame in kinds and RstStreamFrame not in kinds and self.ended(stream)

    def ended(self, stream: int) -> bool:
        return any(frame.stream_id == stream and "END_STREAM" in frame.flags for frame in self.frames)

    @property
    def farewells(self) -> list[GoAwayFrame]:
        return [frame for frame in self.frames if isinstance(frame, GoAwayFrame)]

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        assert self.closed.wait(10)

    def _read(self) -> None:
        with self._socket, self._socket.makefile("rb") as stream:
            while head := stream.read(9):
                frame, length = Frame.parse_frame_header(memoryview(head))
                frame.parse_body(memoryview(stream.read(length)))
                self.frames.append(frame)
                if isinstance(frame, SettingsFrame | PingFrame) and "ACK" not in frame.flags:
                    told = frame.opaque_data if isinstance(frame, PingFrame) else b""
                    self._send(PingFrame(0, told, flags=["ACK"]) if told else SettingsFrame(0, flags=["ACK"]))
        self.closed.set()

    def _send(self, *frames: Frame) -> None:
        self._socket.sendall(b"".join(frame.serialize() for frame in frames))


def test_a_client_is_asked_to_go_and_finishes_what_it_began(start: Start) -> None:
    engine = start(APP)
    client = Client(engine.port + 1)
    slow = client.call(600)
    wait_until(lambda: bool(client.frames), 10)
    time.sleep(0.2)  # the call runs
    engine.tell(signal.SIGTERM)
    wait_until(lambda: bool(client.farewells), 10)
    (farewell,) = client.farewells
    assert (farewell.last_stream_id, farewell.error_code, client.ended(slow)) == (2**31 - 1, 0, False)
    late = client.call(0)  # on its way when the frame came: it counts as begun
    wait_until(lambda: client.answered(late) and client.answered(slow), 10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", engine.port + 1), 5)
    begun = time.monotonic()
    client.close()
    assert engine.process.wait(10) == 0
    assert time.monotonic() - begun < 5


def test_a_client_that_stays_does_not_hold_the_engine_up(start: Start) -> None:
    engine = start(APP)
    client = Client(engine.port + 1)
    stream = client.call(0)
    wait_until(lambda: client.answered(stream), 10)
    engine.tell(signal.SIGTERM)
    assert engine.process.wait(10) == 0
    assert client.closed.wait(10)


def test_a_client_that_reads_nothing_is_left_to_grpcio(start: Start) -> None:
    """Its answers fill the connection: a frame beside them could end up in the middle of another."""
    engine = start(APP.replace('title="', 'title="x" * 3_000_000 + "'), stop_timeout=4.0)
    with socket.create_connection(("127.0.0.1", engine.port + 1), 20) as client:
        settings = SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 2**31 - 1}).serialize()
        window = WindowUpdateFrame(0, window_increment=2**31 - 1 - 65535).serialize()
        client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings + window)
        fields = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": f"/{SERVICE}/Get"}
        packed = Encoder()
        for stream in range(1, 31, 2):
            head = packed.encode([*fields.items(), ("te", "trailers"), ("content-type", "application/grpc")])
            client.sendall(HeadersFrame(stream, head, flags=["END_HEADERS"]).serialize())
            client.sendall(DataFrame(stream, bytes(5), flags=["END_STREAM"]).serialize())
        time.sleep(1)
        engine.tell(signal.SIGTERM)
        time.sleep(1.5)
        with client.makefile("rb") as answers, contextlib.suppress(ConnectionResetError):
            while len(head := answers.read(9)) == 9:
                frame, length = Frame.parse_frame_header(memoryview(head), strict=True)  # whole frames to the end
                data = answers.read(length)
                if len(data) < length:
                    break
                frame.parse_body(memoryview(data))
    assert engine.process.wait(15) == 0
