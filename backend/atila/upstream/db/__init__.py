"""SQL databases: pooled connections, transactions, and queries that bind every value.

A module is loaded with the first of its names that is asked for: an app that has no database starts without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conditions import Q, exists
    from .database import Database
    from .dialect import Json
    from .expressions import F, Fn
    from .registry import Databases, Sessions, open_databases
    from .rows import Row
    from .session import Session
    from .sqlmaps import SqlMaps
    from .template import Sql
    from .transaction import Transaction

__all__ = [
    "Database",
    "Databases",
    "F",
    "Fn",
    "Json",
    "Q",
    "Row",
    "Session",
    "Sessions",
    "Sql",
    "SqlMaps",
    "Transaction",
    "exists",
    "open_databases",
]

_HOMES = {
    "Database": "database", "Databases": "registry", "F": "expressions", "Fn": "expressions", "Json": "dialect",
    "Q": "conditions", "Row": "rows", "Session": "session", "Sessions": "registry", "Sql": "template",
    "SqlMaps": "sqlmaps", "Transaction": "transaction", "exists": "conditions", "open_databases": "registry",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Return a name of this package from the module that has it. Raises AttributeError for another."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
