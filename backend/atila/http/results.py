"""What a handler may return, and the bytes it becomes: `API`, `Fault`, `File`, streams."""

from __future__ import annotations

import html
import mimetypes
import os
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from ..concurrency import Deferred
from ..errors import HTTPError
from ..status import BODILESS, looks_like_status, parse_status
from .headers import check_field
from .problem import fault_data
from .response import FileBody, Response, Stream
from .streams import is_stream, stream_of, stream_of_all

Data = TypeVar("Data")

_HTML = ("content-type", "text/html; charset=utf-8")
_JSON = ("content-type", "application/json")
_json = msgspec.json.Encoder().encode


class API(Generic[Data]):
    """A JSON answer: `API(rows=rows)`, `API(photo)`, `API("201 Created", id=7)`. A mapping and keywords are merged."""

    __slots__ = ("data", "status")

    def __init__(self, status_or_data: object = None, data: object = None, /, **fields: object) -> None:
        self.status: int | str = 200
        if isinstance(status_or_data, str):
            self.status = status_or_data
        elif data is None:
            data = status_or_data
        else:
            raise TypeError(f"API: the first of two arguments is a status line, not {status_or_data!r}")
        if data is None:
            data = fields
        elif fields:
            if not isinstance(data, dict):
                raise TypeError(f"API: keywords can only be merged into a dict, not into {type(data).__name__}")
            data = {**data, **fields}
        self.data: Any = data

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def __setitem__(self, name: str, value: object) -> None:
        self.data[name] = value


def fault(
    status: int | str,
    message: str = "",
    code: int | None = None,
    debug: str | None = None,
    more_info: object = None,
    exc_info: object = None,
    traceback: bool = False,
    **fields: object,
) -> API[dict[str, Any]]:
    """Return a JSON answer that tells an error: `Fault("400 Bad Request", "missing parameter", 10021)`.

    A 2xx status with keywords is an `API`. Raises TypeError when the status is missing.
    """
    if not isinstance(status, int) and not looks_like_status(status):
        raise TypeError(f"Fault: the status comes first, as in Fault('400 Bad Request', {status!r})")
    parsed = parse_status(status)
    if parsed.code < 300:
        return API(str(parsed), {**({"message": message} if message else {}), **fields})
    message = message or parsed.reason.lower()
    body = fault_data(message, code or parsed.code * 100, debug, more_info, exc_info, traceback)
    return API(str(parsed), {**body, **fields})


