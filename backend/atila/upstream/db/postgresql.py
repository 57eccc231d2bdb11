"""PostgreSQL through psycopg2."""

from __future__ import annotations

import random
import select
import time
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, ClassVar

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
HUNG_UP = "server closed the connection"  # libpq's words, which has no code for it
FOREVER = 1e6  # seconds; what libpq means by a timeout of 0
POLL_OK, POLL_WRITE = psycopg2.extensions.POLL_OK, psycopg2.extensions.POLL_WRITE
# Gone, or in the middle of a statement.
_UNUSABLE = (psycopg2.extensions.TRANSACTION_STATUS_UNKNOWN, psycopg2.extensions.TRANSACTION_STATUS_ACTIVE)


class Waiting(psycopg2.extensions.connection):
    """A connection that can wait for its socket."""

    sending = False  # a part of the last statement had not left when a wait ended
    _reader: Any = None

    def await_socket(self, write: bool, timeout: float | None) -> bool:
        """Wait until the socket can be read, or written; say no after `timeout` seconds."""
        if write or not hasattr(select, "poll"):  # Windows has none
            socket = [self.fileno()]
            return any(select.select([] if write else socket, socket if write else [], [], timeout))
        reader = self._reader
        if reader is None:
            reader = self._reader = select.poll()
            reader.register(self.fileno(), select.POLLIN)
        return bool(reader.poll(None if timeout is None else timeout * 1000))


class PostgreSQL(Dialect):
    """One PostgreSQL database."""

    name = "PostgreSQL"
    paramstyle = "pyformat"
    quotes = ('"', '"')
    flies = True
    begin = "BEGIN"
    for_update = " FOR UPDATE"
    skip_locked = " SKIP LOCKED"
    rewrites: ClassVar = MappingProxyType({"holds": "{column} @> {0}::jsonb"})
    arithmetic: ClassVar = MappingProxyType({"%": "mod({0}, {1})"})  # to psycopg2 a "%" is a placeholder's
    Error = psycopg2.Error
    IntegrityError = psycopg2.IntegrityError

    def __init__(self, members: Sequence[Member], ssl: bool = False) -> None:
        super().__init__()
        self._members = [(member.weight, arguments(member, ssl)) for member in members]
        self.adapters.update({Json: _write_json, dict: _write_json, list: list, tuple: list})
        self._read_bytes = psycopg2.extensions.new_type(psycopg2.BINARY.values, "BYTES", _read_bytes)

    def connect(self) -> Any:
        """Open a connection that commits each statement by itself and only sends it. Raises `Error`."""
        try:
            return self._open()
        except psycopg2.OperationalError as error:
            if HUNG_UP not in str(error):
                raise
            return self._open()  # it had hardly begun, and nothing was asked of it

    def wait(self, connection: Any, timeout: float | None) -> bool:
        poll = connection.poll
        state = poll()
        if state == POLL_OK:
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not connection.await_socket(state == POLL_WRITE, left):
                connection.sending = state == POLL_WRITE
                return False
            state = poll()
            if state == POLL_OK:
                return True

    def sending(self, connection: Any) -> bool:
        return bool(connection.sending)

    def cancel(self, connection: Any) -> None:
        connection.cancel()

    def _open(self) -> Any:
        connection = self._connect_somewhere()
        self._set_up(connection)
        return connection

    def _set_up(self, connection: Any) -> None:
        psycopg2.extensions.register_type(self._read_bytes, connection)
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            self.wait(connection, None)

    def _connect_somewhere(self) -> Any:
        """Connect to a member, chosen by weight; when it is down, to another one. Raises the last one's error."""
        left = list(self._members)
        while True:
            chosen = left[0] if len(left) == 1 else random.choices(left, [weight for weight, _ in left])[0]  # noqa: S311
            left.remove(chosen)
            try:
                return self._connect_to(chosen[1])
            except psycopg2.OperationalError:
                if not left:
                    raise

    def _connect_to(self, arguments: dict[str, Any]) -> Any:
        connection = psycopg2.connect(**arguments, async_=True, connection_factory=Waiting)
        patience = float(arguments["connect_timeout"]) or FOREVER  # libpq's own is for connections that wait
        if not self.wait(connection, patience):
            connection.close()
            raise psycopg2.OperationalError(
                f"no answer from {arguments.get('host', 'the server')} within {patience:g} s"
            )
        return connection

    def read_path(self, column: str, path: tuple[str, ...], cast: str) -> str:
        keys = _write_keys(path)
        if cast == "json":
            return f"({column}::jsonb #> {keys})"
        if cast == "text":
            return f"({column} #>> {keys})"
        # A value of another type is none, rather than an error for the whole query.
        as_type = _TYPES[cast]
        found = f"({column} #>> {keys})::{as_type}"
        return f"(CASE jsonb_typeof({column}::jsonb #> {keys}) WHEN '{cast}' THEN {found} END)"

    def write_path(self, column: str, path: tuple[str, ...], value: str) -> str:
        return f"jsonb_set(coalesce({column}::jsonb, '{{}}'), {_write_keys(path)}, ({value})::jsonb)"

    def as_json(self, column: str) -> str:
        return f"{column}::jsonb"

    seek = Dialect.adapt

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.get_transaction_status() != psycopg2.extensions.TRANSACTION_STATUS_IDLE)

    def lost(self, connection: Any) -> bool:
        return bool(connection.closed) or connection.get_transaction_status() in _UNUSABLE


def arguments(member: Member, ssl: bool) -> dict[str, Any]:
    """Return how libpq connects to a member; what is not given is left to libpq's own defaults."""
    given = {
        "host": member.host,
        "port": member.port,
        "user": member.user,
        "password": member.password,
        "dbname": member.database,
        "connect_timeout": CONNECT_TIMEOUT,
        "sslmode": "require" if ssl else "",
    }
    return {name: value for name, value in given.items() if value} | dict(member.options)


_TYPES = {"number": "numeric", "boolean": "boolean"}


def _write_keys(path: tuple[str, ...]) -> str:
    # An array's literal; `check_key` let nothing through that ends it.
    return "'{" + ",".join(f'"{key}"' for key in path) + "}'"


def _write_json(value: Any) -> Any:
    content = value.value if isinstance(value, Json) else value
    return psycopg2.extras.Json(content, dumps=lambda content: msgspec.json.encode(content).decode())


def _read_bytes(value: Any, cursor: Any) -> bytes | None:
    found = psycopg2.BINARY(value, cursor)
    return None if found is None else bytes(found)
