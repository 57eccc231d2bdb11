"""The client that the documentation shows, rs4.protocols.aquests, calls us over XML-RPC and gRPC.

Its gRPC stub sends no metadata of the caller's, so it cannot sign in: at the product it sees the refusal, and a message
comes from an app without guards.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.app.pictures import picture
from tests.contract.conftest import Surfaces
from tests.contract.product import BACKEND, Product
from tests.serving.engine_process import EngineProcess

SERVICE = "contracts.photos.v1.PhotoService"
OPEN_SERVICE = f"""
    from contracts.photos.v1 import photos_pb2 as pb

    @app.route("/List")
    def List(was, request):
        return pb.ListResponse(total=len(request.q), page=7)

    skitai.mount("/{SERVICE}", app)
"""


def call(*arguments: str) -> list[dict[str, Any]]:
    """What the client printed."""
    command = [sys.executable, "-m", "tests.contract.aquests_client", *arguments]
    done = subprocess.run(command, cwd=BACKEND, capture_output=True, text=True, timeout=60, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert answers, done.stdout + done.stderr
    return answers


@pytest.mark.row("12.26")
def test_rpc_lists_photos_and_sees_a_fault(product: Product, surfaces: Surfaces) -> None:
    photo = surfaces("sam")["REST"].create("me", "a.jpg", picture(), "Sam's ridge", "")
    listed, refused = call("rpc", f"{product.url}/rpc2", product.token("sam"))
    assert listed["data"]["total"] == 1
    assert listed["data"]["items"][0]["id"] == photo["id"]
    assert refused["fault"] == [404, "not found: there is no photo 999999"]


def test_rpc_without_a_token_is_refused(product: Product) -> None:
    for refused in call("rpc", f"{product.url}/rpc2"):
        assert refused["fault"] == [401, "unauthorized: no bearer token"]


def test_grpc_is_refused_without_a_token(product: Product) -> None:
    (refused,) = call("grpc", f"http://{product.grpc_target}/{SERVICE}")
    assert refused["grpc-status"] == "16"


@pytest.mark.row("12.26")
def test_grpc_brings_the_message(tmp_path: Path) -> None:
    engine = EngineProcess(tmp_path, OPEN_SERVICE)
    try:
        engine.ready()
        (answer,) = call("grpc", f"http://127.0.0.1:{engine.port + 1}/{SERVICE}")
    finally:
        engine.end()
    assert answer["data"] == {"total": 5, "page": 7}
