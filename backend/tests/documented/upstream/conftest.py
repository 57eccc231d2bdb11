"""An app that knows a server, and a server of remote methods."""

from __future__ import annotations

import threading
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import pytest

from atila import Atila
from atila.alias import PROTO_HTTP
from tests.servers.upstream import Upstream


@pytest.fixture
def app(upstream: Upstream) -> Atila:
    """An app that knows a server by a name."""
    app = Atila("tests")
    app.alias("@shop", PROTO_HTTP, upstream.address)
    return app


@pytest.fixture
def books() -> Any:
    """The standard library's XML-RPC server."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True) as server:
        server.register_introspection_functions()
        server.register_function(lambda *values: list(values), "echo")
        server.register_function(lambda a, b: a // b, "divide")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
