"""The frames of a WebSocket, as any client may send them."""

from __future__ import annotations

import asyncio
import atexit
from functools import cache

from atila.adapters.framed import Beat, Framed
from atila.http.duplex import Closed, Limits, Message

MOST = 300  # bytes of a message


class Transport:
    """A connection whose client reads everything. Lives as long as one input."""

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


async def _heard(pieces: list[bytes]) -> tuple[list[Message], bytes, int]:
    """Return the messages that arrive, what is answered, and the code of the end."""
    transport = Transport()
    connection = Framed(Limits(message=MOST), Beat())
    connection.connection_made(transport)
    for piece in pieces:
        connection.data_received(piece)
    connection.connection_lost(None)
    messages: list[Message] = []
    while True:
        try:
            messages.append(await connection.receive())
        except Closed as end:
            return messages, transport.written, end.code


def frames(data: bytes) -> None:
    """Whether they come at once or byte by byte, the same messages arrive, none too long, and the end is the same."""
    at_once = _loop().run_until_complete(_heard([data]))
    bytewise = _loop().run_until_complete(_heard([bytes([each]) for each in data[:2000]] + [data[2000:]]))
    assert at_once == bytewise
    for message in at_once[0]:
        assert len(message.encode() if isinstance(message, str) else message) <= MOST
