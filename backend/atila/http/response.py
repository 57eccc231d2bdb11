"""The answer to one request: status, header fields, body. Handlers reach it as `was.response`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import msgspec

from ..errors import HTTPError
from ..status import parse_status
from .conditional import Validators, precondition
from .headers import Pairs, check_field
from .problem import fault_data
from .request import Request

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


@dataclass(frozen=True, slots=True)
class FileBody:
    """A file, or the bytes from `start` up to and without `end` of it, that the server sends by itself."""

    path: str
    size: int
    start: int = 0
    end: int | None = None

    @property
    def length(self) -> int:
        return (self.size if self.end is None else self.end) - self.start


class Stream:
    """A body that comes in pieces. Its source is closed once: when all is sent, or when the client went away."""

    __slots__ = ("_close", "chunks", "length", "paced")

    def __init__(
        self,
        chunks: Iterator[bytes] | AsyncIterator[bytes],
        close: Callable[[], object] | None = None,
        length: int | None = None,
        paced: bool = False,
    ) -> None:
        self.chunks = chunks
        self.paced = paced  # it may be long and come fast: the next piece waits until the client took the last
        self.length = length  # bytes of all pieces when somebody promised it; then it is sent as Content-Length
        self._close = close

    @property
    def asynchronous(self) -> bool:
        return isinstance(self.chunks, AsyncIterator)

    def close(self) -> None:
        """Close the source of a plain stream; a second call does nothing."""
        close, self._close = self._close, None
        if close is not None:
            close()

    async def aclose(self) -> None:
        """Close the source of either kind; a second call does nothing."""
        ending = getattr(self.chunks, "aclose", None)
        if ending is not None:
            await ending()
        close, self._close = self._close, None
        outcome = close() if close is not None else None
        if isinstance(outcome, Awaitable):
            await outcome


class Pending(Stream):
    """In place of a body: the whole answer is still to come, from elsewhere.

    Who sends it awaits `coming`, and cancels it when the client goes away meanwhile.
    """

    __slots__ = ("coming",)

    def __init__(self, coming: Coroutine[Any, Any, Response]) -> None:
        super().__init__(iter(()))
        self.coming = coming


Body = bytes | FileBody | Stream


def is_paced(response: Response) -> bool:
    """Say whether a stream that comes from elsewhere is sent at its client's pace: a stream of events is not, for it
    is long in time and not in bytes."""
    return not (response.get_header("content-type") or "").startswith("text/event-stream")


class Response:
    """The answer being made. Lives as long as the request. Header names are kept in lower case."""

    __slots__ = ("body", "detail", "exc_info", "headers", "reason", "request", "status")

    def __init__(self, status: int = 200, headers: Pairs | None = None, body: Any = b"") -> None:
        self.status = status
        self.reason = ""  # a reason of the handler's own; "" is the standard one
        self.headers: Pairs = [] if headers is None else headers
        self.body: Any = body  # what the handler gave; a Body once the pipeline has encoded it
        self.detail: str | None = None
        self.exc_info: ExcInfo | None = None
        self.request: Request | None = None  # whose answer this is; conditional answers ask it

    def __call__(
        self,
        status: int | str = "200 OK",
        body: object = None,
        headers: Iterable[tuple[str, str]] | None = None,
        exc_info: ExcInfo | None = None,
    ) -> Response:
        """Set the status at once, and body and headers; without a body an error's page is generated."""
        self.set_status(status)
        self.body = body
        self.exc_info = exc_info
        if headers:
            self.set_headers(headers)
        return self

    def with_explain(self, status: int | str, detail: str) -> Response:
        """Answer with a generated error page whose detail is `detail`."""
        self.detail = detail
        return self(status)

    def throw(self, status: int | str) -> None:
        """End the request at once with a generated answer of this status. Raises HTTPError, always."""
        raise HTTPError(status)

    def fault(
        self,
        message: str = "",
        code: int | str | None = None,
        debug: str | None = None,
        more_info: object = None,
        exc_info: object = None,
        traceback: bool = False,
    ) -> Response:
        """Answer with the JSON of an error; the status stays as it was set, a success becomes 500."""
        if self.status < 400:
            self.set_status(500)
        message = message or parse_status(self.status).reason.lower()
        data = fault_data(message, int(code or self.status * 100), debug, more_info, exc_info, traceback)
        self.body = msgspec.json.encode(data)
        self.set_header("content-type", "application/json")
        return self

    def traceback(
        self, msg: str = "", code: int = 10001, debug: str = "see traceback", more_info: object = None
    ) -> Response:
        """Answer with the JSON of the current exception, its frames included, in debug mode or not."""
        return self.fault(msg, code, debug, more_info, traceback=True)

    def set_status(self, status: int | str) -> None:
        """Set the status: 404, or '404 Not Found'. Raises ValueError for what is none."""
        parsed = parse_status(status)
        self.status, self.reason = parsed.code, parsed.reason

    def get_status(self) -> str:
        """Return the status line: '200 OK'."""
        return f"{self.status} {self.reason}" if self.reason else str(parse_status(self.status))

    def set_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        """Set header fields, each in place of any of its name. Raises ValueError as `set_header` does."""
        for name, value in headers:
            self.set_header(name, value)

    def set_header(self, name: str, value: object) -> None:
        """Set a header field in place of any of that name. Raises ValueError on a bad name or value (RFC 9110 5)."""
        self.del_header(name)
        self.add_header(name, value)

    def add_header(self, name: str, value: object) -> None:
        """Add a header field beside others of that name, as Set-Cookie and Link need."""
        text = str(value)
        check_field(name, text)
        self.headers.append((name.lower(), text))

    def get_header(self, name: str, default: str | None = None) -> str | None:
        """Return the first header field of a name, in any case, or the default."""
        name = name.lower()
        for key, value in self.headers:
            if key == name:
                return value
        return default

    def get_headers(self) -> Pairs:
        """Return all header fields as (name, value), names in lower case."""
        return list(self.headers)

    def del_header(self, name: str) -> None:
        """Remove the header fields of a name; nothing happens when there is none."""
        name = name.lower()
        if self.headers:
            self.headers[:] = [pair for pair in self.headers if pair[0] != name]

    def forget_representation(self) -> None:
        """Drop the fields that described a body which is not sent: an error takes its place."""
        if self.headers:
            self.headers[:] = [pair for pair in self.headers if pair[0] not in _OF_A_BODY]

    def vary(self, name: str) -> None:
        """Say that the answer depends on a request header (RFC 9110 12.5.5)."""
        current = self.get_header("vary")
        if current is None:
            self.headers.append(("vary", name))
        elif name.lower() not in current.lower().split(", ") and current != "*":
            self.set_header("vary", f"{current}, {name}")

    def hint_promise(self, uri: str) -> None:
        """Hint that the client will need `uri`: a preload Link (RFC 8288), sent at once if the server can (RFC 8297).

        Raises ValueError for a `uri` that is none.
        """
        if any(character in uri for character in "<>\r\n"):
            raise ValueError(f"{uri!r} is not a URI reference")
        link = f"<{uri}>; rel=preload"
        self.add_header("link", link)
        hint: Callable[[str], None] | None = getattr(self.request, "hint", None)
        if hint is not None:
            hint(link)

    # conditional answers (RFC 9110 13)

    def set_etag(self, tag: str, max_age: int | None = None, *, weak: bool = False) -> None:
        """Name the version of what is answered, and how many seconds it may be kept.

        Ends the request at once, by HTTPError, with 304 when the client has this version already, with 412 when it
        asked to change another one. Raises ValueError for a tag with quotes, blanks or control characters.
        """
        self._validate(Validators.tagged(tag, weak), max_age)

    def set_mtime(self, mtime: float, length: int | None = None, max_age: int | None = None) -> None:
        """Say when what is answered was last changed: seconds since 1970. With its length that makes an ETag too.

        Ends the request like `set_etag`.
        """
        self._validate(Validators.changed(mtime, length), max_age)

    def set_max_age(self, seconds: int) -> None:
        """Let the answer be kept for some seconds; 0 asks that it be validated at every use (RFC 9111 5.2.2)."""
        self.set_header("cache-control", f"max-age={seconds}" if seconds > 0 else "no-cache")

    def _validate(self, validators: Validators, max_age: int | None) -> None:
        for name, value in validators.fields():
            self.set_header(name, value)
        if max_age is not None:
            self.set_max_age(max_age)
        status = precondition(self.request, validators) if self.request is not None else None
        if status is not None:
            raise HTTPError(status)


_OF_A_BODY = frozenset({
    "content-type", "content-length", "content-encoding", "content-language", "content-disposition", "content-range",
    "content-location", "etag", "last-modified", "cache-control", "expires", "accept-ranges", "location",
})  # fmt: skip
