"""One running product for all contract tests of a worker, and the ways into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.contract.product import Product
from tests.contract.surfaces import Grpc, JsonRpc, Rest, Surface, XmlRpc

Surfaces = Callable[[str | None], dict[str, Surface]]


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product on free ports."""
    made = Product(tmp_path_factory.mktemp("product"))
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="session")
def surfaces(product: Product) -> Iterator[Surfaces]:
    """The surfaces in somebody's name, or in nobody's; a text that is no name is sent as the token."""
    tokens = {name: product.token(name) for name in product.people}

    @cache
    def make(name: str | None) -> dict[str, Surface]:
        token = tokens.get(name, name) if name else None
        made: dict[str, Surface] = {
            "REST": Rest(product.url, token),
            "XML-RPC": XmlRpc(product.url, token),
            "JSON-RPC": JsonRpc(product.url, token),
            "gRPC": Grpc(product.grpc_target, token),
        }
        for surface in made.values():
            opened.callback(surface.close)
        return made

    with ExitStack() as opened:
        yield make
