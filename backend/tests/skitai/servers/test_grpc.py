"""The gRPC server inside this process: every kind of call and of end, seen by grpcio's client."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from atila import Atila, Was
from atila.adapters.settings import AdapterSettings
from atila.http.request import Request
from atila.rpc.grpc import find_method
from contracts.photos.v1 import photos_pb2 as pb
from skitai.options import Options
from skitai.servers.grpc import GrpcServer
from tests.serving.engine_process import free_ports, wait_until

SERVICE = "/tests.kinds.Kinds"


def describe() -> None:
    """Describe a service with a method of each kind; photos.proto has none that takes a stream."""
    if find_method(f"{SERVICE}/One") is not None:
        return  # a process can be told once only
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/kinds.proto", package="tests.kinds", dependency=["contracts/photos/v1/photos.proto"]
    )
    service = file.service.add(name="Kinds")
    for name, takes, gives in (
        ("One", False, False), ("LateOne", False, False), ("Many", False, True), ("LateMany", False, True),
        ("Sum", True, False), ("LateSum", True, False), ("Echo", True, True), ("LateEcho", True, True),
        ("Plain", False, True), ("Handed", False, True), ("Blocked", True, False), ("Missing", False, False),
    ):  # fmt: skip
        service.method.add(
            name=name,
            input_type=".contracts.photos.v1.GetRequest",
            output_type=".contracts.photos.v1.Photo",
            client_streaming=takes,
            server_streaming=gives,
        )
    descriptor_pool.Default().Add(file)


def make_app() -> Atila:
    app = Atila("tests")
    app.root = SERVICE
    app.config.max_multipart_body_size = 10_000
    app.route("/One")(one)
    app.route("/LateOne")(late_one)
    app.route("/Many")(many)
    app.route("/LateMany")(late_many)
    app.route("/Plain")(plain)
    app.route("/Handed")(handed)
    app.route("/Sum")(lambda was, requests: pb.Photo(id=sum(request.id for request in requests)))
    app.route("/LateSum")(late_sum)
    app.route("/Echo")(echo)
    app.route("/LateEcho")(late_echo)
    app.route("/Blocked")(blocked)
    return app


def one(was: Was, request: pb.GetRequest) -> pb.Photo:
    call = was.request.call
    if request.user == "headers":
        was.response.set_header("x-total", 3)
        was.response.set_header("odd!", 3)  # HTTP carries these two, gRPC does not
        was.response.set_header("tabbed", "a\tb")
        was.response.set_header("bad-bin", "%%%" if request.id else "AQID")
    if request.user == "fail":
        raise was.Error("409 Already Exists", "there")
    if request.user == "wait":
        while not call.cancelled:
            time.sleep(0.01)
    told = [call.time_left() is not None, call.stopping, list(call.identities), was.request.peer, was.request.scheme]
    return pb.Photo(id=request.id, title=f"{told} {was.request.get_header('x-bin')}")


async def late_one(was: Was, request: pb.GetRequest) -> pb.Photo:
    await asyncio.sleep(request.id / 1000)
    return pb.Photo(id=request.id)


def many(was: Was, request: pb.GetRequest) -> Iterator[pb.Photo | None]:
    yield pb.Photo(id=1)
    if request.user == "fail":
        raise ValueError("inside")
    while request.user == "idle":
        time.sleep(0.01)
        yield None
    yield pb.Photo(id=2)


async def late_many(was: Was, request: pb.GetRequest) -> AsyncIterator[pb.Photo | None]:
    for photo in many(was, request):
        await asyncio.sleep(0.01)
        yield photo


async def plain(was: Was, request: pb.GetRequest) -> Iterator[pb.Photo | None]:
    return many(was, request)


def handed(was: Was, request: pb.GetRequest) -> AsyncIterator[pb.Photo | None]:
    return late_many(was, request)


async def late_sum(was: Was, requests: Any) -> pb.Photo:
    return pb.Photo(id=sum([request.id async for request in requests]))


async def blocked(was: Was, requests: Any) -> pb.Photo:
    return pb.Photo(id=sum(request.id for request in requests))


def echo(was: Was, requests: Any) -> Iterator[pb.Photo]:
    was.request.call.add_trailer("kind", "echo")
    for request in requests:
        yield pb.Photo(id=request.id)


async def late_echo(was: Was, requests: Any) -> AsyncIterator[pb.Photo]:
    async for request in requests:
        yield pb.Photo(id=request.id)


@dataclass
class Running:
    """A server, a channel to it, and the statuses it noted. Lives as long as the test."""

    server: GrpcServer
    channel: grpc.Channel
    noted: list[int] = field(default_factory=list)

    def ask(self, name: str) -> Callable[..., Any]:
        kinds = {
            "Many": "unary_stream",
            "Plain": "unary_stream",
            "Handed": "unary_stream",
            "Sum": "stream_unary",
            "Blocked": "stream_unary",
        }
        kinds |= {"Echo": "stream_stream"}
        make = getattr(self.channel, kinds.get(name.removeprefix("Late"), "unary_unary"))
        call: Callable[..., Any] = make(f"{SERVICE}/{name}", pb.GetRequest.SerializeToString, pb.Photo.FromString)
        return call


@pytest.fixture
def running() -> Iterator[Running]:
    describe()
    loop = asyncio.new_event_loop()
    app = make_app()
    noted: list[int] = []

    def note(request: Request, status: int, length: int | None, seconds: float) -> None:
        noted.append(status)

    port = free_ports()
    options = Options(address="127.0.0.1", port=port, grpc_threads=4)
    server = GrpcServer({SERVICE: app}, options, AdapterSettings(on_answer=note, trusted_proxies=frozenset({"::1"})))

    def serve() -> None:
        asyncio.set_event_loop(loop)
        server.start(loop)
        loop.run_forever()

    thread = threading.Thread(target=serve)
    thread.start()
    with grpc.insecure_channel(f"127.0.0.1:{port + 1}") as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        yield Running(server, channel, noted)
    server.stop(2)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def status_of(call: Callable[[], Any]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as failure:
        call()
    error: Any = failure.value
    code: grpc.StatusCode = error.code()
    return code


def test_every_kind_of_call(running: Running) -> None:
    sent = [pb.GetRequest(id=1), pb.GetRequest(id=2)]
    photo = running.ask("One")(pb.GetRequest(id=7), metadata=[("x-bin", b"\1\2\3"), ("x-bin", b"\4")], timeout=20)
    assert (photo.id, photo.title) == (7, "[True, False, [], '127.0.0.1', 'http'] AQID")
    assert running.ask("LateOne")(sent[0], timeout=20).id == 1
    for name in ("Many", "LateMany", "Plain", "Handed"):
        assert [each.id for each in running.ask(name)(sent[0], timeout=20)] == [1, 2]
    for name in ("Sum", "LateSum"):
        assert running.ask(name)(iter(sent), timeout=20).id == 3
    for name in ("Echo", "LateEcho"):
        answers = running.ask(name)(iter(sent), timeout=20)
        assert [each.id for each in answers] == [1, 2]
    wait_until(lambda: running.noted == [200] * 10, 5, lambda: str(running.noted))


@pytest.mark.parametrize(
    ("name", "message", "code", "noted"),
    [
        ("One", pb.GetRequest(user="fail"), grpc.StatusCode.ALREADY_EXISTS, 409),
        ("One", pb.GetRequest(user="x" * 20_000), grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
        ("One", pb.GetRequest(user="headers", id=1), grpc.StatusCode.INTERNAL, 500),
        ("Missing", pb.GetRequest(), grpc.StatusCode.UNIMPLEMENTED, 501),
        ("Many", pb.GetRequest(user="fail"), grpc.StatusCode.INTERNAL, 500),
        ("LateMany", pb.GetRequest(user="fail"), grpc.StatusCode.INTERNAL, 500),
        ("Sum", pb.GetRequest(user="x" * 20_000), grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
        ("LateEcho", pb.GetRequest(user="x" * 20_000), grpc.StatusCode.RESOURCE_EXHAUSTED, 413),
        ("Blocked", pb.GetRequest(), grpc.StatusCode.INTERNAL, 500),
    ],
)
def test_every_kind_of_failure(running: Running, name: str, message: Any, code: grpc.StatusCode, noted: int) -> None:
    given = iter([message]) if name in ("Sum", "LateEcho", "Blocked") else message

    def call() -> None:
        answer = running.ask(name)(given, timeout=20)
        if name in ("Many", "LateMany", "LateEcho"):
            list(answer)

    assert status_of(call) is code
    wait_until(lambda: running.noted == [noted], 5, lambda: str(running.noted))


def test_headers_of_a_success(running: Running) -> None:
    _, call = running.ask("One").with_call(pb.GetRequest(user="headers"), timeout=20)  # type: ignore[attr-defined]  # not in the stubs
    assert dict(call.initial_metadata())["x-total"] == "3"
    assert dict(call.initial_metadata())["bad-bin"] == b"\1\2\3"


@pytest.mark.parametrize("name", ["One", "LateOne"])
def test_deadlines(running: Running, name: str) -> None:
    message = pb.GetRequest(user="wait", id=5000)
    assert status_of(lambda: running.ask(name)(message, timeout=0.2)) is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: running.noted == [504], 5, lambda: str(running.noted))


@pytest.mark.parametrize("name", ["Many", "LateMany", "Plain", "Handed"])
def test_clients_that_leave_and_servers_that_stop(running: Running, name: str) -> None:
    left, stays = (running.ask(name)(pb.GetRequest(user="idle"), timeout=20) for _ in range(2))
    next(left)
    next(stays)
    left.cancel()
    wait_until(lambda: running.noted == [499], 5, lambda: str(running.noted))
    running.server.begin_stop(2)
    assert status_of(lambda: list(stays)) is grpc.StatusCode.UNAVAILABLE
    wait_until(lambda: running.noted == [499, 503], 5, lambda: str(running.noted))


@pytest.mark.parametrize("name", ["Sum", "LateSum"])
def test_a_client_that_leaves_while_it_talks(running: Running, name: str) -> None:
    going = threading.Event()

    def talk() -> Iterator[pb.GetRequest]:
        yield pb.GetRequest(id=1)
        going.wait(10)

    call = running.ask(name).future(talk(), timeout=20)  # type: ignore[attr-defined]  # a stub's own
    time.sleep(0.2)
    call.cancel()
    # grpcio hears of the end of the messages and of the client's leaving in any order.
    wait_until(lambda: running.noted in ([499], [200]), 5, lambda: str(running.noted))
    going.set()


def test_an_async_stream_of_a_plain_handler_holds_no_thread(running: Running) -> None:
    streams = [running.ask("Handed")(pb.GetRequest(user="idle"), timeout=20) for _ in range(20)]  # there are 4 threads
    for stream in streams:
        assert next(stream).id == 1
    assert running.ask("One")(pb.GetRequest(id=7), timeout=20).id == 7
    for stream in streams:
        stream.cancel()
    wait_until(lambda: running.noted.count(499) == 20, 5, lambda: str(running.noted))
