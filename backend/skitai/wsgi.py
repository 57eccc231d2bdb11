"""A mounted WSGI app (PEP 3333): Django, Flask or any other, answered on the threads of plain handlers."""

from __future__ import annotations

import io
import itertools
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from atila.errors import HTTPError
from atila.http.headers import Pairs, check_field
from atila.http.request import Request
from atila.http.response import FileBody, Response, Stream
from atila.logs import one_line

from .foreign import ForeignSite, fields_for

WHOLE = 1024 * 1024  # bytes: an answer whose Content-Length is up to this is sent at once
_CHUNK = 64 * 1024  # bytes read at a time from what `wsgi.file_wrapper` wraps

Environ = dict[str, Any]

_log = logging.getLogger("skitai.wsgi")


class WSGISite(ForeignSite):
    """A Site that a WSGI app answers. Lives as long as the worker."""

    threaded = True

    async def respond(self, request: Request) -> Response:
        """Return the app's answer; an error of its own is logged and becomes 500."""
        answer = Answer()
        try:
            result = self.app(environ_of(request), answer.start)
            return answer.complete(result, request)
        except Exception:  # noqa: BLE001 - whatever the app raises becomes an answer
            answer.close()
            _log.exception("%s %s %s: the mounted app failed", request.id, request.method, one_line(request.path))
            return self.refuse(request, HTTPError(500))


class Answer:
    """What an app says with `start_response`, `write` and its result. Lives as long as the request."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Pairs = []
        self._written: list[bytes] = []
        self._close: Callable[[], object] | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """Take status and header fields: the app's `start_response`.

        Raises ValueError for what is no status or no field, RuntimeError when it is called twice without an exception.
        """
        if self.status and exc_info is None:
            raise RuntimeError("start_response was called a second time, and not because of an exception")
        code = status[:3]
        if not (code.isascii() and code.isdigit() and status[3:4] in ("", " ") and int(code) >= 200):
            raise ValueError(f"{status!r} is no status: it reads '200 OK'")
        for name, value in headers:
            check_field(name, value)
        self.status = int(code)
        self.headers = [(name.lower(), value) for name, value in headers]
        return self._written.append

    def complete(self, result: Iterable[bytes], request: Request) -> Response:
        """Return the response: bytes, a file, or a stream that begins with the first piece.

        Raises RuntimeError when the app did not call `start_response`, and whatever its result raises.
        """
        self._close = getattr(result, "close", None)
        if isinstance(result, FileWrapper) and self.status == 200 and request.method == "GET" and not self._written:
            file = result.as_file(self._length())
            if file is not None:
                self.close()
                return Response(self.status, self.headers, file)
        pieces = iter(result)
        first = self._first_of(pieces)
        if not self.status:
            raise RuntimeError("the app returned without calling start_response")
        if self._written:
            first = b"".join(self._written) + first
        response = Response(self.status, self.headers)
        length = self._length()
        if request.method == "HEAD" or self.status in (204, 304):
            response.body = Stream(iter(()), length=length) if request.method == "HEAD" else b""
            self.close()
        elif _is_short(result, length):
            response.body = b"".join([first, *pieces])
            self.close()
        else:
            response.body = Stream(filter(None, itertools.chain((first,), pieces)), self._take_close(), length)
        return response

    def close(self) -> None:
        """Tell the app's result that nobody reads it any more; a second call does nothing."""
        close = self._take_close()
        if close is not None:
            close()

    def _take_close(self) -> Callable[[], object] | None:
        close, self._close = self._close, None
        return close

    def _first_of(self, pieces: Iterator[bytes]) -> bytes:
        """Return the first piece that is not empty: an app need not call `start_response` before it."""
        return next(filter(None, pieces), b"")

    def _length(self) -> int | None:
        lengths = [value for name, value in self.headers if name == "content-length"]
        return int(lengths[0]) if lengths and lengths[0].isascii() and lengths[0].isdigit() else None


class FileWrapper:
    """`wsgi.file_wrapper`: a file as an answer; the server sends one that lies on disk by itself."""

    def __init__(self, file: Any, size: int = _CHUNK) -> None:
        self.file = file
        self.size = size
        if hasattr(file, "close"):
            self.close = file.close
        self._at = _position(file)  # before anything is read of it

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(self.size), b"")

    def as_file(self, length: int | None) -> FileBody | None:
        """Return what the server can send by itself, or None when this is no plain file (temporary ones end early)."""
        if self._at is None or type(self.file) is not io.BufferedReader or not isinstance(self.file.name, str):
            return None
        name = os.path.abspath(self.file.name)
        if not os.path.isfile(name):
            return None
        size = os.path.getsize(name)
        end = size if length is None else min(self._at + length, size)
        return FileBody(name, size, self._at, end)


def environ_of(request: Request) -> Environ:
    """Return a request as PEP 3333 wants it: text is latin-1 that stands for bytes."""
    body = request.body or b""
    host, port = _split_host(request)
    environ: Environ = {
        "REQUEST_METHOD": request.method, "SCRIPT_NAME": _as_bytes(request.root), "PATH_INFO": _as_bytes(request.inner),
        "QUERY_STRING": request.query_string, "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "SERVER_NAME": host, "SERVER_PORT": port, "REMOTE_ADDR": request.get_remote_addr(),
        "CONTENT_LENGTH": str(len(body)) if body else "", "wsgi.version": (1, 0), "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.multithread": True,
        "wsgi.multiprocess": True, "wsgi.run_once": False, "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True, "REQUEST_ID": request.id,
    }  # fmt: skip
    for name, value in fields_for(request):
        if name == "content-type":
            environ["CONTENT_TYPE"] = value
        elif name not in _NO_FIELDS and "_" not in name:  # X_Real_IP would be taken for X-Real-IP
            key = "HTTP_" + name.upper().replace("-", "_")
            environ[key] = value if key not in environ else f"{environ[key]}{_JOINTS.get(name, ',')}{value}"
    return environ


# Content-Length is ours; "Proxy" would become HTTP_PROXY, which programs take for their own setting.
_NO_FIELDS = frozenset({"content-length", "proxy", "transfer-encoding"})
_JOINTS = {"cookie": "; "}


def _split_host(request: Request) -> tuple[str, str]:
    name, _, port = request.host.rpartition(":")
    if not name or not port.isdecimal():
        name, port = request.host, "443" if request.scheme == "https" else "80"
    return name or "localhost", port


def _as_bytes(path: str) -> str:
    return path.encode().decode("latin-1")


def _is_short(result: object, length: int | None) -> bool:
    """Say whether an answer is sent at once: it is there already, or short. Django says what it does not stream."""
    at_hand = isinstance(result, (list, tuple)) or getattr(result, "streaming", True) is False
    return at_hand or (length is not None and length <= WHOLE)


def _position(file: Any) -> int | None:
    try:
        return int(file.tell())
    except (AttributeError, OSError, ValueError):
        return None
