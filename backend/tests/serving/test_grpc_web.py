"""gRPC-Web over the HTTP port, byte by byte, and its CORS; frontend/e2e has a real browser's client of it."""

from __future__ import annotations

import base64
import gzip
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import grpc
import httpx
import pytest
from google.rpc import status_pb2

from contracts.photos.v1 import photos_pb2 as pb

from .conftest import Start
from .engine_process import EngineProcess, wait_until

SERVICE = "/contracts.photos.v1.PhotoService"
ORIGIN = "https://pages.example"
APP = f"""
import logging
from contracts.photos.v1 import photos_pb2 as pb

app.config.max_multipart_body_size = 100_000
app.access_control_allow_origin = ["{ORIGIN}"]
app.access_control_max_age = 600

@app.route("/Get", methods=["POST", "OPTIONS"])
def Get(was, request: pb.GetRequest):
    if request.id == 404:
        raise was.Error("404 Not Found", "no photo “404”")
    if request.id == 500:
        raise ValueError("secret of the inside")
    if request.user == "late":
        time.sleep(0.3)
    was.response.set_header("x-total", 3)
    was.request.call.add_trailer("cost", 5)
    return pb.Photo(id=request.id, title=str(was.request.get_header("x-who")))

@app.route("/List")
async def List(was, request: pb.ListRequest):
    await asyncio.sleep(float(request.q or 0))
    return {{"total": 7}}

@app.route("/Create")
def Create(was, request: pb.CreateRequest):
    return pb.Photo(size=len(request.content))

@app.route("/Watch")
def Watch(was, request: pb.WatchRequest):
    logging.getLogger("mine").warning("watched")
    try:
        for number in range(3):
            yield pb.PhotoChange(photo=pb.Photo(id=number))
        if request.user == "break":
            raise was.Error("403 Permission Denied", "no more")
        while request.user == "idle":
            time.sleep(0.05)
            yield None
    finally:
        print("WATCH ENDED", flush=True)

skitai.mount("{SERVICE}", app)
"""


@pytest.fixture
def engine(start: Start) -> EngineProcess:
    return start(APP)


def frame(message: Any, flag: int = 0) -> bytes:
    data = message if isinstance(message, bytes) else message.SerializeToString()
    return bytes([flag]) + len(data).to_bytes(4, "big") + data


def frames(body: bytes) -> Iterator[tuple[int, bytes]]:
    while body:
        length = int.from_bytes(body[1:5], "big")
        yield body[0], body[5 : 5 + length]
        body = body[5 + length :]


class Answer:
    """A gRPC-Web answer: its messages and its trailers."""

    def __init__(self, answer: httpx.Response, body: bytes | None = None) -> None:
        self.http = answer
        found = list(frames(answer.content if body is None else body))
        self.messages = [data for flag, data in found if not flag]
        assert [flag for flag, _ in found[:-1]] == [0] * len(self.messages)
        lines = found[-1][1].decode().split("\r\n")[:-1]
        self.trailers = dict(line.split(": ", 1) for line in lines)

    @property
    def status(self) -> tuple[str, str]:
        return self.trailers["grpc-status"], unquote(self.trailers["grpc-message"])


def call(engine: EngineProcess, method: str, body: bytes, **headers: str) -> Answer:
    sent = {"content-type": "application/grpc-web+proto", **{key.replace("_", "-"): v for key, v in headers.items()}}
    answer = httpx.post(f"{engine.url}{SERVICE}/{method}", content=body, headers=sent, trust_env=False, timeout=20)
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"].startswith("application/grpc-web-text"):
        text = answer.text
        return Answer(answer, b"".join(base64.b64decode(part + "==") for part in text.replace("==", "=").split("=")))
    assert answer.headers["content-type"] == "application/grpc-web+proto"
    return Answer(answer)


@pytest.mark.row("12.21")
def test_a_call_by_plain_and_async_handlers(engine: EngineProcess) -> None:
    answer = call(engine, "Get", frame(pb.GetRequest(id=7)), x_who="me")
    assert [pb.Photo.FromString(data) for data in answer.messages] == [pb.Photo(id=7, title="me")]
    assert answer.status == ("0", "")
    assert answer.trailers["cost"] == "5"
    assert answer.http.headers["x-total"] == "3"
    answer = call(engine, "List", frame(pb.ListRequest()))
    assert pb.ListResponse.FromString(answer.messages[0]).total == 7
    wait_until(lambda: f"grpc/1.1 POST {SERVICE}/Get 200" in engine.output, 3, lambda: engine.output)


