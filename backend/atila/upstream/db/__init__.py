"""SQL databases: pooled connections, transactions, and queries that bind every value."""

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
