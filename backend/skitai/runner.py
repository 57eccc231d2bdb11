"""`run()`: the main process checks the ports and supervises; a worker serves."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import logs
from .control import Line
from .options import Options
from .supervisor import Supervisor, own_command

if TYPE_CHECKING:
    from .engine import Engine

_log = logging.getLogger("skitai")


def run(engine: Engine, line: Line | None, options: Options) -> None:
    """Serve until stopped, then end the process with SystemExit: 0 after a graceful stop, 1 when it cannot go on."""
    logs.configure(options.log_format, options.log_level)
    if line is not None:
        from .worker import work  # the server and its libraries: only where they are used

        work(engine, line, options)
        raise SystemExit(0)
    refused = why_not(options.address, options.port)
    if refused is not None:
        _log.critical("%s", refused)
        raise SystemExit(1)
    supervisor = Supervisor(
        options.workers,
        command=own_command(),
        folder=Path.cwd(),
        stop_timeout=options.stop_timeout,
        reload=_wants_reload(engine, options),
        grpc_refused=why_not(options.address, options.grpc),
    )
    raise SystemExit(supervisor.run())


def _wants_reload(engine: Engine, options: Options) -> bool:
    """Say whether reloading was asked for as far as the main process can tell; an app that asks tells it when it is
    loaded, in a worker."""
    if engine.production:
        return False
    if options.reload is not None:
        return options.reload
    return any(
        mount.pref.values.get("use_reloader", getattr(mount.target, "use_reloader", False)) for mount in engine.declared
    )


def why_not(address: str, port: int) -> str | None:
    """Return one sentence saying why a port cannot be listened on, or None when it can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # there the option means sharing a port, not reusing a closed one
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            reason = error.strerror or str(error)
            return f"cannot listen on {address}, port {port}: {reason}. Stop what uses it, or choose another port"
    return None
