"""JSON-RPC as a client that others wrote speaks it: jsonrpclib-pelix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonrpclib
import pytest
from jsonrpclib.config import Config

from tests.interop.test_xmlrpc import EXPECTED, SENT
from tests.serving.engine_process import EngineProcess


@pytest.fixture(params=["application/json-rpc", "application/json"])
def server(engine: EngineProcess, request: pytest.FixtureRequest) -> Iterator[Any]:
    server = jsonrpclib.ServerProxy(f"{engine.url}/rpc2", config=Config(version=2.0, content_type=request.param))
    yield server
    server("close")()


@pytest.mark.row("12.20")
def test_calls_by_place_and_by_name(server: Any) -> None:
    for name, arguments in SENT.items():
        assert getattr(server.validator1, name)(*arguments) == EXPECTED[name]
    assert server.validator1.simpleStructReturnTest(number=2) == {"times10": 20, "times100": 200, "times1000": 2000}
    assert "validator1.nothing" in server.system.listMethods()


@pytest.mark.row("12.20")
def test_errors_notifications_and_batches(server: Any) -> None:
    with pytest.raises(jsonrpclib.ProtocolError, match="conflict") as caught:
        server.validator1.refuse("luck")
    assert caught.value.args[0][0] == 409
    with pytest.raises(jsonrpclib.ProtocolError, match="Method not found"):
        server.validator1.none()
    assert server._notify.validator1.nothing(1) is None
    batch = jsonrpclib.MultiCall(server)
    batch.validator1.nothing("a")
    batch._notify.validator1.nothing("b")
    batch.validator1.easyStructTest({"moe": 1, "larry": 2, "curly": 3})
    assert list(batch()) == ["a", 6]
