"""An app of another framework as a Site: what WSGI and ASGI mounts have in common, and how to tell them apart."""

from __future__ import annotations

import asyncio
import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from atila.errors import HTTPError
from atila.http.duplex import Duplex
from atila.http.headers import Pairs
from atila.http.request import Request
from atila.http.response import Response
from atila.http.site import Job
from atila.loader import LoadError

from .overrides import Overrides

STREAM_OVER = 64 * 1024  # bytes: an ASGI app gets a longer body in pieces

Interface = Literal["wsgi", "asgi"]
Refuse = Callable[[Request, HTTPError], Response]


class ForeignSite(ABC):
    """A Site that an app of another framework answers. Lives as long as the worker.

    `use_reloader` and `code_folder` tell the engine which files to watch.
    """

    threaded: bool  # the app may block: it runs on the threads of plain handlers

    def __init__(self, app: Any, given: Overrides, refuse: Refuse, folder: Path | None = None) -> None:
        self.app = app
        self.refuse = refuse
        self.limits = given.socket_limits
        self.code_folder = folder
        self.use_reloader = bool(given.values.get("use_reloader", False))
        self.job = Job(
            self.respond,
            blocking=self.threaded,
            body_limit=given.body_limit,
            multipart_limit=given.multipart_limit,
            stream_over=0 if self.threaded else STREAM_OVER,
            converse=None if self.threaded else self.converse,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.app!r})"

    def resolve(self, request: Request) -> Job:
        return self.job

    @abstractmethod
    async def respond(self, request: Request) -> Response:
        """Return the app's answer."""

    async def converse(self, request: Request, duplex: Duplex, _: object) -> None:
        """Serve a WebSocket; WSGI has none."""
        raise NotImplementedError

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:  # noqa: B027 - most have nothing to do
        """Called before the first request."""

    async def stop(self) -> None:  # noqa: B027
        """Called after the last request."""


def fields_for(request: Request) -> Pairs:
    """Return the header fields that a guest gets: what a stranger says of who asked, and of how, is not among them."""
    if request.forwarded:
        return request.headers.pairs
    return [pair for pair in request.headers.pairs if not pair[0].startswith(("x-forwarded-", "forwarded"))]


def interface_of(app: Any) -> Interface:
    """Say which interface an app has: a coroutine function or one of three arguments is ASGI, one of two is WSGI.

    Raises LoadError for what cannot be called so.
    """
    call = app if inspect.isroutine(app) or inspect.isclass(app) else getattr(app, "__call__", None)  # noqa: B004
    if call is None:
        raise LoadError(f"{app!r} is no app: neither of Atila, nor WSGI, nor ASGI")
    if inspect.iscoroutinefunction(call):
        return "asgi"
    try:
        inspect.signature(call).bind(object(), object())
    except ValueError:  # a builtin tells no signature
        return "wsgi"
    except TypeError:
        pass
    else:
        return "wsgi"
    try:
        inspect.signature(call).bind(object(), object(), object())
    except TypeError:
        raise LoadError(f"{app!r} is no app: it takes neither two arguments (WSGI) nor three (ASGI)") from None
    return "asgi"


def folder_of(app: Any) -> Path | None:
    """Return the folder of the module that an app was made in, as far as it can be told."""
    name = str(getattr(app, "import_name", None) or getattr(app, "__module__", None) or "")
    file = getattr(sys.modules.get(name), "__file__", None)
    return Path(file).resolve().parent if file else None
