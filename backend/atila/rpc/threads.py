"""Threads for the gRPC-Web streams of plain handlers: a worker thread would be gone as long as a stream lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ..concurrency import adopt


class StreamThreads:
    """At most `count` threads, made when they are needed; each stream holds one while it waits. Lives as long as its
    app.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ThreadPoolExecutor | None = None

    def take(self, step: Callable[[], Any]) -> Awaitable[Any]:
        """Run a step of a stream on a thread, from the event loop."""
        loop = asyncio.get_running_loop()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._count, "grpc-web", initializer=adopt, initargs=(loop,))
        return loop.run_in_executor(self._pool, copy_context().run, step)  # so that what it logs has its request

    def stop(self) -> None:
        """Let the threads end; a step that runs ends before."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
