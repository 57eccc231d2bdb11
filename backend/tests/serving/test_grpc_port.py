"""The gRPC port itself: TLS and mutual TLS, clients that vanish, health, reflection."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .certificates import Authority
from .conftest import Start
from .engine_process import EngineProcess, wait_until

SERVICE = "contracts.photos.v1.PhotoService"
APP = f"""
from contracts.photos.v1 import photos_pb2 as pb

@app.route("/Get")
def Get(was, request: pb.GetRequest):
    time.sleep(request.id / 1000)
    return pb.Photo(id=os.getpid(), title=" ".join(was.request.call.identities) + was.request.scheme)

@app.route("/Watch")
async def Watch(was, request: pb.WatchRequest):
    try:
        yield pb.PhotoChange()
        await asyncio.sleep(30)
    finally:
        print("WATCH ENDED", flush=True)

@app.route("/page")
def page(was):
    return "page"

skitai.mount("/{SERVICE}", app)
"""


def photo_service(channel: grpc.Channel) -> Any:
    make: Any = PhotoServiceStub  # generated without types
    return make(channel)


def standard(make: Any, channel: grpc.Channel) -> Any:
    return make(channel)


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def trusting(authority: Authority, engine: EngineProcess, **pair: bytes) -> grpc.Channel:
    credentials = grpc.ssl_channel_credentials(authority.certificate.read_bytes(), **pair)
    return grpc.secure_channel(f"127.0.0.1:{engine.port + 1}", credentials)


@pytest.mark.parametrize("password", [None, "open sesame"])
def test_tls_on_both_ports(start: Start, authority: Authority, password: str | None) -> None:
    server = authority.issue("server", password)
    engine = start(APP, certificate=str(server.certificate), key=str(server.key), key_password=password)
    trust = ssl.create_default_context(cafile=authority.certificate)
    page = f"https://127.0.0.1:{engine.port}/{SERVICE}/page"
    assert httpx.get(page, verify=trust, trust_env=False).text == "page"
    assert f"grpcs://127.0.0.1:{engine.port + 1}" in engine.output
    with trusting(authority, engine) as channel:
        assert photo_service(channel).Get(pb.GetRequest(), timeout=20).title == "https"
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel, pytest.raises(grpc.RpcError) as failure:
        photo_service(channel).Get(pb.GetRequest(), timeout=20)
    error: Any = failure.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert engine.stop() == 0


def test_mutual_tls_on_both_ports(start: Start, authority: Authority, tmp_path: Path) -> None:
    server, client = authority.issue("server"), authority.issue("client.example")
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other", "strangers").issue("client.example")
    files = {"certificate": str(server.certificate), "key": str(server.key), "client_ca": str(authority.certificate)}
    engine = start(APP, **files)
    mine = {"private_key": client.private, "certificate_chain": client.chain}
    with trusting(authority, engine, **mine) as channel:
        title = photo_service(channel).Get(pb.GetRequest(), timeout=20).title
        assert title.startswith("client.example")
        assert title.endswith("https")
    for pair in ({}, {"private_key": stranger.private, "certificate_chain": stranger.chain}):
        with trusting(authority, engine, **pair) as channel, pytest.raises(grpc.RpcError) as failure:
            photo_service(channel).Get(pb.GetRequest(), timeout=20)
        error: Any = failure.value
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    trust = ssl.create_default_context(cafile=authority.certificate)
    page = f"https://127.0.0.1:{engine.port}/{SERVICE}/page"
    with pytest.raises(httpx.TransportError):
        httpx.get(page, verify=trust, trust_env=False)
    trust.load_cert_chain(client.certificate, client.key)
    assert httpx.get(page, verify=trust, trust_env=False).text == "page"


def test_a_password_that_does_not_open_the_key_is_one_sentence(start: Start, authority: Authority) -> None:
    server = authority.issue("server", "right")
    files = {"certificate": str(server.certificate), "key": str(server.key), "key_password": "wrong"}
    engine = start(APP, ready=False, **files)
    assert engine.process.wait(20) == 1
    assert f"key_password does not open {server.key}" in engine.output
    assert "Traceback" not in engine.output


# clients that vanish


class Gate(threading.Thread):
    """Passes bytes between one client and the server until it is shut: then both hear nothing at all."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = threading.Event()
        self.open.set()

    def run(self) -> None:
        with self.listener:
            client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.target))
        pairs = ((client, server), (server, client))
        for source, sink in pairs:
            threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source:
            while data := source.recv(65536):
                if self.open.is_set():
                    sink.sendall(data)


