"""Jobs that an app runs every so many seconds, on a thread of their own."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .concurrency import adopt, drive, settle
from .errors import SettingError
from .routing.route import AnyHandler, Handler


class Maintenance:
    """The interval jobs of one app. Lives as long as the app; its thread from the app's start to its stop.

    Jobs run one after the other. One that fails is logged with its name and runs again next time; one that takes
    longer than the interval delays the next run.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.jobs: dict[str, Handler] = {}
        self._count = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def maintain(self, job: AnyHandler) -> AnyHandler:
        """Run `f(was, now, count)` every `app.config.maintain_interval` seconds.

        `now` is the time in seconds since 1970, `count` says how often the jobs have run; `f(was)` and `f(was, now)`
        will do. Raises SettingError for a second job of the same name.
        """
        if job.__name__ in self.jobs:
            raise SettingError(f"@app.maintain: there is a job named {job.__name__!r} already")
        self.jobs[job.__name__] = job
        return job

    def forget(self, belongs: Callable[[Handler], bool]) -> None:
        """Drop the jobs that `belongs` says yes to: those of a module that goes."""
        self.jobs = {name: job for name, job in self.jobs.items() if not belongs(job)}

    @property
    def running(self) -> bool:
        """The thread was started."""
        return self._thread is not None

    def start(self, make_was: Callable[[], Any], interval: float, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread, when there are jobs. Raises SettingError when the interval is not above 0."""
        if not self.jobs or self._thread is not None:
            return
        if interval <= 0:
            raise SettingError(f"app.config.maintain_interval is {interval!r}; it is a number of seconds above 0")
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._work, args=(make_was, interval, loop), name="maintenance", daemon=True
        )
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End the thread after the job that it is at; wait `timeout` seconds at most."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)
            self._thread = None

    def run(self, make_was: Callable[[], Any]) -> None:
        """Run every job once."""
        self._count += 1
        now = time.time()
        for name, job in list(self.jobs.items()):
            was = make_was()
            try:
                drive(_finished(job(was, *(now, self._count)[: _arguments(job)])))
            except Exception:
                self.logger.exception("maintenance: the job %s failed", name)

    def _work(self, make_was: Callable[[], Any], interval: float, loop: asyncio.AbstractEventLoop) -> None:
        adopt(loop)
        while not self._stopping.wait(interval):
            self.run(make_was)


async def _finished(outcome: Any) -> None:
    if isinstance(outcome, Awaitable):
        await settle(outcome)


def _arguments(job: Handler) -> int:
    """Return how many arguments a job takes beside `was`."""
    parameters = list(inspect.signature(job).parameters.values())
    if any(item.kind is item.VAR_POSITIONAL for item in parameters):
        return 2
    return sum(item.kind in (item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD) for item in parameters) - 1
