"""W3C Trace Context: the place of a request in a trace that goes through several services."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Self

# W3C Trace Context 3.2: version, trace id, parent id, flags; later versions may add more after a '-'.
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_STATE_LENGTH = 512  # characters of tracestate that are passed on (3.3.1.1)
_STATE = re.compile(r"[\x20-\x7e\t]*\Z")
_NOTHING = ("0" * 32, "0" * 16)


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a request stands in its trace. Lives as long as the request.

    `id` is the whole trace's, 32 hexadecimal digits; `span` is this request's, 16; `parent` the caller's, "" at the
    start of a trace.
    """

    id: str = field(default_factory=lambda: os.urandom(16).hex())
    span: str = field(default_factory=lambda: os.urandom(8).hex())
    parent: str = ""
    sampled: bool = False  # the caller keeps a record of it
    state: str = ""  # what other tracing systems passed along (tracestate)

    @classmethod
    def of(cls, traceparent: str | None, tracestate: str | None = None) -> Self:
        """Continue the trace of these headers; start one when there are none, or when they are malformed."""
        match = _PARENT.match(traceparent.strip()) if traceparent else None
        if match is None:
            return cls()
        version, trace, parent, flags, more = match.groups()
        if version == "ff" or trace == _NOTHING[0] or parent == _NOTHING[1] or (version == "00" and more):
            return cls()
        state = (tracestate or "").strip()
        if len(state) > _STATE_LENGTH or not _STATE.match(state):
            state = ""
        return cls(trace, parent=parent, sampled=bool(int(flags, 16) & 1), state=state)

    def headers(self) -> list[tuple[str, str]]:
        """Return the header fields of a call to another service on behalf of this request."""
        fields = [("traceparent", f"00-{self.id}-{self.span}-{'01' if self.sampled else '00'}")]
        return [*fields, ("tracestate", self.state)] if self.state else fields
