"""Calls through rs4.protocols.aquests, in a process of its own: it keeps global state and its event loop is its own.

Arguments: `rpc URL TOKEN` or `grpc URL`. Prints what came back as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
import xmlrpc.client
from typing import Any

warnings.simplefilter("ignore")  # of the client's, which is not ours

from rs4.protocols import aquests  # noqa: E402

from contracts.photos.v1 import photos_pb2 as pb  # noqa: E402


def main(kind: str, url: str, token: str = "") -> None:
    """Makes one or two calls and prints each answer."""
    aquests.configure(1, callback=show, timeout=10)
    if kind == "rpc":
        stub = aquests.rpc(url, headers={"Authorization": f"Bearer {token}"} if token else {})
        stub.photos.list("me", 1, 24, "title", "")
        stub.photos.get("me", 999_999)
    else:
        aquests.grpc(url).List(pb.ListRequest(user="me", q="ridge"))
    aquests.fetchall()


def show(answer: Any) -> None:
    """Prints one answer; of a gRPC message its fields, of a fault its code and text."""
    told = {"status": answer.status_code, "grpc-status": answer.headers.get("grpc-status")}
    try:
        data = answer.data
    except xmlrpc.client.Fault as fault:
        told["fault"] = [fault.faultCode, fault.faultString]
    else:
        is_message = isinstance(data, pb.ListResponse)
        told["data"] = (
            {"total": data.total, "page": data.page} if is_message else data if isinstance(data, dict) else None
        )
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
