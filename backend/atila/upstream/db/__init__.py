"""SQL databases: pooled connections, transactions, and queries that bind every value."""

from .connection import Database, Databases
from .dialect import Json
from .rows import Row
from .session import Session
from .transaction import Transaction

__all__ = ["Database", "Databases", "Json", "Row", "Session", "Transaction"]
