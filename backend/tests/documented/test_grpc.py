"""gRPC as documented: methods by their descriptor, kinds of calls, statuses, what a handler knows of its call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from atila import Atila, HTTPError, Was
from contracts.photos.v1 import photos_pb2 as pb

SERVICE = "/contracts.photos.v1.PhotoService"


@pytest.mark.row("12.21")
def test_a_module_mounted_at_a_service_serves_its_methods(app: Atila) -> None:
    @app.route("/Get")
    def get(was: Was, request: pb.GetRequest) -> pb.Photo:
        return pb.Photo(id=request.id, title=request.user)

    @app.route("/List")
    async def listed(was: Was, request: pb.ListRequest) -> Any:
        await asyncio.sleep(0)
        return was.API(total=7)

    with app.test_client(SERVICE) as client:
        stub = client.grpc(SERVICE)
        assert stub.Get(pb.GetRequest(id=7, user="me")) == pb.Photo(id=7, title="me")
        assert stub.List(pb.ListRequest()).total == 7
        with pytest.raises(AttributeError, match=r"no imported \*_pb2 module has a method"):
            _ = stub.Nothing


@pytest.mark.row("12.21", "12.25")
def test_a_method_without_a_route_is_not_implemented(app: Atila) -> None:
    app.route("/Get")(lambda was, request: pb.Photo())
    with app.test_client(SERVICE) as client, pytest.raises(HTTPError) as caught:
        client.grpc(SERVICE).Update(pb.UpdateRequest())
    assert caught.value.status.code == 501


@pytest.mark.row("12.23")
@pytest.mark.parametrize("kind", ["generator", "iterator", "async generator", "async def that returns one"])
def test_a_stream_of_answers(app: Atila, kind: str) -> None:
    def changes() -> Iterator[pb.PhotoChange | None]:
        for number in range(3):
            yield pb.PhotoChange(photo=pb.Photo(id=number))
            yield None  # nothing to say for a while

    async def late_changes() -> AsyncIterator[pb.PhotoChange | None]:
        for change in changes():
            await asyncio.sleep(0)
            yield change

    def generator(was: Was, request: pb.WatchRequest) -> Iterator[pb.PhotoChange | None]:
        yield from changes()

    async def late_generator(was: Was, request: pb.WatchRequest) -> AsyncIterator[pb.PhotoChange | None]:
        async for change in late_changes():
            yield change

    async def coroutine(was: Was, request: pb.WatchRequest) -> AsyncIterator[pb.PhotoChange | None]:
        return late_changes()

    handlers: dict[str, Any] = {
        "generator": generator,
        "iterator": lambda was, request: iter([*changes()]),
        "async generator": late_generator,
        "async def that returns one": coroutine,
    }
    app.route("/Watch")(handlers[kind])
    with app.test_client(SERVICE) as client:
        found = client.grpc(SERVICE).Watch(pb.WatchRequest())
        assert [change.photo.id for change in found] == [0, 1, 2]


@pytest.mark.row("12.25")
def test_an_error_has_the_status_of_its_code_or_of_its_reason() -> None:
    from atila.rpc.grpc_status import HTTP_STATUSES, http_status, rich_status, status_name, status_number

    for line, name in (
        ("404 Not Found", "NOT_FOUND"), ("409 Conflict", "ABORTED"), ("409 Already Exists", "ALREADY_EXISTS"),
        ("400 Failed Precondition", "FAILED_PRECONDITION"), ("400 Out of Range", "OUT_OF_RANGE"),
        ("500 Data Loss", "DATA_LOSS"), ("500 Unknown", "UNKNOWN"), ("404 Data Loss", "NOT_FOUND"),
        ("599", "INTERNAL"), ("499", "CANCELLED"), ("200 OK", "FAILED_PRECONDITION"),
    ):  # fmt: skip
        assert status_name(HTTPError(line)) == name, line
    assert {http_status(status_number(name)) for name in HTTP_STATUSES} == set(HTTP_STATUSES.values())
    assert http_status(99) == 500
    assert b"retry" not in rich_status(HTTPError(503, headers=[("Retry-After", "tomorrow")]), "a.B", "1").lower()


@pytest.mark.row("12.21")
def test_what_a_handler_knows_of_its_call(app: Atila) -> None:
    told: list[Any] = []

    @app.route("/Get")
    def get(was: Was, request: pb.GetRequest) -> pb.Photo:
        call = was.request.call
        told.extend([call.time_left(), call.cancelled, call.stopping, list(call.identities)])
        call.add_trailer("Cost", 5)
        told.append(call.trailers)
        for name, value in (("cost", "a\r\nb"), ("cost", "a\tb"), ("cost", "5 €"), ("cost!", "5"), ("", "5")):
            with pytest.raises(ValueError, match=r"metadata is printable ASCII.* not '.*': '"):
                call.add_trailer(name, value)
        with pytest.raises(ValueError, match="base64"):
            call.add_trailer("cost-bin", "%%%")
        return pb.Photo(title=was.request.get_header("x-tenant") or "")

    with app.test_client(SERVICE) as client:
        assert client.grpc(SERVICE, **{"x-tenant": "blue"}).Get(pb.GetRequest()).title == "blue"
    assert told == [None, False, False, [], [("cost", "5")]]
