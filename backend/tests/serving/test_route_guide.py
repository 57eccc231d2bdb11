"""The route guide end to end: all four kinds of methods, by plain and by async handlers, with gRPC's own client."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from .conftest import Start
from .engine_process import EngineProcess
from .route_guide import ASYNC_GUIDE, PLAIN_GUIDE, features, guide_stub, write_guide


@dataclass(frozen=True)
class Guide:
    """A served guide, and a client of it. Lives as long as the test."""

    engine: EngineProcess
    stub: Any
    pb: Any

    def point(self, number: int) -> Any:
        return self.pb.Point(**features()[number]["location"])


@pytest.fixture(params=["plain", "async"])
def guide(start: Start, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Guide]:
    pb = write_guide(tmp_path)
    engine = start(PLAIN_GUIDE if request.param == "plain" else ASYNC_GUIDE)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        yield Guide(engine, guide_stub(channel), pb)


@pytest.mark.row("12.21", "12.22", "12.23", "12.24")
def test_all_four_methods_with_real_data(guide: Guide) -> None:
    known = features()
    for number in (0, 9, 42):
        feature = guide.stub.GetFeature(guide.point(number), timeout=20)
        assert (feature.name, feature.location) == (known[number]["name"], guide.point(number))
    nowhere = guide.stub.GetFeature(guide.pb.Point(), timeout=20)
    assert nowhere == guide.pb.Feature(location=guide.pb.Point())

    low, high = (
        {"latitude": 405_000_000, "longitude": -745_000_000},
        {"latitude": 415_000_000, "longitude": -735_000_000},
    )
    area = guide.pb.Rectangle(lo=guide.pb.Point(**low), hi=guide.pb.Point(**high))
    within = [each["name"] for each in known if all(low[axis] <= each["location"][axis] <= high[axis] for axis in low)]
    assert [each.name for each in guide.stub.ListFeatures(area, timeout=20)] == within
    assert 10 < len(within) < 60

    route = [0, 1, 2, 9, 0]
    summary = guide.stub.RecordRoute(iter([*map(guide.point, route), guide.pb.Point()]), timeout=20)
    assert (summary.point_count, summary.feature_count, summary.elapsed_time) == (6, 5, 0)
    places = [known[number]["location"] for number in route] + [{"latitude": 0, "longitude": 0}]
    assert summary.distance == round(sum(map(metres, places, places[1:])))

    notes = [
        guide.pb.RouteNote(message=text, location=guide.point(place))
        for text, place in (("one", 0), ("two", 1), ("three", 0), ("four", 2), ("five", 0))
    ]
    answered = guide.stub.RouteChat(iter(notes), timeout=20)
    assert [note.message for note in answered] == ["one", "one", "three"]


@pytest.mark.row("12.24")
def test_a_chat_answers_before_the_client_has_said_everything(guide: Guide) -> None:
    more = threading.Event()

    def talk() -> Iterator[Any]:
        for text in ("one", "two"):
            yield guide.pb.RouteNote(message=text, location=guide.point(0))
        assert more.wait(10)
        yield guide.pb.RouteNote(message="three", location=guide.point(0))

    chat = guide.stub.RouteChat(talk(), timeout=20)
    assert next(chat).message == "one"
    more.set()
    assert [note.message for note in chat] == ["one", "two"]


@pytest.mark.row("12.24")
def test_many_chats_at_once(guide: Guide) -> None:
    notes = [guide.pb.RouteNote(message=str(number), location=guide.point(0)) for number in range(20)]
    chats = [guide.stub.RouteChat(iter(notes), timeout=30) for _ in range(20)]
    for chat in chats:
        assert len(list(chat)) == 190


@pytest.mark.row("12.23", "12.24")
def test_grpcios_asyncio_client(guide: Guide) -> None:
    aio: Any = grpc.aio  # the stubs do not know all of it

    async def main() -> None:
        async with aio.insecure_channel(f"127.0.0.1:{guide.engine.port + 1}") as channel:
            stub = guide_stub(channel)
            assert (await stub.GetFeature(guide.point(0), timeout=20)).name == features()[0]["name"]
            assert (await stub.RecordRoute(iter([guide.point(0)] * 3), timeout=20)).point_count == 3
            chat = stub.RouteChat(timeout=20)
            for text in ("one", "two"):
                await chat.write(guide.pb.RouteNote(message=text, location=guide.point(0)))
            assert (await chat.read()).message == "one"
            await chat.done_writing()
            assert await chat.read() is aio.EOF

    asyncio.run(main())


def metres(one: dict[str, int], other: dict[str, int]) -> float:
    """Return the distance of two places on a sphere of 6,371 km."""
    lat1, lat2 = (math.radians(each["latitude"] / 1e7) for each in (one, other))
    lon1, lon2 = (math.radians(each["longitude"] / 1e7) for each in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(half))