@pytest.mark.row("12.23")
def test_a_stream_of_a_plain_handler(engine: EngineProcess) -> None:
    answer = call(engine, "Watch", frame(pb.WatchRequest()))
    assert [pb.PhotoChange.FromString(data).photo.id for data in answer.messages] == [0, 1, 2]
    assert answer.status == ("0", "")
    number = answer.http.headers["x-request-id"]
    wait_until(lambda: f"mine {number} watched" in engine.output, 3, lambda: engine.output)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        watch = channel.unary_stream(f"{SERVICE}/Watch", bytes, bytes)(b"", timeout=20)
        assert len(list(watch)) == 3
        number = str(dict(watch.trailing_metadata())["x-request-id"])
    wait_until(lambda: f"mine {number} watched" in engine.output, 3, lambda: engine.output)
    answer = call(engine, "Watch", frame(pb.WatchRequest(user="break")))
    assert (len(answer.messages), answer.status) == (3, ("7", "permission denied: no more"))


def test_text_for_clients_that_cannot_read_bytes(engine: EngineProcess) -> None:
    body = base64.b64encode(frame(pb.GetRequest(id=7)))
    sent = {"content-type": "application/grpc-web-text"}
    answer = httpx.post(f"{engine.url}{SERVICE}/Get", content=body, headers=sent, trust_env=False)
    assert answer.headers["content-type"] == "application/grpc-web-text+proto"
    first = base64.b64encode(frame(pb.Photo(id=7, title="None"))).decode()
    assert answer.text.startswith(first)
    assert b"grpc-status: 0\r\n" in base64.b64decode(answer.text[len(first) :])
    broken = httpx.post(f"{engine.url}{SERVICE}/Get", content=b"%%%", headers=sent, trust_env=False)
    assert b"grpc-status: 3\r\n" in base64.b64decode(broken.text)


@pytest.mark.row("12.25")
def test_errors_are_statuses_with_details(engine: EngineProcess) -> None:
    answer = call(engine, "Get", frame(pb.GetRequest(id=404)))
    assert answer.status == ("5", "not found: no photo “404”")
    details = answer.trailers["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
    assert (status.code, status.message) == (5, "not found: no photo “404”")
    assert call(engine, "Get", frame(pb.GetRequest(id=500))).status == ("13", "internal server error")
    assert "secret" in engine.output


@pytest.mark.row("12.25")
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, "3"),
        (b"\x00\x00", {}, "3"),
        (frame(b"\xff\xff"), {}, "3"),
        (frame(pb.GetRequest()) + frame(pb.GetRequest()), {}, "3"),
        (frame(b"no gzip", 1), {"grpc_encoding": "gzip"}, "3"),
        (frame(gzip.compress(bytes(1_000_000), mtime=0), 1), {"grpc_encoding": "gzip"}, "8"),
        (
            frame(gzip.compress(pb.GetRequest(user="x" * 90_000).SerializeToString(), mtime=0), 1) * 50,
            {"grpc_encoding": "gzip"},
            "8",
        ),
        (frame(b"", 1), {"grpc_encoding": "snappy"}, "12"),
    ],
)
def test_bodies_that_are_refused(engine: EngineProcess, body: bytes, headers: dict[str, str], status: str) -> None:
    assert call(engine, "Get", body, **headers).status[0] == status


def test_compressed_messages_and_frames_of_trailers_are_read(engine: EngineProcess) -> None:
    body = frame(gzip.compress(pb.GetRequest(id=7).SerializeToString()), 1) + frame(b"a: b\r\n", 0x80)
    assert pb.Photo.FromString(call(engine, "Get", body, grpc_encoding="gzip").messages[0]).id == 7


