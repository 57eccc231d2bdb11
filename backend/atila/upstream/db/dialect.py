"""What differs between databases: how to connect, write names and placeholders, and hand values over."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from atila.errors import HTTPError

PLACEHOLDERS = {"qmark": "?", "pyformat": "%s"}  # PEP 249's paramstyles
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")  # 63 is PostgreSQL's limit
LARGEST = 2**63 - 1  # what either database counts rows with


class Statement(NamedTuple):
    """SQL as the driver takes it, its values, and whether it may change something."""

    sql: str
    params: Sequence[Any] | Mapping[str, Any] | None
    writes: bool
    flies: bool = False  # nothing that follows depends on its end
    built: bool = False  # by a query, which opens no transaction


@dataclass(frozen=True, slots=True)
class Json:
    """A value to store as JSON: `db.insert("log").data(detail=Json([1, 2]))`."""

    value: object


class Dialect(ABC):
    """One kind of database at one address. Lives as long as the Database that it belongs to; holds no connection."""

    name: ClassVar[str]
    paramstyle: ClassVar[str]
    quotes: ClassVar[tuple[str, str]]  # around an identifier
    flies: ClassVar[bool] = False  # a statement is only sent by `execute`, and over after `wait`
    begin: ClassVar[str]  # opens a transaction that writes
    for_update: ClassVar[str]  # what locks the rows of a SELECT
    skip_locked: ClassVar[str]  # what makes that leave out rows somebody else has locked
    rewrites: ClassVar[Mapping[str, str]]  # operators that read differently here; "" is one that cannot be had
    arithmetic: ClassVar[Mapping[str, str]]  # operators between two values that read differently here
    Error: type[Exception]  # the driver's, PEP 249
    IntegrityError: type[Exception]

    def __init__(self) -> None:
        self.placeholder = PLACEHOLDERS[self.paramstyle]
        self.single = False  # there can only be one connection
        self.adapters: dict[type, Callable[[Any], Any]] = dict(_ADAPTERS)

    @abstractmethod
    def connect(self) -> Any:
        """Open a connection that commits each statement by itself. Raises `Error`."""

    @abstractmethod
    def in_transaction(self, connection: Any) -> bool:
        """Say whether somebody opened a transaction on the connection."""

    @abstractmethod
    def lost(self, connection: Any) -> bool:
        """Say, after an error, whether the connection is of no use any more."""

    def escape(self, sql: str) -> str:
        """Return SQL that somebody wrote, so that the driver finds no placeholder in it."""
        return sql.replace("%", "%%") if self.paramstyle == "pyformat" else sql

    @abstractmethod
    def read_path(self, column: str, path: tuple[str, ...], cast: str) -> str:
        """Return what lies at a path of a column's JSON as "text", "number", "boolean" or "json"; else NULL."""

    @abstractmethod
    def write_path(self, column: str, path: tuple[str, ...], value: str) -> str:
        """Return a column's JSON with another value, itself JSON, at a path."""

    @abstractmethod
    def as_json(self, column: str) -> str:
        """Return a column as something the operators of JSON take."""

    def wait(self, connection: Any, timeout: float | None) -> bool:
        """Wait until what was sent is over; say no after `timeout` seconds. Raises `Error`."""
        return True

    def sending(self, connection: Any) -> bool:
        """Say whether a part of a statement had not left for the database when `wait` gave up."""
        return False

    def cancel(self, connection: Any) -> None:
        """Have the database end what was sent, if that can be. Raises `Error`."""
        del connection

    def quote(self, name: str) -> str:
        """Quote a name, or several joined by dots. Raises ValueError for what is not a plain identifier."""
        first, last = self.quotes
        return ".".join(f"{first}{check_identifier(part)}{last}" for part in name.split("."))

    def adapt(self, value: Any) -> Any:
        """Return a value as the driver takes it. Raises TypeError, or HTTPError 400 for text that no database holds."""
        adapter = self.adapters.get(type(value))
        if adapter is None:
            adapter = self._find_adapter(value)
        return adapter(value)

    @abstractmethod
    def seek(self, value: Any) -> Any:
        """Adapt a value that is only compared."""

    def _find_adapter(self, value: Any) -> Callable[[Any], Any]:
        if isinstance(value, Enum):
            return lambda member: self.adapt(member.value)
        for base in type(value).__mro__:
            if base in self.adapters:
                return self.adapters[base]
        raise TypeError(f"{type(value).__name__} is not a value for {self.name}")


def check_identifier(name: str) -> str:
    """Return the name. Raises ValueError unless it is letters, digits and underscores, at most 63, no digit first."""
    if IDENTIFIER.fullmatch(name) is None:
        raise ValueError(
            f"{name[:80]!r} is not an identifier: letters, digits and '_' only, 63 at most, no digit first"
        )
    return name


def _plain(value: Any) -> Any:
    return value


def _text(value: str) -> str:
    # PostgreSQL stores no NUL, no database a lone surrogate; the text came from outside, so its sender hears of it.
    if "\0" in value:
        raise HTTPError(400, "text may not hold a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise HTTPError(400, "text may not hold half of a surrogate pair") from error
    return value if type(value) is str else str.__str__(value)


def in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without a zone is taken to be in UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_ADAPTERS: dict[type, Callable[[Any], Any]] = {
    type(None): _plain,
    bool: _plain,
    int: _plain,
    float: _plain,
    str: _text,
    bytes: _plain,
    bytearray: bytes,
    memoryview: bytes,
    datetime: _plain,
    date: _plain,
    time: _plain,
    Decimal: _plain,
    UUID: str,
}
