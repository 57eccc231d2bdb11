"""Upstreams by name: '@mydb' stands for the servers of one service."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit


class Kind(StrEnum):
    """What speaks at the other end."""

    HTTP = "http"
    HTTPS = "https"
    WS = "ws"
    WSS = "wss"
    POSTGRESQL = "postgresql"
    SQLITE3 = "sqlite3"
    REDIS = "redis"
    MONGODB = "mongodb"
    DJANGO = "django"


PROTO_HTTP, PROTO_HTTPS, PROTO_WS, PROTO_WSS = Kind.HTTP, Kind.HTTPS, Kind.WS, Kind.WSS
DB_PGSQL = DB_POSTGRESQL = Kind.POSTGRESQL
DB_SQLITE3, DB_REDIS, DB_MONGODB = Kind.SQLITE3, Kind.REDIS, Kind.MONGODB
DJANGO = Kind.DJANGO

PORTS = {
    Kind.HTTP: 80,
    Kind.HTTPS: 443,
    Kind.WS: 80,
    Kind.WSS: 443,
    Kind.POSTGRESQL: 5432,
    Kind.REDIS: 6379,
    Kind.MONGODB: 27017,
}
SCHEMES = {kind.value: kind for kind in Kind} | {
    "sqlite": Kind.SQLITE3,
    "postgres": Kind.POSTGRESQL,
    "postgresql+psycopg2": Kind.POSTGRESQL,
    "rediss": Kind.REDIS,
}

_NAME = re.compile(r"@[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Member:
    """One server of an alias. For SQLite only `database`, the file's path, counts."""

    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)  # stays out of logs
    database: str = ""
    weight: int = 1  # how often it is chosen beside its fellows
    options: Mapping[str, str] = field(default_factory=dict, hash=False)  # of a URL's query: {"sslmode": "require"}


@dataclass(frozen=True, slots=True)
class Alias:
    """A name, the kind of service behind it, and its servers. Lives as long as the platform that holds it."""

    name: str
    kind: Kind
    members: tuple[Member, ...]
    role: str = ""
    source: str = ""
    ssl: bool = False
    max_conns: int = 100  # connections of one process to it, at most
    patience: float = 10.0  # seconds to wait for one of a database's when all are taken

    @classmethod
    def parse(
        cls,
        name: str,
        kind: str,
        members: str | Sequence[str],
        role: str = "",
        source: str = "",
        ssl: bool = False,
        max_conns: int = 100,
        patience: float = 10.0,
    ) -> Alias:
        """Read what `alias("@mydb", DB_PGSQL, "user:pw@host:port/db weight")` was given.

        A member may also be a URL. Raises ValueError, which says what is wrong with which part.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not an alias: expected '@' and letters, digits, '_', '-' or '.'")
        try:
            known = SCHEMES[kind]
        except KeyError:
            raise ValueError(f"{kind!r} is not a kind of upstream; known: {', '.join(Kind)}") from None
        texts = [members] if isinstance(members, str) else list(members)
        if not texts:
            raise ValueError(f"alias {name} has no members")
        read = tuple(parse_member(text, known) for text in texts)
        return cls(name, known, read, role, source, ssl, max_conns, patience)

    @classmethod
    def from_url(cls, name: str, url: str, max_conns: int = 100) -> Alias:
        """Read a URL whose scheme tells the kind: 'sqlite:///app.db', 'postgresql://user:pw@host:5432/db'."""
        scheme, separator, _ = url.partition("://")
        if not separator:
            raise ValueError("expected a URL such as sqlite:///app.db or postgresql://user:password@host:5432/name")
        return cls.parse(name, scheme, url, max_conns=max_conns)


def parse_member(text: str, kind: Kind) -> Member:
    """Read `user:pw@host:port/db weight`, or a URL of the kind; parts that are missing are empty or the default.

    Percent-escapes in user, password and database are decoded. Raises ValueError; it never repeats the password.
    """
    if kind is Kind.SQLITE3:
        return Member(database=_sqlite_path(text))
    if kind is Kind.DJANGO:
        return Member(database=text)  # the settings of a project
    address, weight = _split_weight(text)
    address = address.partition("://")[2] or address
    credentials, _, place = address.rpartition("@")
    if not address or "@" in credentials.partition(":")[0]:
        raise ValueError(
            f"a member of a {kind} alias reads user:password@host:port/database, all but the host optional"
        )
    user, _, password = credentials.partition(":")
    # The password may hold '/', '?' and '#': only what follows the last '@' is read as a URL.
    parts = urlsplit(f"//{place}")
    try:
        port = parts.port or PORTS.get(kind, 0)
    except ValueError:
        raise ValueError(f"{place!r} has no usable port: expected a number from 1 to 65535") from None
    return Member(
        host=unquote(parts.hostname or ""),
        port=port,
        user=unquote(user),
        password=unquote(password),
        database=unquote(parts.path[1:]),
        weight=weight,
        options=dict(parse_qsl(parts.query)),
    )


def _split_weight(text: str) -> tuple[str, int]:
    address, _, weight = text.strip().rpartition(" ")
    if not address or "@" in weight:  # a password may hold blanks
        return text.strip(), 1
    if not weight.isdecimal() or int(weight) == 0:
        raise ValueError(f"{weight!r} is not a weight: expected a number from 1")
    return address.rstrip(), int(weight)


def _sqlite_path(text: str) -> str:
    # sqlite:///relative, sqlite:////absolute (as SQLAlchemy reads them), or a plain path.
    scheme, separator, path = text.partition("://")
    if not separator:
        return text
    if scheme not in ("sqlite", "sqlite3") or (path and not path.startswith("/")):
        said = f"{scheme}://…" if "@" in path else text  # which may be another database's URL, with its password
        raise ValueError(f"{said!r} is not an SQLite URL: expected sqlite:///relative.db or sqlite:////absolute.db")
    return path[1:] or ":memory:"
