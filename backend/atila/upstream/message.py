"""What goes to an upstream over HTTP, and what comes back."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from atila.http.headers import Headers, parse_content_type

from .task import STA_NETERR, STA_NORMAL, STA_REQFAIL, STA_TIMEOUT, Reply, bad_gateway

Fields = Mapping[str, str] | Iterable[tuple[str, str]]
Pairs = list[tuple[str, str]]

FORM = "application/x-www-form-urlencoded"
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110 9.2.2
LONGEST_REASON = 200  # characters of a remote side's words in our answers


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an exchange did not complete: its status, a code of 700 and more, and the words."""

    status: int
    code: int
    reason: str


UNSENDABLE = Failure(STA_REQFAIL, 700, "Request Failure")  # a URL or a header that cannot be sent
UNREACHABLE = Failure(STA_NETERR, 701, "Network Error")  # nobody listens there
LATE = Failure(STA_TIMEOUT, 702, "Timeout")
UNCONNECTED = Failure(STA_NETERR, 703, "Connection Timeout")
UNNAMED = Failure(STA_NETERR, 704, "Name Not Resolved")
UNTRUSTED = Failure(STA_NETERR, 705, "TLS Failure")  # a certificate, as a rule
CUT_OFF = Failure(STA_NETERR, 706, "Connection Lost")
CROWDED = Failure(STA_TIMEOUT, 707, "No Free Connection")
MALFORMED = Failure(STA_REQFAIL, 708, "Malformed Answer")
TOO_LARGE = Failure(STA_REQFAIL, 709, "Answer Too Large")
ASTRAY = Failure(STA_REQFAIL, 710, "Too Many Redirects")


class HTTPReply(Reply[Any]):
    """An upstream's answer over HTTP: `data` is what its JSON says, the bytes of another content type."""

    __slots__ = ("content", "decode", "headers", "url", "version")

    def __init__(
        self,
        status_code: int,
        reason: str = "",
        headers: Iterable[tuple[str, str]] = (),
        content: bytes = b"",
        *,
        url: str = "",
        version: str = "",
        decode: Callable[[HTTPReply], Any] | None = None,
    ) -> None:
        super().__init__(status_code=status_code, reason=reason)
        self.headers = Headers(headers)
        self.content = content
        self.url = url
        self.version = version  # of the protocol: "HTTP/1.1", "HTTP/2"
        self.decode = decode or decode_body
        self._read()

    @classmethod
    def of_failure(cls, failure: Failure, error: Exception | None = None) -> HTTPReply:
        """Return the reply of an exchange that did not complete."""
        reply = cls(failure.code, failure.reason)
        reply.status, reply.error, reply.data = failure.status, error, None
        return reply

    def _read(self) -> None:
        try:
            self.data = self.decode(self)
        except (ValueError, RecursionError) as error:
            if self.status_code >= 300:
                self.data = self.content
                return
            self.status, self.status_code, self.reason = MALFORMED.status, MALFORMED.code, MALFORMED.reason
            self.error = error
        except RemoteError as error:
            self.status_code, self.reason, self.error = 500, error.title, error

    @property
    def text(self) -> str:
        """The body as text, in the charset that its content type names, or UTF-8."""
        charset = parse_content_type(self.get_header("content-type", ""))[1].get("charset", "utf-8")
        try:
            return self.content.decode(charset, "replace")
        except (LookupError, ValueError):  # no charset; or one, such as idna, that knows no replacement
            return self.content.decode("utf-8", "replace")

    @property
    def content_type(self) -> str:
        """The media type, without parameters and in lower case."""
        return parse_content_type(self.get_header("content-type", ""))[0]

    def get_header(self, name: str, default: str = "") -> str:
        """Return a header field's value."""
        return str(self.headers.get(name, default))

    @property
    def size(self) -> int:
        return len(self.content)

    def again(self) -> HTTPReply:
        return HTTPReply(
            self.status_code,
            self.reason,
            self.headers.pairs,
            self.content,
            url=self.url,
            version=self.version,
            decode=self.decode,
        )

    def failure(self) -> Exception:
        """Return the HTTPError that it is for our client, or what the remote method raised."""
        if self.error is not None and self.status in (STA_NORMAL, STA_REQFAIL) and self.status_code != MALFORMED.code:
            return self.error
        return bad_gateway(self.status, self.status_code, self.reason[:LONGEST_REASON])


class RemoteError(Exception):
    """The base of what a remote method raised."""

    title = "Remote Error"


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange, ready to be sent. `url` is a URL or "@alias/path"."""

    method: str
    url: str
    headers: Pairs
    content: bytes = b""
    timeout: float = 10.0  # seconds for all of it, its fall-backs included
    max_size: int = 64 * 1024 * 1024  # bytes of the answer's body, unpacked
    redirects: bool = False  # follow them
    repeatable: bool = False  # it may be sent again when its connection was lost
    decode: Callable[[HTTPReply], Any] | None = None


def decode_body(reply: HTTPReply) -> Any:
    """Return the object in a JSON body, the bytes of another one. Raises ValueError for what is no JSON."""
    kind = reply.content_type
    if reply.content and (kind == "application/json" or kind.endswith("+json")):
        return msgspec.json.decode(reply.content)
    return reply.content


def encode_data(data: Any, headers: Pairs) -> bytes:
    """Return the body for `data`, and add its Content-Type unless one is given.

    Bytes, text and files go as they are; other values as JSON, or as a form when the Content-Type says so (WHATWG URL,
    5.2). Raises TypeError for a value that JSON has no form for.
    """
    given = parse_content_type({name.lower(): value for name, value in headers}.get("content-type", ""))[0]
    if data is None:
        return b""
    if hasattr(data, "read"):
        data = data.read()
    if isinstance(data, (bytes, bytearray, memoryview)):
        return _typed(headers, given, "application/octet-stream", bytes(data))
    if isinstance(data, str):
        return _typed(headers, given, "text/plain; charset=utf-8", data.encode())
    if given == FORM:
        return urlencode(data, doseq=True).encode()
    return _typed(headers, given, "application/json", msgspec.json.encode(data))


def with_query(url: str, params: Any) -> str:
    """Return a URL with more fields in its query."""
    query = params if isinstance(params, str) else urlencode(params, doseq=True)
    head, mark, fragment = url.partition("#")
    return f"{head}{'&' if '?' in head else '?'}{query}{mark}{fragment}" if query else url


def as_pairs(fields: Fields | None) -> Pairs:
    """Return header fields as a new list of pairs."""
    if fields is None:
        return []
    return [(str(name), str(value)) for name, value in (fields.items() if isinstance(fields, Mapping) else fields)]


def as_bytes(headers: Pairs) -> list[tuple[bytes, bytes]]:
    """Return header fields as they go over the wire (RFC 9110 5.5)."""
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]


def basic(user: str, password: str) -> str:
    """Return the value of Authorization for a user (RFC 7617)."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _typed(headers: Pairs, given: str, kind: str, body: bytes) -> bytes:
    if not given:
        headers.append(("content-type", kind))
    return body