def test_a_client_that_vanished_is_noticed(start: Start) -> None:
    engine = start(APP, grpc_keepalive=0.3, grpc_keepalive_timeout=0.3)
    gate = Gate(engine.port + 1)
    gate.start()
    with grpc.insecure_channel(f"127.0.0.1:{gate.port}") as channel:
        watch = photo_service(channel).Watch(pb.WatchRequest(), timeout=30)
        next(watch)
        time.sleep(1)
        assert "WATCH ENDED" not in engine.output  # it answers the pings
        gate.open.clear()
        wait_until(lambda: "WATCH ENDED" in engine.output, 5)


def test_a_client_may_ask_often_whether_we_are_there(start: Start) -> None:
    engine = start(APP)
    options = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_permit_without_calls", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}", options=options) as channel:
        assert photo_service(channel).Get(pb.GetRequest(), timeout=20).id


def test_connections_of_a_certain_age_are_made_anew(start: Start) -> None:
    engine = start(APP, grpc_max_age=0.2)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        for _ in range(12):
            assert photo_service(channel).Get(pb.GetRequest(id=50), timeout=20).id


# health and reflection


@pytest.fixture
def channel(start: Start) -> Iterator[grpc.Channel]:
    engine = start(APP)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        yield channel


def test_health(start: Start) -> None:
    engine = start(APP)
    serving, unknown = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        stub = standard(health_pb2_grpc.HealthStub, channel)
        for service in ("", SERVICE):
            assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20).status == serving
        with pytest.raises(grpc.RpcError) as failure:
            stub.Check(health_pb2.HealthCheckRequest(service="no.Service"), timeout=20)
        error: Any = failure.value
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert next(stub.Watch(health_pb2.HealthCheckRequest(service="no.Service"), timeout=20)).status == unknown
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert next(watch).status == serving
        engine.tell(signal.SIGTERM)
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
    assert engine.process.wait(10) == 0


def test_reflection(channel: grpc.Channel) -> None:
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    service = pool.FindServiceByName(SERVICE)
    assert {method.name for method in service.methods} >= {"Get", "Watch"}
    assert pool.FindMessageTypeByName("contracts.photos.v1.Photo").fields_by_name["title"].number == 3
    stub = standard(reflection_pb2_grpc.ServerReflectionStub, channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([asked]), timeout=20)
    names = {each.name for each in answer.list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


def test_reflection_may_be_off(start: Start) -> None:
    engine = start(APP, grpc_reflection=False)
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        stub = standard(reflection_pb2_grpc.ServerReflectionStub, channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        with pytest.raises(grpc.RpcError) as failure:
            list(stub.ServerReflectionInfo(iter([asked]), timeout=20))
    error: Any = failure.value
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_service_of_an_app_at_a_host_of_its_own(start: Start) -> None:
    engine = start(
        APP.replace(f'skitai.mount("/{SERVICE}", app)', f'skitai.mount("/{SERVICE}", app, host="api.example")')
    )
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        assert photo_service(channel).Get(pb.GetRequest(), timeout=20).id
        for path in (f"/{SERVICE}/page", f"/{SERVICE}/List", "/google.longrunning.Operations/GetOperation"):
            with pytest.raises(grpc.RpcError) as failure:
                channel.unary_unary(path, bytes, bytes)(b"", timeout=20)
            error: Any = failure.value
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED
