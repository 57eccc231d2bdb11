"""Watching photos over gRPC: changes made over any protocol arrive, in order, until the client cancels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import grpc
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub
from tests.app.pictures import picture
from tests.contract.conftest import Surfaces
from tests.contract.product import Product
from tests.contract.surfaces import Grpc, Surface, plain

CREATED, UPDATED, DELETED = pb.PhotoChange.KIND_CREATED, pb.PhotoChange.KIND_UPDATED, pb.PhotoChange.KIND_DELETED


def watch(surfaces: Surfaces, name: str, user: int | str) -> Any:
    surface = surfaces(name)["gRPC"]
    assert isinstance(surface, Grpc)
    return surface.stub.Watch(pb.WatchRequest(user=str(user)), metadata=surface.metadata, timeout=30)


def begin(surface: Surface, stream: Iterator[pb.PhotoChange]) -> None:
    """Makes sure that the watch has begun: changes a photo until a change arrives."""
    photo_id = surface.create("me", "a.jpg", picture(), "before", "")["id"]
    time.sleep(0.3)  # seconds; the stream is open long before
    surface.delete("me", photo_id)
    while next(stream).kind != DELETED:
        pass


def test_changes_of_all_protocols_arrive_in_order(surfaces: Surfaces, product: Product) -> None:
    uma, ben = surfaces("uma"), surfaces("ben")
    own, staffs = watch(surfaces, "uma", "me"), watch(surfaces, "sam", product.people["uma"].id)
    for stream in (own, staffs):
        begin(uma["REST"], stream)
    ben["REST"].create("me", "a.jpg", picture(), "not uma's", "")
    photo = uma["REST"].create("me", "a.jpg", picture(), "one", "")
    changed = uma["XML-RPC"].update("me", photo["id"], {"title": "two"})
    uma["gRPC"].delete("me", photo["id"])
    expected = [(CREATED, photo), (UPDATED, changed), (DELETED, changed)]
    for stream in (own, staffs):
        changes = (change for change in stream if change.photo.title != "before")
        assert [(change.kind, plain(change.photo)) for change in islice(changes, 3)] == expected
        stream.cancel()


@pytest.mark.parametrize(
    ("name", "user", "code"),
    [
        (None, "me", grpc.StatusCode.UNAUTHENTICATED),
        ("ben", "uma", grpc.StatusCode.PERMISSION_DENIED),
        ("sam", "999999", grpc.StatusCode.NOT_FOUND),
    ],
)
def test_a_watch_is_refused_as_every_call_is(
    surfaces: Surfaces, product: Product, name: str | None, user: str, code: grpc.StatusCode
) -> None:
    surface = surfaces(name)["gRPC"]
    assert isinstance(surface, Grpc)
    uid = str(product.people[user].id) if user in product.people else user
    with pytest.raises(grpc.RpcError) as raised:
        next(surface.stub.Watch(pb.WatchRequest(user=uid), metadata=surface.metadata, timeout=10))
    assert raised.value.code() is code


def test_changes_of_all_protocols_arrive_over_a_websocket(surfaces: Surfaces, product: Product) -> None:
    uma = surfaces("uma")
    url = f"{product.url.replace('http', 'ws', 1)}/api/v1/users/{{}}/photos/changes"
    own, staffs = ([Subprotocol("bearer"), Subprotocol(product.token(name))] for name in ("uma", "sam"))
    with (
        connect(url.format("me"), subprotocols=own, proxy=None) as first,
        connect(url.format(product.people["uma"].id), subprotocols=staffs, proxy=None) as second,
    ):
        photo = uma["JSON-RPC"].create("me", "a.jpg", picture(), "one", "")
        changed = uma["XML-RPC"].update("me", photo["id"], {"title": "two"})
        uma["gRPC"].delete("me", photo["id"])
        for connection in (first, second):
            told = [json.loads(connection.recv(10)) for _ in range(3)]
            assert [(each["kind"], each["photo"]["title"]) for each in told] == [
                ("created", "one"), ("updated", "two"), ("deleted", changed["title"]),
            ]  # fmt: skip


def test_a_cancelled_watch_ends_on_the_server_too(surfaces: Surfaces, product: Product) -> None:
    def ended() -> int:
        return sum("the-watcher" in line for line in product.log_lines)

    options = [("grpc.primary_user_agent", "the-watcher")]
    metadata = [("authorization", f"Bearer {product.token('uma')}")]
    with grpc.insecure_channel(product.grpc_target, options=options) as channel:
        stub: Any = PhotoServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
        streams = [stub.Watch(pb.WatchRequest(user="me"), metadata=metadata, timeout=30) for _ in range(3)]
        for stream in streams:
            begin(surfaces("uma")["REST"], stream)
        assert ended() == 0
        for stream in streams:
            stream.cancel()
        assert within(5, lambda: ended() == 3), product.log_lines[-10:]


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def test_there_may_be_more_watchers_than_threads(surfaces: Surfaces) -> None:
    streams = [watch(surfaces, "uma", "me") for _ in range(80)]
    for stream in streams:
        stream.initial_metadata()
    begin(surfaces("uma")["gRPC"], streams[0])
    photo_id = surfaces("uma")["REST"].create("me", "a.jpg", picture(), "seen by all", "")["id"]
    for stream in streams:
        assert any(change.photo.id == photo_id for change in islice(stream, 5))
        stream.cancel()
