"""`run()`: the main process opens the port and supervises; a worker serves."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from . import listening, logs
from .control import Line
from .listening import PortError, why_not
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
    try:
        listeners = _listen(options)
    except PortError as error:
        _log.critical("%s", error)
        raise SystemExit(1) from None
    supervisor = Supervisor(
        options.workers,
        command=own_command(),
        folder=Path.cwd(),
        listeners=listeners,
        stop_timeout=options.stop_timeout,
        reload=_wants_reload(engine, options),
        grpc_refused=why_not(options.address, options.grpc),
    )
    raise SystemExit(supervisor.run())


def _listen(options: Options) -> listening.Listeners | None:
    """Open the HTTP port for the workers, or only look whether one can. Raises PortError."""
    if listening.INHERITED:
        return listening.listen(options.address, options.port, options.workers)
    refused = why_not(options.address, options.port)
    if refused is not None:
        raise PortError(refused)
    return None


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
