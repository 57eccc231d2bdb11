"""gRPC to upstreams, against the official health service."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from atila.alias import PROTO_HTTP, PROTO_HTTPS
from atila.config import default_config
from atila.errors import HTTPError, SettingError
from atila.platform import LocalPlatform
from atila.upstream.calls import Calls
from atila.upstream.grpc import Grpc
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_TIMEOUT
from tests.servers.upstream import free_port
from tests.serving.certificates import Authority
from tests.serving.route_guide import write_guide

READY = health_pb2.HealthCheckRequest(service="ready")


class Health(health.HealthServicer):
    """The official service; it keeps the metadata of calls, and is slow when asked for "slow"."""

    def __init__(self) -> None:
        super().__init__()
        self.set("ready", health_pb2.HealthCheckResponse.SERVING)
        self.metadata: list[dict[str, Any]] = []

    def Check(self, request: Any, context: Any) -> Any:
        self.metadata.append(dict(context.invocation_metadata()))
        if request.service == "slow":
            time.sleep(0.5)
        return super().Check(request, context)


def serve(servicer: Health, credentials: grpc.ServerCredentials | None = None) -> tuple[grpc.Server, int]:
    server = grpc.server(ThreadPoolExecutor(4))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    server.start()
    return server, port


@pytest.fixture
def servicer() -> Health:
    return Health()


@pytest.fixture
def port(servicer: Health) -> Iterator[int]:
    server, port = serve(servicer)
    yield port
    server.stop(None)


class Guide:
    """The route guide of gRPC's tutorials on grpcio's own server: two features, and routes that are counted."""

    def __init__(self, folder: Path) -> None:
        self.pb = write_guide(folder)
        self._server = grpc.server(ThreadPoolExecutor(4))
        sys.modules["route_guide_pb2_grpc"].add_RouteGuideServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None)

    def ListFeatures(self, request: Any, context: Any) -> Iterator[Any]:
        return (self.pb.Feature(name=name) for name in ("one", "two"))

    def RecordRoute(self, points: Iterator[Any], context: Any) -> Any:
        return self.pb.RouteSummary(point_count=len(list(points)))

    GetFeature = RouteChat = None  # nobody calls these


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[Guide]:
    guide = Guide(tmp_path)
    yield guide
    guide.stop()


@pytest.fixture
def call(platform: LocalPlatform) -> Grpc:
    return Grpc(Calls.of(platform, default_config()))


@pytest.mark.row("11.16", "11.27")
def test_every_server_and_the_next_one_when_one_is_down(platform: LocalPlatform, call: Grpc, port: int) -> None:
    platform.alias("@health", PROTO_HTTP, [f"127.0.0.1:{free_port()} 9", f"127.0.0.1:{port}"])
    stub = call("@health/grpc.health.v1.Health")
    assert [stub.Check(READY).fetch().status for _ in range(3)] == [1, 1, 1]
    replies = call.map("@health/grpc.health.v1.Health").Check(READY).dispatch()
    assert [reply.status for reply in replies] == [STA_NETERR, STA_NORMAL]


@pytest.mark.row("11.2", "11.16")
def test_metadata_go_along(call: Grpc, port: int, servicer: Health) -> None:
    stub = call(f"127.0.0.1:{port}/grpc.health.v1.Health", {"X-Mine": "yes"}, auth="token")
    stub.Check(READY).fetch()
    stub.Check(READY).fetch()
    first, second = servicer.metadata
    assert (first["x-mine"], first["authorization"]) == ("yes", "Bearer token")
    assert first["x-gtxn-id"] == second["x-gtxn-id"]
    assert (first["x-ltxn-id"], second["x-ltxn-id"]) == ("1000", "1001")


def test_what_goes_wrong(call: Grpc, port: int) -> None:
    stub = call(f"127.0.0.1:{port}/grpc.health.v1.Health", timeout=0.2)
    late = stub.Check(health_pb2.HealthCheckRequest(service="slow")).dispatch()
    assert (late.status, late.status_code) == (STA_TIMEOUT, 702)
    unknown = stub.Check(health_pb2.HealthCheckRequest(service="other"))
    with pytest.raises(HTTPError, match="404"):
        unknown.fetch()
    away = call(f"127.0.0.1:{free_port()}/grpc.health.v1.Health").Check(READY)
    with pytest.raises(HTTPError, match="502"):
        away.fetch()
    with pytest.raises(AttributeError, match="has a method"):
        stub.Nonsense(READY)
    with pytest.raises(SettingError, match="no alias"):
        call("@none/grpc.health.v1.Health")


def test_a_stream_that_breaks_off(call: Grpc, port: int) -> None:
    watched = call(f"127.0.0.1:{port}/grpc.health.v1.Health", timeout=0.3).Watch(READY)
    with pytest.raises(HTTPError, match="504"):
        watched.fetch()
    watched.cancel()


def test_a_stream_in_an_async_handler_read_to_its_end_or_left(call: Grpc, guide: Guide) -> None:
    async def handler() -> list[list[str]]:
        stub = call(f"127.0.0.1:{guide.port}/routeguide.RouteGuide")
        every = [feature.name async for feature in stub.ListFeatures(guide.pb.Rectangle())]
        left = stub.ListFeatures(guide.pb.Rectangle())
        async with aclosing(aiter(left)) as features:
            first = [(await anext(features)).name]
        with pytest.raises(HTTPError):
            left.fetch()
        return [every, first]

    assert asyncio.run(handler()) == [["one", "two"], ["one"]]


def test_a_stream_of_messages_is_sent_to_one_server_once(platform: LocalPlatform, call: Grpc, guide: Guide) -> None:
    points = (guide.pb.Point(latitude=number) for number in range(3))
    platform.alias("@guide", PROTO_HTTP, [f"127.0.0.1:{free_port()} 9", f"127.0.0.1:{guide.port}"])
    stub = call("@guide/routeguide.RouteGuide")
    assert stub.RecordRoute(iter([])).dispatch().status == STA_NETERR  # not taken to the next one
    assert stub.RecordRoute(points).fetch().point_count == 3


def test_tls_with_certificates_of_both_sides(
    platform: LocalPlatform, call: Grpc, servicer: Health, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    ours, theirs = authority.issue("us"), authority.issue("localhost")
    root = authority.certificate.read_bytes()
    server, port = serve(servicer, grpc.ssl_server_credentials([(theirs.private, theirs.chain)], root, True))
    members = f"localhost:{port}?ca={authority.certificate}"
    platform.alias("@known", PROTO_HTTPS, f"{members}&cert={ours.certificate}&key={ours.key}")
    platform.alias("@unknown", PROTO_HTTPS, members)
    assert call("@known/grpc.health.v1.Health").Check(READY).fetch().status == 1
    assert call("@unknown/grpc.health.v1.Health").Check(READY).dispatch().status == STA_NETERR
    server.stop(None)