def redirect(
    url: str,
    status: int | str = "302 Object Moved",
    body: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """Return an answer that sends the client to `url`. Raises ValueError for a status that is no redirection."""
    response = Response()
    response.set_status(status)
    if not 300 <= response.status < 400:
        raise ValueError(f"{status!r} is no redirection: 301, 302, 303, 307 and 308 are")
    from email.utils import formatdate  # loaded by whoever tells dates

    response.headers.extend([("cache-control", "max-age=0"), ("expires", formatdate(usegmt=True)), _HTML])
    response.set_header("location", quote(url, safe="/:?#[]@!$&'()*+,;=%-._~"))
    response.set_headers(headers)
    link = html.escape(url, quote=True)
    title = html.escape(response.reason)
    page = body or f'<html><head><title>{title}</title></head><body><a href="{link}">{link}</a></body></html>'
    response.body = page.encode()
    return response


class File:
    """A file as the answer; its length and time of change are sent along. A missing file is 404."""

    __slots__ = ("mimetype", "path")

    def __init__(self, path: str | os.PathLike[str], mimetype: str | None = None) -> None:
        self.path = os.fspath(path)
        self.mimetype = mimetype or "application/octet-stream"

    @classmethod
    def guessed(cls, path: str | os.PathLike[str]) -> File:
        """A File whose type is read off its name."""
        return cls(path, mimetypes.guess_type(os.fspath(path))[0])


class Unfinished(Exception):  # noqa: N818 - no error: the answer is still to come
    """A handler returned an answer that is to be awaited first."""

    def __init__(self, deferred: Deferred) -> None:
        super().__init__()
        self.deferred = deferred


def encode(response: Response, result: Any) -> None:
    """Turn what a handler returned into the response's body, headers and status.

    Raises TypeError for a value that has no form over HTTP, HTTPError 404 for a File that is not there, Unfinished for
    an answer that is still to come.
    """
    if result is response:
        result = response.body
    kind = type(result)
    encoder = _ENCODERS.get(kind)
    if encoder is None:
        encoder = _encoder_for(kind, result)
    encoder(response, result)
    if response.status in BODILESS:
        if isinstance(response.body, Stream):
            response.body.close()
        response.body = b""
        response.del_header("content-type")


def _encode_api(response: Response, result: API[Any]) -> None:
    if result.status != 200:
        response.set_status(result.status)
    response.body = _json(result.data)
    if response.headers:
        _default_type(response, _JSON)
    else:
        response.headers.append(_JSON)


def _encode_response(response: Response, result: Response) -> None:
    if result.status != 200 or result.reason:
        response.status, response.reason = result.status, result.reason
    for name, value in result.headers:
        response.add_header(name, value)  # which refuses what would break the message
    encode(response, b"" if result.body is None else result.body)


def _encode_text(response: Response, result: str) -> None:
    response.body = result.encode()
    if result:
        _default_type(response, _HTML)


def _encode_bytes(response: Response, result: bytes) -> None:
    response.body = bytes(result)
    if result:
        _default_type(response, _HTML)


def _encode_data(response: Response, result: object) -> None:
    response.body = _json(result)
    _default_type(response, _JSON)


def _encode_file(response: Response, result: File) -> None:
    try:
        state = os.stat(result.path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise HTTPError(404, f"{os.path.basename(result.path)} is not there") from error
    if not os.path.isfile(result.path):
        raise HTTPError(404, f"{os.path.basename(result.path)} is not a file")
    check_field("content-type", result.mimetype)
    response.body = FileBody(result.path, state.st_size)
    _default_type(response, ("content-type", result.mimetype))


def _encode_stream(response: Response, result: Any) -> None:
    response.body = stream_of(result)
    _default_type(response, _HTML)


def _encode_list(response: Response, result: list[Any] | tuple[Any, ...]) -> None:
    if not result:
        raise TypeError("an empty list is no answer over HTTP; return was.API(...) for JSON")
    response.body = stream_of_all(result)
    _default_type(response, _HTML)


def _encode_deferred(response: Response, result: Deferred) -> None:
    raise Unfinished(result)


def _encoder_for(kind: type, result: object) -> Callable[[Response, Any], None]:
    if issubclass(kind, msgspec.Struct) or is_dataclass(kind):
        return _encode_data
    for base in (API, str, bytes, Response, File, Deferred):
        if issubclass(kind, base):
            return _ENCODERS[base]
    if is_stream(result):
        return _encode_stream
    wanted = "was.API(...) for JSON" if kind in (dict, list, int, float, bool) else "text, bytes or was.API(...)"
    raise TypeError(f"a handler returned {kind.__name__}, which has no form over HTTP: return {wanted}")


def _default_type(response: Response, field: tuple[str, str]) -> None:
    headers = response.headers
    if headers and response.get_header("content-type") is not None:
        return
    headers.append(field)


_ENCODERS: dict[type, Callable[[Response, Any], None]] = {
    API: _encode_api,
    Response: _encode_response,
    str: _encode_text,
    bytes: _encode_bytes,
    bytearray: _encode_bytes,
    memoryview: _encode_bytes,
    File: _encode_file,
    list: _encode_list,
    tuple: _encode_list,
    Deferred: _encode_deferred,
    Stream: lambda response, result: setattr(response, "body", result),
    FileBody: lambda response, result: setattr(response, "body", result),
}
