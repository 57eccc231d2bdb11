"""gRPC-Web through an app's own adapters: frames, statuses, streams of both kinds of handlers, deadlines."""

from __future__ import annotations

import base64
import gzip
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.rpc import error_details_pb2, status_pb2

from atila import Atila, HTTPError, Was
from atila.rpc.grpc import Stepped
from atila.rpc.grpc_web import read_frames
from atila.testing.client import TestClient
from contracts.photos.v1 import photos_pb2 as pb

SERVICE = "/contracts.photos.v1.PhotoService"
KIND = "application/grpc-web+proto"
ended: list[str] = []


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.access_control_allow_origin = ["https://pages.example"]

    @app.route("/Get", methods=["POST", "OPTIONS"])
    def get(was: Was, request: pb.GetRequest) -> pb.Photo:
        if request.id == 404:
            raise was.Error("404 Not Found", "no photo", headers=[("Retry-After", "3")])
        if request.id == 500:
            raise ValueError("inside")
        if request.user == "late":
            time.sleep(0.1)
        was.response.set_header("x-total", 3)
        was.request.call.add_trailer("cost", 5)
        return pb.Photo(id=request.id)

    @app.route("/List")
    async def listed(was: Was, request: pb.ListRequest) -> dict[str, int]:
        import asyncio

        await asyncio.sleep(float(request.q or 0))
        return {"total": 7}

    @app.route("/Update")
    @app.test_params("DATA", ["title"])
    def update(was: Was, request: pb.UpdateRequest) -> pb.Photo:
        return pb.Photo()

    @app.route("/Watch")
    def watch(was: Was, request: pb.WatchRequest) -> Iterator[pb.PhotoChange | None]:
        return changes(request.user)

    return app


def changes(user: str) -> Iterator[Any]:
    try:
        yield pb.PhotoChange(photo=pb.Photo(id=1))
        yield None
        if user == "break":
            raise ValueError("inside")
        if user == "wrong":
            yield pb.Photo()
        while user == "idle":
            time.sleep(0.01)
            yield None
        yield pb.PhotoChange(photo=pb.Photo(id=2))
    finally:
        ended.append(user)


