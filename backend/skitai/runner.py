"""`run()`: the main process checks the ports and supervises; a worker serves."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from atila.errors import SettingError

from . import logs
from .control import Line
from .supervisor import SHARED_PORTS, Supervisor, own_command

if TYPE_CHECKING:
    from .engine import Engine

_log = logging.getLogger("skitai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve: each setting with its default and what it means."""

    address: str = "0.0.0.0"  # noqa: S104 - the documented default; a proxy or a firewall stands before it
    port: int = 5000  # HTTP/1.1, HTTP/2 and WebSocket
    workers: int = 1  # processes
    threads: int = 4  # for plain handlers, in each worker; 0 runs them on the event loop, one at a time
    name: str = "skitai"  # of the service, in logs
    grpc_port: int | None = None  # None is port + 1; opened only when a gRPC service is mounted
    grpc_threads: int = 64  # for gRPC calls at most, in each worker; a stream holds one as long as it lasts
    reload: bool | None = None  # restart workers when Python files change; None is what the apps' use_reloader says
    stop_timeout: float = 30.0  # seconds that running requests get to finish after SIGTERM
    certificate: Path | None = None  # PEM with the chain; with `key` the HTTP port speaks TLS
    key: Path | None = None
    key_password: str | None = None
    trusted_proxies: Sequence[str] = ()  # addresses whose X-Forwarded-* headers count
    max_connections: int = 16384  # open at once, in each worker
    header_timeout: float = 30.0  # seconds a client may take to send a request's head
    body_timeout: float = 60.0  # seconds a client may take to send a whole body
    access_log: bool = True
    log_format: logs.Form = "plain"
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise SettingError(f"port {self.port!r}: a number from 1 to 65535")
        if self.workers < 1 or self.threads < 0:
            raise SettingError("run() needs at least one worker, and threads of 0 or more")
        if self.workers > 1 and not SHARED_PORTS:
            raise SettingError("only Linux shares a port between processes: workers=1 here")
        if (self.certificate is None) != (self.key is None):
            raise SettingError("TLS needs both: certificate= and key=")

    @property
    def grpc(self) -> int:
        """The gRPC port."""
        return self.grpc_port or self.port + 1


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
