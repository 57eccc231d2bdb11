"""Whether a path is a gRPC method: asked without loading protobuf, which only a service's own `*_pb2` module does."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def is_method(path: str) -> bool:
    """Say whether an imported `*_pb2` module describes "/package.Service/Method"."""
    if path.count("/") < 2 or "<" in path or "google.protobuf.descriptor_pool" not in sys.modules:
        return False
    from .grpc import find_method  # an app without a service never loads it

    return find_method(path) is not None


def services_of(paths: Iterable[str]) -> list[str]:
    """Return the "/package.Service" of every path that is a method, each once, in order of the alphabet."""
    return sorted({path.rpartition("/")[0] for path in paths if is_method(path)})
