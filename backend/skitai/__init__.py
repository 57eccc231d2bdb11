"""The app engine: serves apps and folders from several worker processes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

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
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_REQFAIL, STA_TIMEOUT, STA_UNSENT
from atila.websocket.design import WS_FAST, WS_GROUPCHAT, WS_NQ, WS_SIMPLE, WS_THREADSAFE
from atila.websocket.encoding import (
    WS_MSG_BINARY,
    WS_MSG_DEFAULT,
    WS_MSG_GRPC,
    WS_MSG_JSON,
    WS_MSG_TEXT,
    WS_MSG_XMLRPC,
)

from . import cli
from .control import take_line
from .engine import Engine
from .options import Options
from .runner import run as _run
from .setters import REPLACED, replaced

if TYPE_CHECKING:
    from .spawned import SpawnedClient

_line = take_line()
_engine = Engine()
_asked = cli.read()
_engine.production = _asked.production

mount = _engine.mount
alias = _engine.alias
joinpath = _engine.joinpath
abspath = _engine.abspath
getswd = _engine.getswd
deflu = _engine.deflu
defgs = _engine.defgs
preference = pref

_setters = _engine.setters
set_keep_alive = _setters.set_keep_alive
set_request_timeout = _setters.set_request_timeout
set_backend_keep_alive = _setters.set_backend_keep_alive
set_max_age = _setters.set_max_age
enable_ssl = _setters.enable_ssl
enable_forward = _setters.enable_forward
enable_file_logging = _setters.enable_file_logging
log_off = _setters.log_off


def run(address: str = "0.0.0.0", port: int = 5000, **options: Any) -> None:  # noqa: S104 - the documented default
    """Serve what is mounted until the process is told to stop; then end it. Options: see skitai.options.Options.

    The script runs once in the main process and once more in every worker; `run` is where they part. With a command
    (`serve.py stop`) or -d the process does that and ends.
    Raises SettingError for an option that makes no sense, SystemExit at the end.
    """
    _run(_engine, _line, Options(address=address, port=port, **{**_setters.options, **options}), _asked)


def __getattr__(name: str) -> Any:
    if name in REPLACED:
        return replaced(name)
    raise AttributeError(f"module 'skitai' has no attribute {name!r}")


def test_client(  # its name is the documentation's, it is no test
    script: str | os.PathLike[str],
    port: int = 5000,  # noqa: PT028
    dry: bool = False,  # noqa: PT028
    **options: Any,
) -> SpawnedClient:
    """Return a client for a script of the engine that serves at `port`, run as a process of its own.

    `with skitai.test_client("serve.py", 5000) as cli: cli.get("/")`. With `dry` it runs already.
    """
    from .spawned import SpawnedClient  # for tests only, and it costs a start

    return SpawnedClient(script, port, dry, **options)


test_client.__test__ = False  # type: ignore[attr-defined]  # for pytest: this is no test

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
    "STA_NETERR",
    "STA_NORMAL",
    "STA_REQFAIL",
    "STA_TIMEOUT",
    "STA_UNSENT",
    "WS_FAST",
    "WS_GROUPCHAT",
    "WS_MSG_BINARY",
    "WS_MSG_DEFAULT",
    "WS_MSG_GRPC",
    "WS_MSG_JSON",
    "WS_MSG_TEXT",
    "WS_MSG_XMLRPC",
    "WS_NQ",
    "WS_SIMPLE",
    "WS_THREADSAFE",
    "Engine",
    "Options",
    "Preference",
    "abspath",
    "alias",
    "defgs",
    "deflu",
    "enable_file_logging",
    "enable_forward",
    "enable_ssl",
    "getswd",
    "joinpath",
    "log_off",
    "mount",
    "pref",
    "preference",
    "run",
    "set_backend_keep_alive",
    "set_keep_alive",
    "set_max_age",
    "set_request_timeout",
    "test_client",
]
