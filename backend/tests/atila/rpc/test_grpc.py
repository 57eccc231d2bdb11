"""gRPC: methods by their descriptors, results as messages, streams and statuses; the wire itself is grpcio's."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from atila import API, Atila, HTTPError, Was
from atila.concurrency import adopt, drive
from atila.http.call import Call
from atila.http.request import Request
from atila.http.response import Response
from atila.rpc.descriptors import services_of
from atila.rpc.grpc import Method, find_method, messages, messages_on_loop, metadata_of
from atila.rpc.grpc_status import STATUSES, status_name, status_text
from contracts.photos.v1 import photos_pb2 as pb

SERVICE = "/contracts.photos.v1.PhotoService"


def method(name: str) -> Method:
    found = find_method(f"{SERVICE}/{name}")
    assert found is not None
    return found


GET, WATCH = method("Get"), method("Watch")


@pytest.mark.row("12.21")
def test_a_method_is_what_its_descriptor_says() -> None:
    assert (GET.request, GET.response, GET.takes_stream, GET.gives_stream) == (pb.GetRequest, pb.Photo, False, False)
    assert (WATCH.response, WATCH.takes_stream, WATCH.gives_stream) == (pb.PhotoChange, False, True)
    for path in (f"{SERVICE}/Nothing", "/contracts.photos.v1.Nothing/Get", "/Get", "/", ""):
        assert find_method(path) is None


def test_the_services_among_routes() -> None:
    rules = ["/", "/Get", f"{SERVICE}/Get", f"{SERVICE}/List", f"{SERVICE}/page", "/a/b"]
    assert services_of(rules) == [SERVICE]


@pytest.mark.row("12.21")
def test_a_message_is_read_and_a_malformed_one_is_refused() -> None:
    assert GET.read(pb.GetRequest(user="me", id=7).SerializeToString()).id == 7  # type: ignore[attr-defined]  # its own
    with pytest.raises(HTTPError, match=r"no contracts\.photos\.v1\.GetRequest") as caught:
        GET.read(b"\xff\xff")
    assert caught.value.status.code == 400


@pytest.mark.row("12.21")
@pytest.mark.parametrize("result", [pb.Photo(id=7, title="Sea"), {"id": 7, "title": "Sea"}, API(id=7, title="Sea")])
def test_a_result_is_a_message_or_its_fields(result: object) -> None:
    assert pb.Photo.FromString(GET.write(result)) == pb.Photo(id=7, title="Sea")


@pytest.mark.row("12.25")
@pytest.mark.parametrize(("result", "status", "reason"), [
    ({"colour": 1}, 500, "does not fit its message"), ({"id": "x"}, 500, "does not fit its message"),
    (pb.GetRequest(), 500, "returned GetRequest"), (None, 500, "returned NoneType"), ("text", 500, "returned str"),
    (Response().with_explain("409 Conflict", "taken"), 409, "taken"), (Response(), 500, "500"),
])  # fmt: skip
def test_a_result_that_is_no_message_is_an_error(result: object, status: int, reason: str) -> None:
    with pytest.raises(HTTPError, match=reason) as caught:
        GET.write(result)
    assert caught.value.status.code == status


@pytest.mark.row("12.25")
def test_every_http_error_has_a_status() -> None:
    import grpc

    assert {name for name in STATUSES.values() if not hasattr(grpc.StatusCode, name)} == set()
    for code, name in ((404, "NOT_FOUND"), (401, "UNAUTHENTICATED"), (418, "FAILED_PRECONDITION"), (507, "INTERNAL")):
        assert status_name(HTTPError(code)) == name
    assert status_text(HTTPError(404)) == "not found"
    assert status_text(HTTPError("404 Not Found", "no photo 7")) == "not found: no photo 7"


@pytest.fixture
def app() -> Atila:
    """A service of two methods, one of them an async one, and one that fails."""
    app = Atila("tests")
    app.root = SERVICE

    @app.route("/Get")
    def get(was: Was, request: pb.GetRequest) -> pb.Photo:
        return pb.Photo(id=request.id, title=threading.current_thread().name)

    @app.route("/List")
    async def listed(was: Was, request: pb.ListRequest) -> dict[str, int]:
        await asyncio.sleep(0)
        if not request.user:
            raise was.Error("400 Bad Request", "whose?")
        return {"total": 1}

    app.route("/Delete")(lambda was, request: 1 / 0)
    app.route("/Update", methods=["GET"])(lambda was, request: None)
    return app


def ask(app: Atila, name: str, message: Any) -> Any:
    """Call a method as a server's thread does, with a loop beside it."""

    def on_thread(loop: asyncio.AbstractEventLoop) -> Any:
        adopt(loop)
        request = Request("POST", f"{SERVICE}/{name}", version="2", wire="grpc")
        request.message, request.call = message, Call()
        job = app.resolve(request)
        assert job.perform is not None
        return drive(job.perform(request))

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, on_thread, loop)

    return asyncio.run(main())


