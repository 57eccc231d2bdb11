"""PostgreSQL through psycopg2."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import msgspec

from atila.alias import Member

from .dialect import Dialect, Json

try:
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
except ImportError as missing:
    raise ImportError("PostgreSQL needs psycopg2: pip install psycopg2-binary") from missing

CONNECT_TIMEOUT = 5  # seconds; libpq's own default is to wait for ever


class PostgreSQL(Dialect):
    """One PostgreSQL database."""

    name = "PostgreSQL"
    paramstyle = "pyformat"
    quotes = ('"', '"')
    begin = "BEGIN"
    for_update = " FOR UPDATE"
    rewrites = MappingProxyType({})
    Error = psycopg2.Error
    IntegrityError = psycopg2.IntegrityError

    def __init__(self, member: Member, ssl: bool = False) -> None:
        super().__init__()
        given = {
            "host": member.host,
            "port": member.port,
            "user": member.user,
            "password": member.password,
            "dbname": member.database,
            "connect_timeout": CONNECT_TIMEOUT,
            "sslmode": "require" if ssl else "",
        }
        self.arguments: dict[str, Any] = {name: value for name, value in given.items() if value} | dict(member.options)
        self.adapters.update({Json: _write_json, dict: _write_json, list: list, tuple: list})
        self._read_bytes = psycopg2.extensions.new_type(psycopg2.BINARY.values, "BYTES", _read_bytes)

    def connect(self) -> Any:
        connection = psycopg2.connect(**self.arguments)
        connection.set_session(autocommit=True)
        psycopg2.extensions.register_type(self._read_bytes, connection)
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
        return connection

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.get_transaction_status() != psycopg2.extensions.TRANSACTION_STATUS_IDLE)

    def lost(self, connection: Any) -> bool:
        return bool(connection.closed)


def _write_json(value: Any) -> Any:
    content = value.value if isinstance(value, Json) else value
    return psycopg2.extras.Json(content, dumps=lambda content: msgspec.json.encode(content).decode())


def _read_bytes(value: Any, cursor: Any) -> bytes | None:
    found = psycopg2.BINARY(value, cursor)
    return None if found is None else bytes(found)
