"""Asking all workers for their numbers, from a thread beside the one that supervises them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from .control import REPORT
from .reports import Reports, exposition

if TYPE_CHECKING:
    from .supervisor import Worker

PATIENCE = 2.0  # seconds a worker may take; one that says nothing is counted as it was before

_log = logging.getLogger("skitai")


class Survey:
    """Collects what workers report. Lives as long as the main process."""

    def __init__(self) -> None:
        self.reports = Reports()
        self.wake: Callable[[], object] = lambda: None  # makes the supervising thread call `ask`; set by it
        self.wanted = False  # somebody waits for numbers that were not asked for yet
        self._one_at_a_time = threading.Lock()
        self._complete = threading.Event()
        self._pending: set[int] = set()

    def text(self) -> str:
        """Return the numbers of now as Prometheus's text; waits for the workers. From a thread of its own."""
        with self._one_at_a_time:
            self._complete.clear()
            self.wanted = True
            self.wake()
            self._complete.wait(PATIENCE)
            return exposition(self.reports.families())

    # for the supervising thread

    def ask(self, workers: Iterable[Worker]) -> None:
        """Ask those that serve."""
        self.wanted = False
        self._pending.clear()
        for worker in workers:
            if worker.control is not None:
                try:
                    worker.control.send(REPORT)
                except OSError:
                    continue  # it is about to end, or takes nothing
                self._pending.add(worker.process.pid)
        self._note()

    def take(self, worker: Worker, line: bytes) -> None:
        """Keep what a worker says."""
        try:
            self.reports.take(worker.process.pid, worker.slot, line)
        except msgspec.DecodeError as error:
            _log.error("worker %d reports what cannot be read: %s", worker.slot + 1, error)
        self._pending.discard(worker.process.pid)
        self._note()

    def part(self, worker: Worker, *, died: bool) -> None:
        """A worker has ended."""
        self.reports.part(worker.process.pid, died=died)
        self._pending.discard(worker.process.pid)
        self._note()

    def _note(self) -> None:
        if not self._pending:
            self._complete.set()
