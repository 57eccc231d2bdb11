"""What an adapter can serve: something that says, for a request, what answers it and where that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..concurrency import WorkerThreads
from .duplex import Duplex
from .request import Request
from .response import Response

Converse = Callable[[Request, Duplex, WorkerThreads | None], Coroutine[Any, Any, None]]


class Job:
    """How one kind of request is answered. Made once for each route; lives as long as it."""

    __slots__ = ("blocking", "body_limit", "converse", "found", "multipart_limit", "perform", "respond", "stream_over")

    def __init__(
        self,
        respond: Callable[[Request], Coroutine[Any, Any, Response]],
        *,
        perform: Callable[..., Coroutine[Any, Any, Any]] | None = None,
        blocking: bool = False,
        body_limit: int = 0,
        multipart_limit: int = 0,
        stream_over: int = 0,
        found: bool = True,
        converse: Converse | None = None,
    ) -> None:
        self.respond = respond
        self.found = found  # False: no route has this path, the job only says 404; an engine may try something else
        self.perform = perform  # the handler's result itself, for protocols with their own encoding; raises HTTPError
        self.blocking = blocking  # it may block: drive it on a worker thread
        self.body_limit = body_limit  # bytes of the body to read; more is 413; 0 leaves the body unread
        self.multipart_limit = multipart_limit or body_limit  # the same for multipart/form-data
        self.converse = converse  # how a WebSocket of it is served; None: a handshake gets what `respond` says
        self.stream_over = stream_over  # a longer body comes as `request.incoming`, in pieces; 0: all are read whole


class Site(Protocol):
    """An app, or everything an engine has mounted."""

    def resolve(self, request: Request) -> Job:
        """Return what answers the request. Never raises: a request that nothing answers gets a job that says 404."""

    async def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called once in each serving process before the first request."""

    async def stop(self) -> None:
        """Called once in each serving process after the last request."""
