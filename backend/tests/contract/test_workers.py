"""The product with several workers: watchers hear of every change once, and guessing passwords is limited for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import grpc
import httpx
import pytest

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub
from tests.app.pictures import picture
from tests.contract.product import Product
from tests.contract.surfaces import Rest
from tests.contract.test_watch import begin

WATCHERS = 6  # connections: the kernel deals them out to the workers


@pytest.fixture
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("product"), workers=2)
    try:
        made.start()
        yield made
    finally:
        made.end()


def test_watchers_in_every_worker_hear_of_every_change(product: Product) -> None:
    token = product.token("uma")
    metadata = [("authorization", f"Bearer {token}")]
    with ExitStack() as opened:
        streams = []
        for _ in range(WATCHERS):
            own = opened.enter_context(
                grpc.insecure_channel(product.grpc_target, options=[("grpc.use_local_subchannel_pool", 1)])
            )
            stub: Any = PhotoServiceStub(own)  # type: ignore[no-untyped-call]  # generated
            streams.append(stub.Watch(pb.WatchRequest(user="me"), metadata=metadata, timeout=60))
        rests = [Rest(product.url, token) for _ in range(WATCHERS)]
        for rest in rests:
            opened.callback(rest.close)
        for stream in streams:
            begin(rests[0], stream)
        titles = [str(number) for number in range(WATCHERS)]
        for rest, title in zip(rests, titles, strict=True):
            rest.create("me", "a.jpg", picture(), title, "")
        for stream in streams:
            heard = (change.photo.title for change in stream if change.photo.title != "before")
            assert sorted(islice(heard, len(titles))) == titles
            stream.cancel()


def test_failed_attempts_to_sign_in_count_in_all_workers_together(product: Product) -> None:
    body = {"email": "ben@example.com", "password": "a wrong password"}
    outcomes = []
    for _ in range(12):  # each on a connection of its own, which the kernel deals out to the workers
        answer = httpx.post(f"{product.url}/api/v1/auth/sign-in", json=body, trust_env=False)
        outcomes.append(answer.status_code)
    assert outcomes == [401] * 10 + [429] * 2
    assert int(answer.headers["retry-after"]) > 0
