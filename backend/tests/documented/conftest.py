"""What a test of a documented feature gets: a client of its own small app, over both adapters in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from atila import Atila
from atila.testing.client import TestClient

ClientOf = Callable[..., TestClient]


@pytest.fixture(params=("rsgi", "asgi"))
def client_of(request: pytest.FixtureRequest) -> Iterator[ClientOf]:
    """Return `client_of(app, point="/", **options)`: an open client of an app, closed when the test ends."""
    with ExitStack() as stack:

        def make(app: Atila, point: str = "/", **options: Any) -> TestClient:
            return stack.enter_context(app.test_client(point, adapter=request.param, **options))

        yield make


@pytest.fixture
def app() -> Atila:
    """An app of the test's own."""
    return Atila("tests")
