"""The app engine: serves apps and folders from several worker processes."""

from __future__ import annotations

from typing import Any

from atila.alias import (
    DB_MONGODB,
    DB_PGSQL,
    DB_POSTGRESQL,
    DB_REDIS,
    DB_SQLITE3,
    DJANGO,
    PROTO_HTTP,
    PROTO_HTTPS,
    PROTO_WS,
    PROTO_WSS,
)
from atila.preference import Preference, pref

from . import cli
from .control import take_line
from .engine import Engine
from .options import Options
from .runner import run as _run

_line = take_line()
_engine = Engine()
_engine.production = cli.read().production

mount = _engine.mount
alias = _engine.alias
joinpath = _engine.joinpath
abspath = _engine.abspath
getswd = _engine.getswd
deflu = _engine.updates.declare
defgs = _engine.numbers.declare
preference = pref


def run(address: str = "0.0.0.0", port: int = 5000, **options: Any) -> None:  # noqa: S104 - the documented default
    """Serve what is mounted until the process is told to stop; then end it. Options: see skitai.options.Options.

    The script runs once in the main process and once more in every worker; `run` is where they part.
    Raises SettingError for an option that makes no sense, SystemExit at the end.
    """
    _run(_engine, _line, Options(address=address, port=port, **options))


__all__ = [
    "DB_MONGODB",
    "DB_PGSQL",
    "DB_POSTGRESQL",
    "DB_REDIS",
    "DB_SQLITE3",
    "DJANGO",
    "PROTO_HTTP",
    "PROTO_HTTPS",
    "PROTO_WS",
    "PROTO_WSS",
    "Engine",
    "Options",
    "Preference",
    "abspath",
    "alias",
    "defgs",
    "deflu",
    "getswd",
    "joinpath",
    "mount",
    "pref",
    "preference",
    "run",
]
