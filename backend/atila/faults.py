"""Error handlers of an app, and the answer that an exception becomes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from .errors import HTTPError
from .hooks import called
from .http.headers import accepts
from .http.problem import describe_exception, error_data
from .http.response import ExcInfo, Response
from .http.results import encode
from .rendering.error_page import error_page
from .routing.route import AnyHandler, Handler
from .status import BODILESS
from .was import Was


class Faults:
    """The functions that make an app's error answers. Lives as long as the app."""

    def __init__(self) -> None:
        self.by_code: dict[int, Handler] = {}
        self.default: Handler | None = None

    def error_handler(self, code: int) -> Callable[[AnyHandler], AnyHandler]:
        """Set `f(was, error)` to make the answer for a status code, generated errors included."""

        def declare(handler: AnyHandler) -> AnyHandler:
            self.by_code[code] = handler
            return handler

        return declare

    def default_error_handler(self, handler: AnyHandler) -> AnyHandler:
        """Set `f(was, error)` to make the answer for every status that has no handler of its own."""
        self.default = handler
        return handler

    def last_resort(self, was: Was, error: Exception) -> None:
        """Answer 500 when the error handler itself failed."""
        was.traceback()
        failed = HTTPError(500, f"{type(error).__name__}: {error}" if was.app.debug else None)
        was.response.headers.clear()
        was.response.status, was.response.reason = 500, ""
        generate(was, failed, describe(was, failed, None))

    def handler(self, code: int) -> Handler | None:
        return self.by_code.get(code, self.default)


async def answer(was: Was, error: HTTPError, exc_info: ExcInfo | None = None) -> Response:
    """Turn an error into the request's response: by the app's handler, else as a page or as JSON (RFC 9110 12.5.1)."""
    response = was.response
    response.status, response.reason = error.status.code, error.status.reason
    for name, value in error.headers:
        response.add_header(name, value)
    handler = was.app.faults.handler(error.status.code) if error.status.code >= 400 else None
    facts = describe(was, error, exc_info)
    result = await called(handler(was, facts)) if handler is not None else None
    if result is None or (result is response and response.body is None):
        generate(was, error, facts, exc_info)
    else:
        encode(response, result)
    return response


def generate(was: Was, error: HTTPError, facts: dict[str, Any], exc_info: ExcInfo | None = None) -> None:
    """Write the default error answer: a page when the client asks for text/html, else JSON."""
    response = was.response
    response.del_header("content-type")
    if error.status.code in BODILESS:
        response.body = b""
        return
    response.vary("accept")
    if accepts(was.request.get_header("accept"), "text/html"):
        response.headers.append(("content-type", "text/html; charset=utf-8"))
        response.body = error_page(facts, exc_info[1] if exc_info and was.app.debug else None).encode()
        return
    data = error_data(error)
    if facts["traceback"]:
        data["traceback"] = facts["traceback"]
    response.headers.append(("content-type", "application/json"))
    response.body = msgspec.json.encode(data)


def describe(was: Was, error: HTTPError, exc_info: ExcInfo | None) -> dict[str, Any]:
    """Return what error handlers get.

    code, errno, message, reason, detail, errors, mode, debug, time, url, software; and traceback, in debug only or for
    an `exc_info` that the handler gave.
    """
    request = was.request
    shown = exc_info if exc_info and (was.app.debug or was.response.exc_info) else None
    return {
        "code": error.status.code,
        "errno": error.errno or 0,
        "message": error.message,
        "reason": error.status.reason,
        "detail": error.detail,
        "errors": [reason._asdict() for reason in error.reasons],
        "mode": "debug" if was.app.debug else "normal",
        "debug": was.app.debug,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "url": f"{request.scheme}://{request.host}{request.uri}",
        "software": was.app.platform.name,
        "traceback": describe_exception(shown) if shown else None,
    }
