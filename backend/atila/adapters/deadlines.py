"""Deadlines of waits: one look at all of them now and then, where a timer for each would cost more than most waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Value = TypeVar("Value")


class Deadlines:
    """Ends waits of one event loop that take over `seconds`, within a quarter of that. As long-lived as its adapter."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends: dict[asyncio.Task[object], float] = {}  # when each waiting task is late
        self._late: set[asyncio.Task[object]] = set()
        self._looking = False

    async def keep(self, awaitable: Awaitable[Value]) -> Value:
        """Return what is awaited. Raises TimeoutError when it takes too long."""
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        loop = asyncio.get_running_loop()
        self._ends[task] = loop.time() + self.seconds
        if not self._looking:
            self._look_later(loop)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            raise TimeoutError from None
        finally:
            self._ends.pop(task, None)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looking = True
        loop.call_later(self.seconds / 4, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looking = False
        now = loop.time()
        for task in [task for task, end in self._ends.items() if end <= now]:
            del self._ends[task]
            self._late.add(task)
            task.cancel()
        if self._ends:
            self._look_later(loop)
