"""SQLite: a file beside the process; many read while one writes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from .dialect import Dialect, Json, in_utc

SETTINGS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = NORMAL",  # with WAL: a power cut may lose the last commits, never the file
    "PRAGMA foreign_keys = ON",
    "PRAGMA case_sensitive_like = ON",  # as on PostgreSQL
)


class SQLite(Dialect):
    """The SQLite file at a path; ":memory:" is a database that one connection holds."""

    name = "SQLite"
    paramstyle = "qmark"
    # Not double quotes: SQLite reads "no_such_column" as a text, and a mistake would go unnoticed.
    quotes = ("[", "]")
    begin = "BEGIN IMMEDIATE"  # a transaction that starts reading may not be able to write any more
    for_update = ""  # BEGIN IMMEDIATE has locked them
    skip_locked = ""
    rewrites: ClassVar = {
        **dict.fromkeys(
            ("ilike", "icontains", "istartswith", "iendswith"),
            "atila_lower({column}) LIKE atila_lower({0}) ESCAPE '\\'",
        ),
        "regex": "{column} REGEXP {0}",
        "has_key": "EXISTS (SELECT 1 FROM json_each({column}) WHERE key = {0})",
        "holds": "",
    }
    arithmetic: ClassVar[dict[str, str]] = {}
    Error = sqlite3.Error
    IntegrityError = sqlite3.IntegrityError

    def __init__(self, path: str, patience: float = 10.0) -> None:
        """Take the file's path, and how many seconds to wait for another writer."""
        super().__init__()
        self._patience = patience
        self.path = path
        self.single = path in ("", ":memory:")
        self.adapters.update(_ADAPTERS)
        for names, converter in _CONVERTERS:
            for name in names:
                sqlite3.register_converter(name, converter)

    def connect(self) -> sqlite3.Connection:
        """Open the file; its folder must exist."""
        if not self.single and not Path(self.path).absolute().parent.is_dir():
            raise sqlite3.OperationalError(f"the folder of {self.path} does not exist")
        connection = sqlite3.connect(
            self.path,
            timeout=self._patience,
            isolation_level=None,  # we say BEGIN ourselves
            check_same_thread=False,  # the pool gives a connection to one thread at a time
            detect_types=sqlite3.PARSE_DECLTYPES,
            cached_statements=256,
        )
        for setting in SETTINGS:
            connection.execute(setting)
        connection.create_function("regexp", 2, _matches, deterministic=True)
        connection.create_function("atila_lower", 1, _lower, deterministic=True)  # SQLite's own knows ASCII only
        return connection

    def read_path(self, column: str, path: tuple[str, ...], cast: str) -> str:
        place = f"{column}, {_write_place(path)}"
        return _READ[cast].format(found=f"json_extract({place})", kind=f"json_type({place})")

    def write_path(self, column: str, path: tuple[str, ...], value: str) -> str:
        return f"json_set(coalesce({column}, '{{}}'), {_write_place(path)}, json({value}))"

    def as_json(self, column: str) -> str:
        return column

    def in_transaction(self, connection: sqlite3.Connection) -> bool:
        return connection.in_transaction

    def lost(self, connection: sqlite3.Connection) -> bool:
        return False

    def seek(self, value: Any) -> Any:
        # A number of any size can be looked for, as on PostgreSQL; sqlite3 refuses to bind more than 64 bits.
        if type(value) is int and not -(2**63) <= value < 2**63:
            return float("inf") if value > 0 else float("-inf")
        return self.adapt(value)


# As PostgreSQL reads them; a value of another type is none.
_READ = {
    "json": "{found}",
    "text": "(CASE {kind} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST({found} AS TEXT) END)",
    "number": "(CASE WHEN {kind} IN ('integer', 'real') THEN {found} END)",
    "boolean": "(CASE {kind} WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)",
}


def _write_place(path: tuple[str, ...]) -> str:
    # `check_key` let nothing through that ends a key or the literal. A number is a place in a list.
    return "'$" + "".join(f"[{key}]" if key.isdecimal() else f'."{key}"' for key in path) + "'"


def _matches(pattern: str, value: object) -> bool | None:
    return None if value is None else re.search(pattern, str(value)) is not None


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _write_moment(moment: datetime) -> str:
    # Of one width, so that text compares as time does.
    return in_utc(moment).isoformat(timespec="microseconds")


def _read_moment(text: bytes) -> datetime:
    return in_utc(datetime.fromisoformat(text.decode()))


def _write_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_ADAPTERS: dict[type, Callable[[Any], Any]] = {
    datetime: _write_moment,
    date: date.isoformat,
    time: time.isoformat,
    Decimal: str,
    Json: lambda json: _write_json(json.value),
    dict: _write_json,
    list: _write_json,
    tuple: _write_json,
}
# By the type that a column was declared with; names of PostgreSQL's, so that one schema serves both.
_CONVERTERS = (
    (("TIMESTAMPTZ",), _read_moment),
    (("TIMESTAMP", "DATETIME"), lambda text: _read_moment(text).replace(tzinfo=None)),
    (("DATE",), lambda text: date.fromisoformat(text.decode())),
    (("TIME",), lambda text: time.fromisoformat(text.decode())),
    (("BOOL", "BOOLEAN"), lambda text: text != b"0"),
    (("JSON", "JSONB"), msgspec.json.decode),
)
