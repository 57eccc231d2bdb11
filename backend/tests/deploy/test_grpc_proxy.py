"""All four kinds of gRPC calls through a real nginx: grpc_pass, TLS before it, two workers behind it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.serving.engine_process import EngineProcess, free_ports
from tests.serving.route_guide import ASYNC_GUIDE, PLAIN_GUIDE, features, guide_stub, write_guide

from .web_server import WebServer, make_certificate

SITE = """
server {{
    listen 127.0.0.1:{port} ssl http2;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    client_max_body_size 0;
    location / {{
        grpc_pass grpc://127.0.0.1:{grpc};
    }}
}}
"""


@pytest.fixture(params=["plain", "async"])
def guide(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """The messages' module, and a stub whose calls go through nginx."""
    pb = write_guide(tmp_path)
    certificate = make_certificate(tmp_path)
    engine = EngineProcess(tmp_path, PLAIN_GUIDE if request.param == "plain" else ASYNC_GUIDE, workers=2)
    port = free_ports()
    nginx = WebServer(tmp_path, SITE.format(port=port, folder=tmp_path, grpc=engine.port + 1))
    try:
        engine.ready()
        nginx.start()
        credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(f"localhost:{port}", credentials, [("grpc.enable_http_proxy", 0)]) as channel:
            yield pb, guide_stub(channel)
    finally:
        nginx.stop()
        engine.end()


@pytest.mark.row("12.22")
def test_four_kinds_of_calls_through_nginx(guide: tuple[Any, Any]) -> None:
    pb, stub = guide
    places = [pb.Point(**each["location"]) for each in features()]
    assert stub.GetFeature(places[7], timeout=20).name == features()[7]["name"]
    everywhere = pb.Rectangle(
        lo=pb.Point(latitude=400_000_000, longitude=-750_000_000),
        hi=pb.Point(latitude=420_000_000, longitude=-730_000_000),
    )
    assert len(list(stub.ListFeatures(everywhere, timeout=20))) == 100
    assert stub.RecordRoute(iter(places), timeout=20).feature_count == 100

    more = threading.Event()

    def talk() -> Iterator[Any]:
        yield pb.RouteNote(message="one", location=places[0])
        yield pb.RouteNote(message="two", location=places[0])
        assert more.wait(10)
        yield pb.RouteNote(message="three", location=places[0])

    chat = stub.RouteChat(talk(), timeout=20)
    assert next(chat).message == "one"
    more.set()
    assert [note.message for note in chat] == ["one", "two"]
