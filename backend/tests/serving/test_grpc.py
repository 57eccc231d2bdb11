"""gRPC beside HTTP: calls, streams, refusals and a graceful end, seen by a grpcio client."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator

import grpc
import httpx
import pytest

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .conftest import Start
from .engine_process import EngineProcess, free_ports, wait_until

APP = """
from contracts.photos.v1 import photos_pb2 as pb

app.config.max_multipart_body_size = 100_000

@app.route("/Get")
def Get(was, request):
    if request.id == 404:
        raise was.Error("404 Not Found", "no photo 404")
    if request.id == 500:
        raise ValueError("secret of the inside")
    if request.id == 2:
        time.sleep(1)
    token = was.request.get_header("authorization") or ""
    return pb.Photo(id=request.id, title=f"{token} {was.request.get_remote_addr()}")

@app.route("/List")
async def List(was, request):
    await asyncio.sleep(0.01)
    return was.API(total=7, page=1)

@app.route("/Create")
def Create(was, request):
    return pb.Photo(size=len(request.content))

@app.route("/Delete")
def Delete(was, request):
    return "no message"

@app.route("/Watch")
def Watch(was, request):
    def changes():
        try:
            if request.user == "three":
                for number in range(3):
                    yield pb.PhotoChange(photo=pb.Photo(id=number))
                    time.sleep(0.2)
            else:
                yield pb.PhotoChange(photo=pb.Photo(id=1))
                while True:
                    time.sleep(0.05)
                    yield None
        finally:
            print("WATCH ENDED", flush=True)
    return changes()

@app.route("/http")
def http(was):
    return "http"

skitai.mount("/contracts.photos.v1.PhotoService", app)
"""


@pytest.fixture
def engine(start: Start) -> EngineProcess:
    return start(APP, workers=2)


@pytest.fixture
def stub(engine: EngineProcess) -> Iterator[PhotoServiceStub]:
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        yield photo_service(channel)


def photo_service(channel: grpc.Channel) -> PhotoServiceStub:
    return PhotoServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types


def test_calls_of_plain_and_async_handlers(engine: EngineProcess, stub: PhotoServiceStub) -> None:
    photo = stub.Get(pb.GetRequest(id=1), metadata=[("authorization", "Bearer t")], timeout=20)
    assert (photo.id, photo.title) == (1, "Bearer t 127.0.0.1")
    assert stub.List(pb.ListRequest(), timeout=20) == pb.ListResponse(total=7, page=1)
    wait_until(lambda: "grpc/2 POST /contracts.photos.v1.PhotoService/Get 200" in engine.output, 3)


@pytest.mark.parametrize(
    ("method", "request_message", "code", "detail"),
    [
        ("Get", pb.GetRequest(id=404), grpc.StatusCode.NOT_FOUND, "no photo 404"),
        ("Get", pb.GetRequest(id=500), grpc.StatusCode.INTERNAL, "internal server error"),
        ("Update", pb.UpdateRequest(), grpc.StatusCode.UNIMPLEMENTED, ""),
        ("Delete", pb.DeleteRequest(), grpc.StatusCode.INTERNAL, ""),
        ("Create", pb.CreateRequest(content=b"x" * 100_001), grpc.StatusCode.RESOURCE_EXHAUSTED, "100000 bytes"),
    ],
)
def test_refusals_and_failures_have_their_status(
    stub: PhotoServiceStub, method: str, request_message: object, code: grpc.StatusCode, detail: str
) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        getattr(stub, method)(request_message, timeout=20)
    assert failure.value.code() is code, failure.value.details()
    assert detail in (failure.value.details() or "")
    assert "secret" not in (failure.value.details() or "")


def test_bytes_that_are_no_message_are_refused(engine: EngineProcess) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        for path, code in (
            ("/contracts.photos.v1.PhotoService/Get", grpc.StatusCode.INVALID_ARGUMENT),
            ("/contracts.photos.v1.PhotoService/http", grpc.StatusCode.UNIMPLEMENTED),
            ("/no.Service/Get", grpc.StatusCode.UNIMPLEMENTED),
        ):
            with pytest.raises(grpc.RpcError) as failure:
                channel.unary_unary(path, bytes, bytes)(b"\xff\xff\xff", timeout=20)
            assert failure.value.code() is code


def test_a_stream_comes_piece_by_piece(stub: PhotoServiceStub) -> None:
    changes = stub.Watch(pb.WatchRequest(user="three"), timeout=20)
    arrived = [(change.photo.id, time.monotonic()) for change in changes]
    assert [number for number, _ in arrived] == [0, 1, 2]
    assert arrived[2][1] - arrived[0][1] > 0.3


def test_a_client_that_leaves_ends_its_stream(engine: EngineProcess, stub: PhotoServiceStub) -> None:
    watch = stub.Watch(pb.WatchRequest(user="for ever"), timeout=30)
    assert next(watch).photo.id == 1
    watch.cancel()
    wait_until(lambda: "WATCH ENDED" in engine.output, 5)


def test_many_streams_leave_room_for_calls(stub: PhotoServiceStub) -> None:
    watches = [stub.Watch(pb.WatchRequest(user="for ever"), timeout=30) for _ in range(30)]
    for watch in watches:
        next(watch)
    assert stub.Get(pb.GetRequest(id=1), timeout=20).id == 1
    for watch in watches:
        watch.cancel()


def test_sigterm_finishes_calls_and_ends_idle_streams(engine: EngineProcess, stub: PhotoServiceStub) -> None:
    results: list[object] = []
    call = threading.Thread(target=lambda: results.append(stub.Get(pb.GetRequest(id=2), timeout=10).id))
    call.start()
    watch = stub.Watch(pb.WatchRequest(user="for ever"), timeout=30)
    next(watch)
    time.sleep(0.2)
    engine.tell(signal.SIGTERM)
    with pytest.raises(grpc.RpcError) as failure:
        next(watch)
    call.join()
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE
    assert results == [2]
    assert engine.process.wait(8) == 0
    assert "killed" not in engine.output


def test_every_worker_answers_calls(engine: EngineProcess) -> None:
    assert len(engine.workers) == 2
    for _ in range(12):
        with grpc.insecure_channel(
            f"127.0.0.1:{engine.port + 1}", options=[("grpc.use_local_subchannel_pool", 1)]
        ) as channel:
            assert photo_service(channel).Get(pb.GetRequest(id=1), timeout=20).id == 1


def test_without_a_service_the_port_stays_closed(start: Start) -> None:
    engine = start('@app.route("/")\ndef index(was):\n    return "x"\n\nskitai.mount("/", app)')
    assert httpx.get(engine.url).text == "x"
    assert "grpc://" not in engine.output
    with (
        grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel,
        pytest.raises(grpc.FutureTimeoutError),
    ):
        grpc.channel_ready_future(channel).result(timeout=0.5)


def test_a_taken_port_for_grpc_is_one_sentence(start: Start) -> None:
    with socket.socket() as taken:
        port = free_ports()
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        engine = start(APP, ready=False, port=port)
        assert engine.process.wait(20) == 1
    assert f"port {port + 1}" in engine.output
    assert "choose another port with grpc_port=" in engine.output
