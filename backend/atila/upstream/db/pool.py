"""Connections that stay open for the next use."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable

from .connection import IDLE, Connection

SURPLUS = 60.0  # seconds after which a connection that nobody needed is closed


class PoolTimeoutError(Exception):
    """All connections were in use for too long."""


class Pool:
    """At most `size` connections, the one used last first. Lives as long as its database; safe for all threads."""

    def __init__(self, connect: Callable[[], Connection], size: int, patience: float) -> None:
        self._connect = connect
        self._size = size
        self._patience = patience  # seconds to wait for a connection
        self._idle: deque[Connection] = deque()
        self._open = 0  # idle and in use
        self._waiting = 0
        self._generation = 0  # connections of an earlier one are closed when they come back
        self._changed = threading.Condition(threading.Lock())

    def take(self) -> Connection:
        """Return a connection that works. Raises the driver's error, or PoolTimeoutError when none comes free."""
        while True:
            connection = self._take_any()
            # It may have come back, or been opened, while the others were given up.
            recent = time.monotonic() - connection.used < IDLE
            if connection.generation == self._generation and (recent or connection.answers()):
                return connection
            self.give_back(connection)

    def take_now(self) -> Connection | None:
        """Return a connection as `take` does, or None when all are in use."""
        found = self.take_idle()
        if found is None and (self._idle or self._open < self._size):
            return self.take()
        return found

    def take_idle(self) -> Connection | None:
        """Return a connection that was used a moment ago, or None: this never waits for anything."""
        if self._waiting:
            return None
        try:
            connection = self._idle.pop()
        except IndexError:
            return None
        if connection.generation == self._generation and time.monotonic() - connection.used < IDLE:
            return connection
        self._idle.append(connection)
        return None

    def give_back(self, connection: Connection, clean: bool = False) -> bool:
        """Take a connection back, or close it when it is dead. Say whether it was left in a transaction.

        `clean` says that it cannot have been.
        """
        stray = not clean and connection.roll_back()
        connection.used = time.monotonic()
        if connection.lost:
            self.renew(connection.generation)
        if connection.generation != self._generation:
            self._close(connection)
            return stray
        # A deque's ends are changed atomically: no lock on the way that is gone each time.
        self._idle.append(connection)
        if self._waiting:
            with self._changed:
                self._changed.notify()
        elif connection.used - self._idle[0].used > SURPLUS:
            self._close_surplus()
        return stray

    def renew(self, generation: int | None = None) -> None:
        """Close the idle connections, and those in use when they come back: one was dead, the others hardly better.

        Nothing happens when that was done since `generation`.
        """
        with self._changed:
            if generation is not None and generation != self._generation:
                return
            self._generation += 1
        with contextlib.suppress(IndexError):  # that was the last one
            while True:
                self._close(self._idle.pop())

    @property
    def state(self) -> dict[str, int]:
        """How many connections are open, and how many of them idle; who waits for one; how many there may be."""
        return {"open": self._open, "idle": len(self._idle), "waiting": self._waiting, "size": self._size}

    def _take_any(self) -> Connection:
        if not self._waiting:
            try:
                return self._idle.pop()
            except IndexError:
                pass
        found = self._wait_for_one()
        return found or self._open_one()

    def _wait_for_one(self) -> Connection | None:
        """Return an idle connection, or None when one may be opened, which then is counted already."""
        deadline = time.monotonic() + self._patience
        with self._changed:
            self._waiting += 1
            try:
                while True:
                    try:
                        return self._idle.pop()
                    except IndexError:
                        pass
                    if self._open < self._size:
                        self._open += 1
                        return None
                    left = deadline - time.monotonic()
                    if left <= 0 or not self._changed.wait(left):
                        raise PoolTimeoutError(f"all {self._size} connections were in use for {self._patience} s")
            finally:
                self._waiting -= 1

    def _open_one(self) -> Connection:
        generation = self._generation  # as it was before: the server may hang up on it with the others
        try:
            connection = self._connect()
        except BaseException:
            self._uncount()
            raise
        connection.generation = generation
        return connection

    def _close(self, connection: Connection) -> None:
        connection.close()
        self._uncount()

    def _uncount(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify()

    def _close_surplus(self) -> None:
        with contextlib.suppress(IndexError):  # somebody took it
            self._close(self._idle.popleft())