def test_a_body_over_the_limit(engine: EngineProcess) -> None:
    big = frame(pb.CreateRequest(content=bytes(200_000)))
    sent = {"content-type": "application/grpc-web+proto"}
    answer = httpx.post(f"{engine.url}{SERVICE}/Create", content=big, headers=sent, trust_env=False)
    assert answer.status_code == 413
    small = frame(pb.CreateRequest(content=bytes(90_000)))
    assert pb.Photo.FromString(call(engine, "Create", small).messages[0]).size == 90_000


def test_deadlines(engine: EngineProcess) -> None:
    body = frame(pb.ListRequest(q="5"))
    started = time.monotonic()
    assert call(engine, "List", body, grpc_timeout="200m").status == ("4", "gateway timeout: the deadline is over")
    assert time.monotonic() - started < 2
    late = frame(pb.GetRequest(user="late"))
    assert call(engine, "Get", late, grpc_timeout="100m").status[0] == "4"
    assert call(engine, "Get", late, grpc_timeout="5S").status[0] == "0"
    assert call(engine, "Watch", frame(pb.WatchRequest(user="idle")), grpc_timeout="300m").status[0] == "4"


def test_streams_leave_the_worker_threads_free_and_end_with_their_clients(engine: EngineProcess) -> None:
    sent = {"content-type": "application/grpc-web+proto"}
    body = frame(pb.WatchRequest(user="idle"))
    with httpx.Client(trust_env=False, timeout=20) as client:
        streams = [client.stream("POST", f"{engine.url}{SERVICE}/Watch", content=body, headers=sent) for _ in range(12)]
        for stream in streams:
            assert next(stream.__enter__().iter_raw())
        assert call(engine, "Get", frame(pb.GetRequest(id=7))).status[0] == "0"
        for stream in streams:
            stream.__exit__(None, None, None)
    wait_until(lambda: engine.output.count("WATCH ENDED") == 12, 5)


def test_sigterm_ends_idle_streams(engine: EngineProcess) -> None:
    found: list[Answer] = []
    watch = threading.Thread(target=lambda: found.append(call(engine, "Watch", frame(pb.WatchRequest(user="idle")))))
    watch.start()
    time.sleep(0.3)
    engine.tell(signal.SIGTERM)
    watch.join(5)
    assert found[0].status == ("14", "service unavailable: the server is stopping")
    assert engine.process.wait(8) == 0


def test_other_origins_as_configured(engine: EngineProcess) -> None:
    asked = {
        "origin": ORIGIN, "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-grpc-web,x-user-agent,grpc-timeout,authorization",
    }  # fmt: skip
    answer = httpx.options(f"{engine.url}{SERVICE}/Get", headers=asked, trust_env=False)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-headers"] == asked["access-control-request-headers"]
    assert answer.headers["access-control-max-age"] == "600"
    for number, status in ((7, "0"), (404, "5")):
        real = call(engine, "Get", frame(pb.GetRequest(id=number)), origin=ORIGIN)
        assert real.status[0] == status
        assert real.http.headers["access-control-allow-origin"] == ORIGIN
        assert "grpc-status-details-bin" in real.http.headers["access-control-expose-headers"]
    assert (
        "x-total"
        in call(engine, "Get", frame(pb.GetRequest()), origin=ORIGIN).http.headers["access-control-expose-headers"]
    )
    stranger = call(engine, "Get", frame(pb.GetRequest(id=7)), origin="https://evil.example")
    assert stranger.status[0] == "7"
    assert "access-control-allow-origin" not in stranger.http.headers
    refused = httpx.options(
        f"{engine.url}{SERVICE}/Get", headers={**asked, "origin": "https://evil.example"}, trust_env=False
    )
    assert refused.status_code == 403


@pytest.mark.row("12.22")
def test_grpc_itself_on_the_http_port_is_told_where_to_go(engine: EngineProcess) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{engine.port}") as channel, pytest.raises(grpc.RpcError) as failure:
        channel.unary_unary(f"{SERVICE}/Get", bytes, bytes)(b"", timeout=10)
    error: Any = failure.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "gRPC port" in error.details()


def test_what_is_no_grpc_web(engine: EngineProcess) -> None:
    answer = httpx.post(f"{engine.url}{SERVICE}/Watch", json={}, trust_env=False)
    assert (answer.status_code, answer.text) == (415, "application/grpc-web is expected\n")
