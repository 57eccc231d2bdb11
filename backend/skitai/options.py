"""How to serve: what `run()` can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atila.errors import SettingError

from .listening import INHERITED
from .logs import Form


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
    key: Path | None = None  # the certificate's private key, PEM
    key_password: str | None = None  # of an encrypted key
    trusted_proxies: Sequence[str] = ()  # addresses whose X-Forwarded-* headers count
    max_connections: int = 16384  # open at once, in each worker
    header_timeout: float = 30.0  # seconds a client may take to send a request's head
    body_timeout: float = 60.0  # seconds a client may take to send a whole body
    access_log: bool = True  # one line for each answer
    log_format: Form = "plain"  # or "json", one object a line
    log_level: str = "INFO"  # the least important lines that are written

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise SettingError(f"port {self.port!r}: a number from 1 to 65535")
        if self.workers < 1 or self.threads < 0:
            raise SettingError("run() needs at least one worker, and threads of 0 or more")
        if self.workers > 1 and not INHERITED:
            raise SettingError("on Windows processes cannot share a port: workers=1 here")
        if (self.certificate is None) != (self.key is None):
            raise SettingError("TLS needs both: certificate= and key=")

    @property
    def grpc(self) -> int:
        """The gRPC port."""
        return self.grpc_port or self.port + 1
