"""A query on every member of an alias at once: `was.db.map("@shards").select("photo").execute()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from atila.upstream.group import Tasks

from .query import Query
from .session import Session
from .sqlmaps import SqlMaps
from .template import Sql


class Everywhere(Sql):
    """Queries that run on every member; their `execute()` gives Tasks, in the members' order."""

    def __init__(self, sessions: Sequence[Session], maps: SqlMaps | None) -> None:
        super().__init__(maps or SqlMaps(Path.cwd, lambda: False), cast(Any, self))
        self._sessions = sessions

    def execute(self, query: str | Query, params: Sequence[Any] | Mapping[str, Any] | None = None) -> Tasks:
        """Run a query, or SQL with values, on every member. Raises ValueError or TypeError for what cannot be one."""
        return Tasks([session.execute(query, params) for session in self._sessions], None)
