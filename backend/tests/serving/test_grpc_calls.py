"""What gRPC calls carry besides messages: deadlines, an early end, metadata, tokens, details of errors; and limits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import jwt
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .conftest import Start
from .engine_process import EngineProcess, wait_until

SERVICE = "/contracts.photos.v1.PhotoService"
KEY = "a-key-that-is-long-enough-for-HS256-tests"
APP = f"""
import logging
from contracts.photos.v1 import photos_pb2 as pb
from google.protobuf.wrappers_pb2 import StringValue

app.securekey = "{KEY}"
app.config.max_multipart_body_size = 100_000

@app.permission_check_handler
def check(was, permissions):
    claims = was.request.JWT
    if "err" in claims:
        return claims["err"]
    if not set(permissions) <= set(claims["roles"]):
        raise was.Error("403 Permission Denied", "not yours")

@app.route("/Get")
def Get(was, request: pb.GetRequest):
    call = was.request.call
    if request.user == "slow":
        left = call.time_left()
        while not call.cancelled:
            time.sleep(0.02)
        print(f"GAVE UP after {{left - call.time_left():.1f}} of {{left:.1f}}", flush=True)
    if request.user == "taken":
        raise was.Error("409 Already Exists", "photo 7 is there", details=[StringValue(value="mine")])
    if request.user == "busy":
        raise was.Error("429 Too Many Requests", "later", headers=[("retry-after", "7")])
    was.response.set_header("X-Total", 3)
    was.response.set_header("Trace-Bin", "AQID")
    was.response.set_header("Content-Security-Policy", "none")
    call.add_trailer("cost", 5)
    return pb.Photo(id=request.id, title=f"{{was.request.get_header('x-who')}} {{was.request.get_header('x-bin')}} "
        f"{{call.time_left() is None}} {{call.cancelled}} {{call.stopping}}")

@app.route("/List")
async def List(was, request: pb.ListRequest):
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        print("LIST CANCELLED", flush=True)
        raise

@app.route("/Update")
@app.permission_required(["staff"])
async def Update(was, request: pb.UpdateRequest):
    return pb.Photo(title=was.request.JWT["sub"])

@app.route("/Create")
def Create(was, request: pb.CreateRequest):
    logging.getLogger("mine").warning("created")
    return pb.Photo(size=len(request.content), title=request.title * 10_000)

@app.route("/Delete")
@app.test_params("DATA", ["user"])
def Delete(was, request: pb.DeleteRequest):
    return pb.DeleteResponse()

@app.route("/Watch")
async def Watch(was, request: pb.WatchRequest):
    was.response.set_header("x-kind", "watch")
    return changes(was, request)

async def changes(was, request):
    logging.getLogger("mine").warning("watched by %s", request.user)
    try:
        number = 0
        while request.user != "three" or number < 3:
            yield pb.PhotoChange(photo=pb.Photo(id=number))
            number += 1
            while request.user == "idle":
                yield None
                await asyncio.sleep(0.05)
            if request.user == "hang":
                await asyncio.sleep(30)
            if request.user == "break":
                raise ValueError("secret of the inside")
            if request.user == "refuse":
                raise was.Error("404 Not Found", "no more")
    finally:
        print("WATCH ENDED", request.user, flush=True)

