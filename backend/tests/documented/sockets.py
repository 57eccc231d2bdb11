"""How a WebSocket was refused, and how it ended."""

from __future__ import annotations

from typing import Any

import pytest

from atila.http.duplex import Closed
from atila.testing.sockets import RefusedError


def refused(client: Any, path: str, **options: Any) -> Any:
    """The answer to a handshake that is not accepted."""
    with pytest.raises(RefusedError) as caught:
        client.ws(path, **options)
    return caught.value.answer


def end_of(socket: Any) -> tuple[int, str]:
    """The code and the reason of a connection's end."""
    with pytest.raises(Closed) as caught:
        socket.receive()
    return caught.value.code, caught.value.reason
