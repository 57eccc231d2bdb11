"""What the protocols of remote calls have in common: a message of calls, and the codec that reads and answers it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from ..errors import HTTPError
from ..http.request import Wire
from ..http.response import FileBody, Response, Stream
from ..http.results import API, File
from ..http.streams import is_stream
from .methods import Call

Perform = Callable[[Call], Awaitable[Any]]  # run a call; raises HTTPError


class Message(Protocol):
    """The calls of one request."""

    @property
    def calls(self) -> Sequence[Call]: ...

    async def answer(self, perform: Perform) -> bytes:
        """Return the answer to all calls; nothing when nobody waits for one. Raises HTTPError for a single call's."""


class Codec(Protocol):
    """How one protocol is read and written. Lives as long as the app."""

    wire: Wire
    content_type: str

    def concerns(self, body: bytes) -> bool:
        """Say whether a body is a message of this protocol at all."""

    def read(self, body: bytes) -> Message:
        """Return the message of a body. Raises HTTPError for a malformed one."""

    def refuse(self, error: HTTPError) -> bytes:
        """Return the answer to a message that could not be read, or to a single call that failed."""


def content_of(result: Any) -> Any:
    """Return what a handler's result is for a remote caller.

    Raises HTTPError for an answer that is no success, a redirection too, and for a stream or file, which is closed.
    """
    if type(result) in _PLAIN:
        return result
    if isinstance(result, API):
        raise_if_error(result)
        return result.data
    if isinstance(result, Response):
        if result.status >= 300:
            raise HTTPError(result.get_status(), result.detail)
        return content_of(result.body)
    if isinstance(result, Stream | FileBody | File) or is_stream(result):
        if (close := getattr(result, "close", None)) is not None:
            close()
        raise HTTPError(500, "a file or stream has no form in a remote call; return its bytes")
    return result


_PLAIN = frozenset({str, int, float, bool, type(None), list, dict, bytes})


def raise_if_error(result: API[Any]) -> None:
    """Raise the HTTPError that a `was.Fault` stands for."""
    error = HTTPError(result.status)
    if error.status.code < 300:
        return
    data = result.data if isinstance(result.data, dict) else {}
    detail, message, code = data.get("more_info"), data.get("message"), data.get("code")
    code = code if isinstance(code, int) else None
    raise HTTPError(result.status, detail, code, message=message if isinstance(message, str) else None)
