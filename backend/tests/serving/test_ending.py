"""The end of an engine that is busy with everything at once: plain requests, streams, gRPC, WebSockets."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .conftest import Start
from .engine_process import EngineProcess, wait_until

APP = """
from contracts.photos.v1 import photos_pb2 as pb
from skitai import WS_NQ, WS_SIMPLE

def begun():
    print("BEGUN", flush=True)

@app.route("/slow")
def slow(was, seconds: float):
    begun()
    time.sleep(seconds)
    return "done"

@app.route("/later")
async def later(was, seconds: float):
    begun()
    await asyncio.sleep(seconds)
    return "done"

@app.route("/stream")
def stream(was, pieces: int):
    begun()
    def one_by_one():
        for number in range(pieces):
            yield f"{number} "
            time.sleep(0.1)
    return one_by_one()

@app.route("/astream")
async def astream(was, pieces: int):
    begun()
    async def one_by_one():
        for number in range(pieces):
            yield f"{number} "
            await asyncio.sleep(0.1)
    return one_by_one()

@app.route("/echo")
@app.websocket(WS_SIMPLE | WS_NQ, 60)
def echo(was, message):
    begun()
    return message

@app.route("/contracts.photos.v1.PhotoService/Get")
def Get(was, request):
    begun()
    time.sleep(request.id / 10)
    return pb.Photo(id=request.id)

@app.route("/contracts.photos.v1.PhotoService/Watch")
def Watch(was, request):
    begun()
    while not was.app.platform.stopping.is_set():
        yield None
        time.sleep(0.05)

skitai.mount("/", app)
"""


class Busy:
    """Clients of every kind that have begun. Lives as long as a test."""

    def __init__(self, engine: EngineProcess) -> None:
        self.engine = engine
        self.pool = ThreadPoolExecutor(16)
        self.running: dict[str, Future[object]] = {}

    def begin(self, name: str, work: Callable[[], object]) -> None:
        self.running[name] = self.pool.submit(work)

    def ask(self, path: str) -> str:
        return httpx.get(f"{self.engine.url}{path}", timeout=30).text

    def hold_socket(self) -> object:
        with connect(f"ws://127.0.0.1:{self.engine.port}/echo", proxy=None) as client:
            client.send("hello")
            assert client.recv(10) == "hello"
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(30)
        return closed.value.rcvd.code if closed.value.rcvd else None

    def get(self, number: int) -> object:
        with grpc.insecure_channel(f"127.0.0.1:{self.engine.port + 1}") as channel:
            return stub_of(channel).Get(pb.GetRequest(id=number), timeout=30).id

    def watch(self) -> object:
        with grpc.insecure_channel(f"127.0.0.1:{self.engine.port + 1}") as channel:
            try:
                return list(stub_of(channel).Watch(pb.WatchRequest(), timeout=30))
            except grpc.RpcError as error:
                return error.code().name

    def wait_until_begun(self) -> None:
        """Wait until all of them are being answered."""
        wait_until(lambda: self.engine.output.count("BEGUN") >= len(self.running), 15, lambda: self.engine.output)

    def ends(self) -> dict[str, object]:
        return {name: future.result(40) for name, future in self.running.items()}


def stub_of(channel: grpc.Channel) -> Any:
    return PhotoServiceStub(channel)  # type: ignore[no-untyped-call]  # generated


def test_everything_that_runs_finishes_and_the_engine_ends_well(start: Start) -> None:
    engine = start(APP, workers=2, stop_timeout=15.0)
    busy = Busy(engine)
    busy.begin("slow", lambda: busy.ask("/slow?seconds=1.5"))
    busy.begin("later", lambda: busy.ask("/later?seconds=1.5"))
    busy.begin("stream", lambda: busy.ask("/stream?pieces=15"))
    busy.begin("astream", lambda: busy.ask("/astream?pieces=15"))
    busy.begin("socket", busy.hold_socket)
    busy.begin("other socket", busy.hold_socket)
    busy.begin("call", lambda: busy.get(15))
    busy.begin("watch", busy.watch)
    busy.wait_until_begun()
    told = time.monotonic()
    engine.tell(signal.SIGTERM)
    numbers = "".join(f"{number} " for number in range(15))
    ends = busy.ends()
    assert ends.pop("watch") in ([], "UNAVAILABLE")
    assert ends == {
        "slow": "done", "later": "done", "stream": numbers, "astream": numbers, "socket": 1001, "other socket": 1001,
        "call": 15,
    }  # fmt: skip
    assert engine.process.wait(15) == 0
    assert time.monotonic() - told < 10
    assert "ERROR" not in engine.output
    assert "Traceback" not in engine.output
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", engine.port), 2):
        pass


def test_what_never_ends_is_ended_in_time(start: Start) -> None:
    engine = start(APP, workers=2, stop_timeout=2.0)
    busy = Busy(engine)
    busy.begin("slow", lambda: _broken(lambda: busy.ask("/slow?seconds=60")))
    busy.begin("astream", lambda: _broken(lambda: busy.ask("/astream?pieces=600")))
    busy.begin("call", lambda: _broken(lambda: busy.get(600)))
    busy.begin("socket", busy.hold_socket)
    busy.wait_until_begun()
    told = time.monotonic()
    engine.tell(signal.SIGTERM)
    assert engine.process.wait(15) == 0
    assert time.monotonic() - told < 10
    assert busy.ends() == {"slow": "broken", "astream": "broken", "call": "broken", "socket": 1001}
    assert "did not finish in 2 s; killed" in engine.output


def _broken(work: Callable[[], object]) -> object:
    try:
        return work()
    except (httpx.TransportError, grpc.RpcError):
        return "broken"
