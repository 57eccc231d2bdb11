"""A call of a protocol with deadlines: how long it may take, whether anybody waits, and its metadata."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Sequence

from .headers import Pairs

# grpc/doc/PROTOCOL-HTTP2.md, Header-Name and ASCII-Value; gRPC fails the whole call for any other.
_NAME = re.compile(r"[0-9a-z_.\-]+\Z")
_VALUE = re.compile(r"[\x20-\x7e]*\Z")


class Call:
    """What a gRPC handler finds at `was.request.call`. Lives as long as the call, its stream included."""

    __slots__ = ("deadline", "headers", "trailers")

    def __init__(self, deadline: float | None = None) -> None:
        self.deadline = deadline  # by time.monotonic(); None is never
        self.headers: Pairs = []  # what the handler said by `was.response`: metadata before the first message
        self.trailers: Pairs = []  # metadata after the last message

    def time_left(self) -> float | None:
        """Return the seconds until the caller stops waiting, 0.0 when the time is over, None when it waits for ever."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    @property
    def cancelled(self) -> bool:
        """Nobody waits any more: the client left, or its deadline is over."""
        return self.time_left() == 0.0

    @property
    def stopping(self) -> bool:
        """This process ends soon: a stream without an end should find one."""
        return False

    @property
    def identities(self) -> Sequence[str]:
        """The names in the client's certificate, where it had to show one (mutual TLS)."""
        return ()

    def add_trailer(self, name: str, value: object) -> None:
        """Add metadata that is sent after the last message; of a name that ends in "-bin" the value is base64.

        Raises ValueError for a name or a value that the message cannot carry.
        """
        name, text = name.lower(), str(value)
        if not is_metadata(name, text):
            raise ValueError(f"metadata is printable ASCII, its name letters, digits and _.-; not {name!r}: {text!r}")
        if name.endswith("-bin"):
            base64.b64decode(text + "=" * (-len(text) % 4), validate=True)  # binascii.Error is a ValueError
        self.trailers.append((name, text))


def is_metadata(name: str, value: str) -> bool:
    """Say whether gRPC can carry a header field, its name in lower case."""
    return _NAME.match(name) is not None and _VALUE.match(value) is not None
