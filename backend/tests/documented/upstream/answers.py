"""What handlers answer."""

from __future__ import annotations

from typing import Any

from atila import Atila
from tests.documented.conftest import ClientOf


def answer_of(app: Atila, client_of: ClientOf, handler: Any, path: str = "/") -> Any:
    """What a handler answers to GET."""
    app.route(path)(handler)
    return client_of(app).get(path)
