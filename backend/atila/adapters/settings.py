"""What adapters are told: whose forwarding headers to believe, what to refuse, whom to tell of answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import msgspec

from ..concurrency import WorkerThreads
from ..errors import HTTPError
from ..http.guards import Hosts, Targets, clean_request_id, content_length
from ..http.headers import Pairs
from ..http.problem import error_data
from ..http.request import HeaderSource, Request
from ..http.response import FileBody, Response, Stream
from ..http.site import Job

OnAnswer = Callable[[Request, int, int | None, float], None]  # request, status, bytes of body if known, seconds


@dataclass(slots=True)
class AdapterSettings:
    """Settings of one adapter, and what it remembers. Lives as long as the server's process."""

    threads: WorkerThreads | None = None  # where plain handlers run; None runs them on the event loop
    trusted_proxies: frozenset[str] = frozenset()  # addresses whose X-Forwarded-* are believed
    unsized_bodies: bool = False  # accept bodies without Content-Length; read whole before the limit is checked
    body_timeout: float = 60.0  # seconds a client may take to send a whole body
    on_answer: OnAnswer | None = None  # told of every answer, for the access log
    hosts: Hosts = field(default_factory=Hosts)
    targets: Targets = field(default_factory=Targets)
    ids: Callable[[], str] = field(default_factory=lambda: request_ids())

    def identify(self, request: Request) -> None:
        """Give the request its id: the client's X-Request-ID when a trusted proxy sent it, else a new one."""
        sent = clean_request_id(request.source.get("x-request-id")) if request.forwarded else None
        request.id = sent or self.ids()


def request_ids() -> Callable[[], str]:
    """Return a maker of ids that are unique among the processes of all hosts: a random start and a count."""
    start = os.urandom(5).hex()
    return map(f"{start}%x".__mod__, count(1)).__next__


def expected_length(job: Job, source: HeaderSource, version: str, unsized: bool) -> int | None:
    """Return the bytes of body to come, None when only reading can tell.

    Raises HTTPError 413 for a body over the job's limit, 411 for one without Content-Length, 400 for a malformed one.
    """
    length = content_length(source.get("content-length"))
    if length is None:
        chunked = source.get("transfer-encoding") is not None
        if version not in ("1.0", "1.1"):
            return None
        if not chunked:
            return 0
        if not unsized:
            # A cut-off chunked body cannot be told from a whole one before all of it is in memory.
            raise HTTPError(411, "a body needs a Content-Length here")
        return None
    if length > body_limit(job, source):
        raise too_large(body_limit(job, source))
    return length


def body_limit(job: Job, source: HeaderSource) -> int:
    """Return how many bytes of body a job takes."""
    kind = source.get("content-type") or ""
    return job.multipart_limit if kind[:19].lower() == "multipart/form-data" else job.body_limit


def too_large(limit: int) -> HTTPError:
    """Return the 413 of a body over its limit; it asks for the connection's end, for the rest stays unread."""
    return HTTPError(413, f"the body is over {limit} bytes", headers=[("connection", "close")])


def final_headers(request: Request, response: Response) -> Pairs:
    """Return the header fields to send: the handler's, without what only the server may say, and the request's id.

    RFC 9112 6: the server frames the message; a length or an encoding of the handler's own would break it.
    """
    headers = response.headers
    for name, _ in headers:
        if name in _SERVERS_OWN:
            headers = _without_framing(headers, request.version)
            break
    headers.append(("x-request-id", request.id))
    return headers


def _without_framing(headers: Pairs, version: str) -> Pairs:
    kept = _OVER_HTTP_1 if version in ("1.0", "1.1") else ()
    return [pair for pair in headers if pair[0] not in _SERVERS_OWN or pair in kept]


# A 426 says what it wants (RFC 9110 15.5.22).
_OVER_HTTP_1 = (("connection", "close"), ("connection", "upgrade"), ("upgrade", "websocket"))
_SERVERS_OWN = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "trailer"})


def known_length(response: Response) -> int | None:
    """Return the bytes of a response's body, None for a stream that does not know."""
    body = response.body
    if isinstance(body, bytes):
        return len(body)
    return body.length if isinstance(body, FileBody | Stream) else None


def refusal(error: HTTPError) -> Response:
    """Return the JSON answer to a request that no app sees."""
    response = Response(error.status.code, [*error.headers, ("content-type", "application/json")])
    response.body = msgspec.json.encode(error_data(error))
    return response
