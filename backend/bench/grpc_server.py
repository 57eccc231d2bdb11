"""A unary gRPC method served by grpcio alone, or by a route: `python -m bench.grpc_server bare --port 8081`."""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

import skitai
from atila import Atila
from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1 import photos_pb2_grpc

from .measure import free_port

THREADS = 8
SERVICE = "/contracts.photos.v1.PhotoService"

app = Atila(__name__)


@app.route("/Get")
def get(was: Any, request: pb.GetRequest) -> pb.Photo:
    return pb.Photo(id=request.id, title="hello")


@app.route("/List")
async def listed(was: Any, request: pb.ListRequest) -> pb.ListResponse:
    return pb.ListResponse(total=7)


class Bare(photos_pb2_grpc.PhotoServiceServicer):
    """The same as grpcio's own documentation has it."""

    def Get(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        return pb.Photo(id=request.id, title="hello")


def serve_bare(port: int) -> None:
    server = grpc.server(ThreadPoolExecutor(THREADS))
    add: Any = photos_pb2_grpc.add_PhotoServiceServicer_to_server  # generated without types
    add(Bare(), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.grpc_server")
    parser.add_argument("which", choices=("bare", "ours"))
    parser.add_argument("--port", type=int, default=8081)
    arguments = parser.parse_args()
    if arguments.which == "bare":
        serve_bare(arguments.port)
        return
    skitai.mount(SERVICE, app)
    skitai.run(
        "127.0.0.1",
        free_port(),
        grpc_port=arguments.port,
        grpc_threads=THREADS,
        access_log=False,
        log_level="WARNING",
    )


if __name__ == "__main__":
    main()
