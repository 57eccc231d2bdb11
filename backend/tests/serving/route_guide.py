"""The route guide of gRPC's tutorials: its messages, a hundred features, and it served by plain and async handlers."""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from typing import Any

PROTOS = Path(__file__).parents[1] / "protos"
SERVICE = "/routeguide.RouteGuide"

HEAD = """
import json, math
import route_guide_pb2 as pb

FEATURES = [
    pb.Feature(name=each["name"], location=pb.Point(**each["location"]))
    for each in json.load(open("route_guide_db.json"))
]

def feature_at(point):
    return next((each for each in FEATURES if each.location == point), None)

def inside(point, area):
    return (
        area.lo.latitude <= point.latitude <= area.hi.latitude
        and area.lo.longitude <= point.longitude <= area.hi.longitude
    )

def metres(one, other):
    lat1, lon1, lat2, lon2 = (
        math.radians(value / 1e7) for value in (one.latitude, one.longitude, other.latitude, other.longitude)
    )
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 6371000 * 2 * math.asin(math.sqrt(half))

class Tour:
    def __init__(self):
        self.points = self.features = 0
        self.distance = 0.0
        self.last = None
        self.started = time.monotonic()

    def visit(self, point):
        self.points += 1
        self.features += feature_at(point) is not None
        self.distance += metres(self.last, point) if self.last else 0
        self.last = point

    def summary(self):
        return pb.RouteSummary(
            point_count=self.points, feature_count=self.features, distance=round(self.distance),
            elapsed_time=int(time.monotonic() - self.started),
        )
"""
PLAIN = """
@app.route("/GetFeature")
def GetFeature(was, point: pb.Point):
    return feature_at(point) or pb.Feature(location=point)

@app.route("/ListFeatures")
def ListFeatures(was, area: pb.Rectangle):
    for feature in FEATURES:
        if inside(feature.location, area):
            yield feature

@app.route("/RecordRoute")
def RecordRoute(was, points):
    tour = Tour()
    for point in points:
        tour.visit(point)
    return tour.summary()

@app.route("/RouteChat")
def RouteChat(was, notes):
    seen = []
    for note in notes:
        yield from [earlier for earlier in seen if earlier.location == note.location]
        seen.append(note)
"""
ASYNC = """
@app.route("/GetFeature")
async def GetFeature(was, point: pb.Point):
    await asyncio.sleep(0)
    return feature_at(point) or pb.Feature(location=point)

@app.route("/ListFeatures")
async def ListFeatures(was, area: pb.Rectangle):
    for feature in FEATURES:
        if inside(feature.location, area):
            await asyncio.sleep(0)
            yield feature

@app.route("/RecordRoute")
async def RecordRoute(was, points):
    tour = Tour()
    async for point in points:
        tour.visit(point)
    return tour.summary()

@app.route("/RouteChat")
async def RouteChat(was, notes):
    seen = []
    async for note in notes:
        for earlier in [earlier for earlier in seen if earlier.location == note.location]:
            yield earlier
        seen.append(note)
"""
MOUNT = f'\nskitai.mount("{SERVICE}", app)\n'
PLAIN_GUIDE, ASYNC_GUIDE = HEAD + PLAIN + MOUNT, HEAD + ASYNC + MOUNT


def features(count: int = 100) -> list[dict[str, Any]]:
    """Return features as the example's database has them; some places have none, and so no name."""
    chance = random.Random(20150226)
    return [
        {
            "location": {
                "latitude": chance.randrange(400_000_000, 420_000_000),
                "longitude": chance.randrange(-750_000_000, -730_000_000),
            },
            "name": "" if number % 10 == 9 else f"{number + 1} {chance.choice(ROADS)}, {chance.choice(TOWNS)}, NJ, USA",
        }
        for number in range(count)
    ]


ROADS = ("Mill Lane", "Station Road", "Orchard Street", "Lake Avenue", "Ridge Drive")
TOWNS = ("Millbrook", "Newfield", "Eastham", "Harbor Point", "Stonebridge")


def write_guide(folder: Path) -> Any:
    """Write the messages' modules and the features into a folder where an engine runs; return the messages' module.

    A process can load them once only, for protobuf keeps what it knows; the modules of all folders are the same.
    """
    from grpc_tools import protoc

    words = ["protoc", f"-I{PROTOS}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    assert protoc.main([*words, str(PROTOS / "route_guide.proto")]) == 0
    (folder / "route_guide_db.json").write_text(json.dumps(features()))
    if "route_guide_pb2_grpc" not in sys.modules:
        sys.path.insert(0, str(folder))
        try:
            importlib.import_module("route_guide_pb2_grpc")
        finally:
            sys.path.remove(str(folder))
    return sys.modules["route_guide_pb2"]


def guide_stub(channel: Any) -> Any:
    """Return the generated stub of a channel."""
    return sys.modules["route_guide_pb2_grpc"].RouteGuideStub(channel)