@pytest.fixture(params=["rsgi", "asgi"])
def client(app: Atila, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    with app.test_client(SERVICE, adapter=request.param) as client:
        yield client


def frame(message: Any, flag: int = 0) -> bytes:
    data = message if isinstance(message, bytes) else message.SerializeToString()
    return bytes([flag]) + len(data).to_bytes(4, "big") + data


def ask(client: TestClient, method: str, body: bytes, **headers: str) -> tuple[list[bytes], dict[str, str], Any]:
    """Return the messages, the trailers and the HTTP answer."""
    sent = {"content-type": KIND, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = client.post(f"{SERVICE}/{method}", body, headers=sent)
    assert answer.status_code == 200
    content = answer.content
    if sent["content-type"].startswith("application/grpc-web-text"):
        end = content.index(b"gAAA")  # the flag and the length of the trailers in base64
        content = base64.b64decode(content[:end]) + base64.b64decode(content[end:])
    found: list[tuple[int, bytes]] = []
    while content:
        length = int.from_bytes(content[1:5], "big")
        found.append((content[0], content[5 : 5 + length]))
        content = content[5 + length :]
    assert [flag for flag, _ in found] == [0] * (len(found) - 1) + [0x80]
    trailers = dict(line.split(": ", 1) for line in found[-1][1].decode().split("\r\n")[:-1])
    return [data for _, data in found[:-1]], trailers, answer


def test_one_message(client: TestClient) -> None:
    messages, trailers, answer = ask(client, "Get", frame(pb.GetRequest(id=7)))
    assert pb.Photo.FromString(messages[0]).id == 7
    assert (trailers["grpc-status"], trailers["cost"], answer.headers["x-total"]) == ("0", "5", "3")
    messages, _, _ = ask(client, "List", frame(pb.ListRequest()))
    assert pb.ListResponse.FromString(messages[0]).total == 7


def test_text(client: TestClient) -> None:
    body = base64.b64encode(frame(pb.GetRequest(id=7)))
    messages, trailers, answer = ask(client, "Get", body, content_type="application/grpc-web-text")
    assert pb.Photo.FromString(messages[0]).id == 7
    assert trailers["grpc-status"] == "0"
    assert answer.headers["content-type"] == "application/grpc-web-text+proto"
    assert ask(client, "Get", b"%", content_type="application/grpc-web-text")[1]["grpc-status"] == "3"


@pytest.mark.parametrize(
    ("method", "body", "headers", "status"),
    [
        ("Get", frame(pb.GetRequest(id=404)), {}, "5"),
        ("Get", frame(pb.GetRequest(id=500)), {}, "13"),
        ("Get", b"", {}, "3"),
        ("Get", b"\0\0", {}, "3"),
        ("Get", frame(gzip.compress(b"\x10\x07", mtime=0), 1), {"grpc_encoding": "gzip"}, "0"),
        ("Get", frame(gzip.compress(bytes(30_000_000), mtime=0), 1), {"grpc_encoding": "gzip"}, "8"),
        ("Get", frame(b"x", 1), {"grpc_encoding": "gzip"}, "3"),
        ("Get", frame(b"no gzip", 1), {"grpc_encoding": "gzip"}, "3"),
        ("Get", frame(b"x", 1), {}, "12"),
        ("Get", frame(pb.GetRequest(user="late")), {"grpc_timeout": "10m"}, "4"),
        ("Get", frame(pb.GetRequest(user="late")), {"grpc_timeout": "soon"}, "0"),
        ("List", frame(pb.ListRequest(q="3")), {"grpc_timeout": "20m"}, "4"),
        ("List", frame(pb.ListRequest()), {"grpc_timeout": "5S"}, "0"),
        ("Get", frame(pb.GetRequest()), {"origin": "https://evil.example"}, "7"),
    ],
)
def test_statuses(client: TestClient, method: str, body: bytes, headers: dict[str, str], status: str) -> None:
    messages, trailers, _ = ask(client, method, body, **headers)
    assert trailers["grpc-status"] == status
    assert len(messages) == (status == "0")


def test_very_many_messages_take_little_memory(client: TestClient) -> None:
    body = frame(b"") * 200_000
    tracemalloc.start()
    try:
        _, trailers, _ = ask(client, "Get", body)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert trailers["grpc-status"] == "3"
    assert most < 8 * len(body)  # a message of no bytes is an object of eighty


def test_details(client: TestClient) -> None:
    for method, message, kinds in (
        ("Get", pb.GetRequest(id=404), {"ErrorInfo", "RequestInfo", "RetryInfo"}),
        ("Update", pb.UpdateRequest(id=1), {"ErrorInfo", "RequestInfo", "BadRequest"}),
    ):
        packed = ask(client, method, frame(message))[1]["grpc-status-details-bin"]
        status = status_pb2.Status.FromString(base64.b64decode(packed + "=" * (-len(packed) % 4)))
        assert {each.type_url.rpartition(".")[2] for each in status.details} == kinds
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        assert info.domain == "contracts.photos.v1.PhotoService"


def test_streams(client: TestClient) -> None:
    ended.clear()
    for user, count, status, headers in (
        ("", 2, "0", {}),
        ("break", 1, "13", {}),
        ("wrong", 1, "13", {}),
        ("idle", 1, "4", {"grpc_timeout": "200m"}),
    ):
        messages, trailers, _ = ask(client, "Watch", frame(pb.WatchRequest(user=user)), **headers)
        assert (len(messages), trailers["grpc-status"]) == (count, status), user
    assert ended == ["", "break", "wrong", "idle"]


def test_a_stream_ends_when_the_process_stops(app: Atila, client: TestClient) -> None:
    app.platform.stopping.set()
    assert ask(client, "Watch", frame(pb.WatchRequest(user="idle")))[1]["grpc-status"] == "14"


@pytest.mark.parametrize("itself", [True, False])
def test_streams_of_async_handlers(itself: bool) -> None:
    app = Atila("tests")

    async def watch(was: Was, request: pb.WatchRequest) -> AsyncIterator[pb.PhotoChange]:
        for number in range(3):
            yield pb.PhotoChange(photo=pb.Photo(id=number))

    async def handed(was: Was, request: pb.WatchRequest) -> AsyncIterator[pb.PhotoChange]:
        return watch(was, request)

    app.route("/Watch")(watch if itself else handed)
    with app.test_client(SERVICE) as client:
        messages, trailers, _ = ask(client, "Watch", frame(pb.WatchRequest()))
    assert (len(messages), trailers["grpc-status"]) == (3, "0")


def test_a_message_without_what_its_kind_demands_is_a_failure_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    file = descriptor_pb2.FileDescriptorProto(name="tests/old.proto", package="tests.old", syntax="proto2")
    number = file.message_type.add(name="Number").field.add(name="value", number=1, type=5, label=2)
    assert number.label == number.LABEL_REQUIRED
    service = file.service.add(name="Old")
    service.method.add(name="Get", input_type=".tests.old.Number", output_type=".tests.old.Number")
    descriptor_pool.Default().Add(file)
    app = Atila("tests")
    app.route("/Get")(lambda was, request: type(request)(value=request.value or None))
    with app.test_client("/tests.old.Old") as client:
        for sent, status in ((b"\x08\x07", "0"), (b"\x08\x00", "13")):
            answer = client.post("/tests.old.Old/Get", frame(sent), headers={"content-type": KIND}).content
            assert f"grpc-status: {status}\r\n".encode() in answer
    assert "EncodeError" in caplog.text


def test_other_origins(client: TestClient) -> None:
    shared = ask(client, "Get", frame(pb.GetRequest(id=7)), origin="https://pages.example")[2]
    assert shared.headers["access-control-allow-origin"] == "https://pages.example"
    assert "x-total" in shared.headers["access-control-expose-headers"]
    asked = {"origin": "https://pages.example", "access-control-request-method": "POST"}
    assert client.options(f"{SERVICE}/Get", headers=asked).status_code == 200


def test_what_is_no_grpc_web(client: TestClient) -> None:
    grpc = client.post(f"{SERVICE}/Get", b"", headers={"content-type": "application/grpc"})
    assert (grpc.headers["grpc-status"], "gRPC port" in grpc.headers["grpc-message"]) == ("12", True)
    for method, status in (("Watch", 415), ("Get", 400)):
        answer = client.post(f"{SERVICE}/{method}", b"{}", headers={"content-type": "application/json"})
        assert answer.status_code == status


def test_messages_that_a_client_streams_come_at_once() -> None:
    sent = b"".join(frame(pb.GetRequest(id=number)) for number in range(3))
    assert len(list(read_frames(sent + frame(b"a: b\r\n", 0x80), "identity", 100))) == 3
    assert len(list(read_frames(sent, "identity", 4))) == 3
    with pytest.raises(HTTPError, match="over 3 bytes"):
        list(read_frames(sent, "identity", 3))
    packed = gzip.compress(b"message")
    with pytest.raises(HTTPError, match="cut off"):
        list(read_frames(frame(packed[:-9], 1), "gzip", 100))


def test_a_source_without_an_end_of_its_own_is_let_go() -> None:
    import asyncio

    async def at_once(step: Callable[[], Any]) -> Any:
        return step()

    async def main() -> list[int]:
        source = Stepped(iter([1, 2]), at_once)
        found = [item async for item in source]
        await source.aclose()
        return found

    assert asyncio.run(main()) == [1, 2]
