"""SQL databases: pooled connections, transactions, and queries that bind every value."""

from .connection import Database
from .dialect import Json
from .registry import Databases, Sessions, open_databases
from .rows import Row
from .session import Session
from .transaction import Transaction

__all__ = ["Database", "Databases", "Json", "Row", "Session", "Sessions", "Transaction", "open_databases"]
