"""Replies of reads, kept in memory for the same statement."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from atila.upstream.cache import Cache
from atila.upstream.task import Reply

from .dialect import Statement


class Place:
    """Where the reply of one statement is kept: its task's keeper."""

    __slots__ = ("_cache", "_limit", "_statement")

    def __init__(self, cache: Cache, statement: Statement, limit: int) -> None:
        """`limit` is in bytes, for all replies of the database."""
        self._cache = cache
        self._statement = statement
        self._limit = limit

    def find(self, use: bool | float) -> Reply[Any] | None:
        """Return the reply that was kept. `use` is False for none, or a time: it must have been kept after that."""
        return self._cache.find(self._key(), use)

    def keep(self, reply: Reply[Any], seconds: float) -> None:
        """Keep a reply for some seconds. Raises TypeError when a value of the statement cannot be told from others."""
        size = sum(200 + sum(map(_size, row.values())) for row in reply.data or ())
        self._cache.keep(self._key(), reply, size, seconds, self._limit)

    def _key(self) -> Hashable:
        params = self._statement.params or ()
        values = params.items() if isinstance(params, Mapping) else enumerate(params)
        # With their kinds: 1 and True are equal to Python.
        return (self._statement.sql, tuple((name, type(value), _hashable(value)) for name, value in values))


def _hashable(value: Any) -> Hashable:
    return value if getattr(value, "__hash__", None) else repr(value)


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | bytes) else 32