skitai.mount("{SERVICE}", app)
"""


@pytest.fixture
def engine(start: Start) -> EngineProcess:
    return start(APP)


@pytest.fixture
def stub(engine: EngineProcess) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        yield photo_service(channel)


def photo_service(channel: grpc.Channel) -> Any:
    make: Any = PhotoServiceStub  # generated without types
    return make(channel)


def status_of(call: Any) -> tuple[Any, Any]:
    """Return the status and the message that a failing call ends with."""
    with pytest.raises(grpc.RpcError) as failure:
        call()
    error: Any = failure.value
    return error.code(), error.details()


@pytest.mark.row("12.21", "12.22")
def test_metadata_are_headers_both_ways(stub: Any) -> None:
    sent = [("x-who", "me"), ("x-bin", b"\x01\xff")]
    photo, call = stub.Get.with_call(pb.GetRequest(id=1), metadata=sent, timeout=20)
    assert photo.title == "me Af8 False False False"
    first = dict(call.initial_metadata())
    assert (first["x-total"], first["trace-bin"]) == ("3", b"\x01\x02\x03")
    assert "content-security-policy" not in first
    last = dict(call.trailing_metadata())
    assert last["cost"] == "5"
    assert last["x-request-id"]


@pytest.mark.row("12.22")
def test_metadata_of_a_stream_comes_before_its_first_message(stub: Any) -> None:
    changes = stub.Watch(pb.WatchRequest(user="three"), timeout=20)
    assert dict(changes.initial_metadata())["x-kind"] == "watch"
    assert [change.photo.id for change in changes] == [0, 1, 2]
    assert dict(changes.trailing_metadata())["x-request-id"]


def test_a_deadline_reaches_a_plain_handler(engine: EngineProcess, stub: Any) -> None:
    code, _ = status_of(lambda: stub.Get(pb.GetRequest(user="slow"), timeout=0.5))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: "GAVE UP after 0." in engine.output, 3, lambda: engine.output)
    wait_until(lambda: f"{SERVICE}/Get 504" in engine.output, 3, lambda: engine.output)


def test_a_deadline_cancels_an_async_handler(engine: EngineProcess, stub: Any) -> None:
    code, _ = status_of(lambda: stub.List(pb.ListRequest(), timeout=0.3))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_until(lambda: "LIST CANCELLED" in engine.output, 3)
    wait_until(lambda: f"{SERVICE}/List 504" in engine.output, 3, lambda: engine.output)


def test_a_client_that_leaves_cancels_an_async_handler(engine: EngineProcess, stub: Any) -> None:
    call = stub.List.future(pb.ListRequest(), timeout=20)
    time.sleep(0.2)
    call.cancel()
    wait_until(lambda: "LIST CANCELLED" in engine.output, 3)
    wait_until(lambda: f"{SERVICE}/List 499" in engine.output, 3, lambda: engine.output)


@pytest.mark.parametrize("user", ["hang", "idle"])
def test_a_client_that_leaves_ends_an_async_stream(engine: EngineProcess, stub: Any, user: str) -> None:
    watch = stub.Watch(pb.WatchRequest(user=user), timeout=20)
    next(watch)
    watch.cancel()
    wait_until(lambda: f"WATCH ENDED {user}" in engine.output, 3)
    wait_until(lambda: f"{SERVICE}/Watch 499" in engine.output, 3, lambda: engine.output)


@pytest.mark.row("12.25")
def test_a_stream_may_fail_in_the_middle(engine: EngineProcess, stub: Any) -> None:
    for user, code, text in (
        ("break", grpc.StatusCode.INTERNAL, "internal server error"),
        ("refuse", grpc.StatusCode.NOT_FOUND, "not found: no more"),
    ):
        watch = stub.Watch(pb.WatchRequest(user=user), timeout=20)
        assert next(watch).photo.id == 0
        assert status_of(lambda watch=watch: next(watch)) == (code, text)
    assert "ValueError: secret" in engine.output


@pytest.mark.row("12.23")
def test_idle_async_streams_hold_no_thread(start: Start) -> None:
    engine = start(APP, grpc_threads=4)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        stub = photo_service(channel)
        watches = [stub.Watch(pb.WatchRequest(user="idle"), timeout=60) for _ in range(80)]
        for watch in watches:
            next(watch)
        assert stub.Get(pb.GetRequest(id=1), timeout=5).id == 1
        for watch in watches:
            watch.cancel()
        wait_until(lambda: engine.output.count("WATCH ENDED") == 80, 5)


@pytest.mark.row("12.25")
def test_errors_have_details(stub: Any) -> None:
    found = details_of(lambda: stub.Get(pb.GetRequest(user="taken"), timeout=20), grpc.StatusCode.ALREADY_EXISTS)
    assert found["ErrorInfo"].domain == "contracts.photos.v1.PhotoService"
    assert found["ErrorInfo"].reason == "ALREADY_EXISTS"
    assert dict(found["ErrorInfo"].metadata) == {"status": "409", "code": "40900"}
    assert found["RequestInfo"].request_id
    assert found["StringValue"] == b"\n\x04mine"
    found = details_of(lambda: stub.Get(pb.GetRequest(user="busy"), timeout=20), grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert found["RetryInfo"].retry_delay.seconds == 7
    found = details_of(lambda: stub.Delete(pb.DeleteRequest(id=1), timeout=20), grpc.StatusCode.INVALID_ARGUMENT)
    (violation,) = found["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("user", "parameter user required")
    assert found["ErrorInfo"].metadata["code"] == "40050"


def details_of(call: Any, code: grpc.StatusCode) -> dict[str, Any]:
    """Return the details of a failing call by the names of their messages."""
    with pytest.raises(grpc.RpcError) as failure:
        call()
    error: Any = failure.value
    status = rpc_status.from_call(error)
    assert status is not None
    assert error.code() is code
    found = {}
    for each in status.details:
        name = each.type_url.rpartition(".")[2]
        known = getattr(error_details_pb2, name, None)
        found[name] = known.FromString(each.value) if known else each.value
    return found


@pytest.mark.row("12.25")
def test_the_same_guards_and_tokens(stub: Any) -> None:
    def update(roles: list[str] | None) -> Any:
        token = jwt.encode({"sub": "hans", "roles": roles, "exp": int(time.time()) + 60}, KEY)
        metadata = [] if roles is None else [("authorization", f"Bearer {token}")]
        return stub.Update(pb.UpdateRequest(id=1), metadata=metadata, timeout=20)

    assert update(["staff"]).title == "hans"
    assert status_of(lambda: update([])) == (grpc.StatusCode.PERMISSION_DENIED, "permission denied: not yours")
    assert status_of(lambda: update(None))[0] is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("asked", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compressed_messages_both_ways(start: Start, asked: grpc.Compression) -> None:
    engine = start(APP, grpc_compression="gzip")
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        request = pb.CreateRequest(content=b"x" * 50_000, title="abcdefgh")
        photo = photo_service(channel).Create(request, compression=asked, timeout=20)
    assert (photo.size, len(photo.title)) == (50_000, 80_000)


def test_messages_have_limits(start: Start) -> None:
    engine = start(APP, grpc_max_message=50_000)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        create = photo_service(channel).Create
        assert create(pb.CreateRequest(content=b"x" * 40_000), timeout=20).size == 40_000
        for request in (pb.CreateRequest(content=b"x" * 60_000), pb.CreateRequest(title="12345678")):
            assert status_of(lambda request=request: create(request, timeout=20))[0] is (
                grpc.StatusCode.RESOURCE_EXHAUSTED
            )
        packed = pb.CreateRequest(content=bytes(20_000_000))  # some 20 kB when they are compressed
        asked = grpc.Compression.Gzip
        assert status_of(lambda: create(packed, compression=asked, timeout=20))[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_calls_beyond_the_limit_are_refused_at_once(start: Start) -> None:
    engine = start(APP, grpc_max_calls=2, grpc_threads=1)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        stub = photo_service(channel)
        calls = [stub.Get.future(pb.GetRequest(user="slow"), timeout=2) for _ in range(6)]
        codes = [call.exception(timeout=20).code() for call in calls]
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 4
    assert codes.count(grpc.StatusCode.DEADLINE_EXCEEDED) == 2
    wait_until(lambda: f"{SERVICE}/Get 504" in engine.output, 3, lambda: engine.output)
    assert engine.output.count("GAVE UP") == 1  # the other one was not even begun


@pytest.mark.row("12.22")
def test_sigterm_ends_idle_async_streams_and_finishes_calls(engine: EngineProcess, stub: Any) -> None:
    watch = stub.Watch(pb.WatchRequest(user="idle"), timeout=30)
    next(watch)
    results: list[Any] = []
    call = threading.Thread(
        target=lambda: results.append(status_of(lambda: stub.Get(pb.GetRequest(user="slow"), timeout=1)))
    )
    call.start()
    time.sleep(0.2)
    engine.tell(signal.SIGTERM)
    assert status_of(lambda: next(watch))[0] is grpc.StatusCode.UNAVAILABLE
    call.join()
    assert results[0][0] is grpc.StatusCode.DEADLINE_EXCEEDED
    assert engine.process.wait(8) == 0
    assert "killed" not in engine.output


def test_a_hanging_async_call_is_cancelled_when_the_time_to_stop_is_over(start: Start) -> None:
    engine = start(APP, stop_timeout=1.5)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        call = photo_service(channel).List.future(pb.ListRequest(), timeout=30)
        time.sleep(0.3)
        engine.tell(signal.SIGTERM)
        assert call.exception(timeout=5) is not None
    assert engine.process.wait(5) == 0
    assert "LIST CANCELLED" in engine.output


@pytest.mark.row("12.25")
def test_details_are_a_google_rpc_status_on_the_wire(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as failure:
        stub.Get(pb.GetRequest(user="taken"), timeout=20)
    error: Any = failure.value
    status = status_pb2.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    assert (status.code, status.message) == (6, "already exists: photo 7 is there")


@pytest.mark.parametrize("web", [False, True])
def test_what_a_call_logs_has_its_id(engine: EngineProcess, stub: Any, web: bool) -> None:
    if web:
        body = b"\0\0\0\0\x07" + pb.WatchRequest(user="three").SerializeToString()
        sent = {"content-type": "application/grpc-web"}
        answer = httpx.post(f"{engine.url}{SERVICE}/Watch", content=body, headers=sent, trust_env=False)
        number = answer.headers["x-request-id"]
    else:
        _, call = stub.Create.with_call(pb.CreateRequest(), timeout=20)
        number = dict(call.trailing_metadata())["x-request-id"]
        wait_until(lambda: f"mine {number} created" in engine.output, 3, lambda: engine.output)
        watch = stub.Watch(pb.WatchRequest(user="three"), timeout=20)
        assert len(list(watch)) == 3
        number = dict(watch.trailing_metadata())["x-request-id"]
    wait_until(lambda: f"mine {number} watched by three" in engine.output, 3, lambda: engine.output)