@pytest.mark.row("12.21", "12.25")
def test_a_route_answers_on_the_calls_thread(app: Atila) -> None:
    photo = ask(app, "Get", pb.GetRequest(id=7))
    assert photo.id == 7
    assert photo.title.startswith("asyncio_")  # the executor's, in this test
    assert ask(app, "List", pb.ListRequest(user="me")) == {"total": 1}


@pytest.mark.row("12.25")
@pytest.mark.parametrize(("name", "message", "status", "detail"), [
    ("List", pb.ListRequest(), 400, "whose?"), ("Delete", pb.DeleteRequest(), 500, None), ("Create", None, 404, None),
    ("Update", None, 405, None),
])  # fmt: skip
def test_every_failure_of_a_call_is_an_http_error(
    app: Atila, name: str, message: Any, status: int, detail: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    tears: list[str] = []
    app.teardown_request(lambda was: tears.append("down"))
    with pytest.raises(HTTPError) as caught:
        ask(app, name, message)
    assert (caught.value.status.code, caught.value.detail) == (status, detail)
    assert tears == (["down"] if name in ("List", "Delete") else [])
    assert ("ZeroDivisionError" in caplog.text) is (name == "Delete")
    app.debug = True
    if name == "Delete":
        with pytest.raises(HTTPError, match="division by zero"):
            ask(app, name, message)


class Changes:
    """A source of messages that counts its closings."""

    def __init__(self, items: list[Any]) -> None:
        self.items = iter(items)
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        item = next(self.items)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.closed += 1


class LateChanges(Changes):
    """The same for a loop."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        await asyncio.sleep(0)
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self.close()


class Unclosable:
    """A source for a loop that has nothing to close."""

    def __init__(self) -> None:
        self.left = 2

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        self.left -= 1
        if self.left < 0:
            raise StopAsyncIteration
        return pb.PhotoChange()


def on_server(work: Callable[[], Any]) -> Any:
    """Run on a thread that has a loop beside it, as a server's threads have."""

    async def main() -> Any:
        loop = asyncio.get_running_loop()

        def run() -> Any:
            adopt(loop)
            return work()

        return await loop.run_in_executor(None, run)

    return asyncio.run(main())


CHANGE = pb.PhotoChange(kind=pb.PhotoChange.KIND_CREATED)


@pytest.mark.row("12.23")
@pytest.mark.parametrize("kind", [Changes, LateChanges])
def test_a_stream_gives_its_messages_and_is_closed(kind: type[Changes]) -> None:
    source, pauses = kind([CHANGE, None, {"kind": 1}, None]), []
    sent = on_server(lambda: list(messages(source, WATCH, lambda: pauses.append("pause"))))
    assert [pb.PhotoChange.FromString(data) for data in sent] == [CHANGE, CHANGE]
    assert (source.closed, pauses) == (1, ["pause", "pause"])


@pytest.mark.row("12.23")
def test_sources_that_cannot_be_closed() -> None:
    assert len(list(messages([CHANGE, CHANGE], WATCH))) == 2
    assert len(on_server(lambda: list(messages(Unclosable(), WATCH)))) == 2

    async def take(step: Callable[[], Any]) -> Any:
        return step()

    async def on_loop() -> list[bytes]:
        return [sent async for sent in messages_on_loop(Unclosable(), WATCH, take)]

    assert len(asyncio.run(on_loop())) == 2


@pytest.mark.row("12.23", "12.25")
@pytest.mark.parametrize("kind", [Changes, LateChanges])
@pytest.mark.parametrize(("error", "status"), [
    (HTTPError("404 Not Found"), 404), (LookupError("gone"), 500), (pb.Photo(), 500),
])  # fmt: skip
def test_a_stream_that_fails_is_closed_and_ends_with_a_status(
    kind: type[Changes], error: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    source = kind([CHANGE, error, CHANGE])
    sent: list[bytes] = []

    def run() -> None:
        sent.extend(messages(source, WATCH))

    with pytest.raises(HTTPError) as caught:
        on_server(run)
    assert (caught.value.status.code, len(sent), source.closed) == (status, 1, 1)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert said == ([f"{SERVICE}/Watch: the stream broke off"] if isinstance(error, LookupError) else [])


@pytest.mark.row("12.23")
@pytest.mark.parametrize("kind", [Changes, LateChanges])
def test_a_call_that_ends_early_closes_its_source(kind: type[Changes]) -> None:
    source = kind([CHANGE] * 5)

    def leave() -> None:
        stream = messages(source, WATCH)
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # a generator has it

    on_server(leave)
    assert source.closed == 1

    def stop() -> None:
        raise HTTPError("499 Client Closed")

    idle = kind([None])
    with pytest.raises(HTTPError, match="499"):
        on_server(lambda: list(messages(idle, WATCH, stop)))
    assert idle.closed == 1


@pytest.mark.row("12.25")
def test_a_stream_that_is_none_is_an_error() -> None:
    with pytest.raises(HTTPError, match="stream of messages is expected, not Photo"):
        list(messages(pb.Photo(), WATCH))


def talks() -> str:
    """Describe a service whose methods take streams; return its path."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tests/talk.proto", package="tests.talk", dependency=["contracts/photos/v1/photos.proto"], syntax="proto3"
    )
    service = file.service.add(name="Talk")
    for name, gives in (("Join", False), ("Add", False), ("Echo", True)):
        service.method.add(
            name=name, input_type=".contracts.photos.v1.GetRequest", output_type=".contracts.photos.v1.Photo",
            client_streaming=True, server_streaming=gives,
        )  # fmt: skip
    descriptor_pool.Default().Add(file)
    return "/tests.talk.Talk"


@pytest.mark.row("12.24")
def test_a_method_that_takes_a_stream_gets_an_iterator() -> None:
    path = talks()
    app = Atila("tests")

    @app.route("/Join")
    def join(was: Was, requests: Any) -> pb.Photo:
        return pb.Photo(id=sum(request.id for request in requests))

    @app.route("/Add")
    async def add(was: Was, requests: Any) -> pb.Photo:
        return pb.Photo(id=sum([request.id async for request in requests]))

    @app.route("/Echo")
    def echo(was: Was, requests: Any) -> Iterator[pb.Photo]:
        return (pb.Photo(id=request.id) for request in requests)

    with app.test_client(path) as client:
        stub = client.grpc(path)
        asked = [pb.GetRequest(id=1), pb.GetRequest(id=2)]
        assert stub.Join(iter(asked)).id == 3
        assert stub.Add(asked).id == 3
        assert [photo.id for photo in stub.Echo(asked)] == [1, 2]


def test_header_fields_as_metadata() -> None:
    fields = [
        ("x-total", "3"), ("token-bin", "AQI"), ("token-bin", "AQID"), ("x.y_z-1", " a~ "), ("odd!", "3"),
        ("tabbed", "a\tb"), ("price", "5 \xa3"), ("content-type", "text/html"), ("sec-fetch-mode", "cors"),
        ("vary", "*"),
    ]  # fmt: skip
    assert metadata_of(fields) == (
        ("x-total", "3"), ("token-bin", b"\1\2"), ("token-bin", b"\1\2\3"), ("x.y_z-1", " a~ "),
    )  # fmt: skip
    for value in ("%%%", "AQID!", "A"):
        with pytest.raises(HTTPError, match=r"metadata token-bin is base64"):
            metadata_of([("token-bin", value)])
