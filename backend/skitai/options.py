"""How to serve: what `run()` can be told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atila.errors import SettingError
from atila.logfiles import PERIODS, Period

from .bus.address import read_address
from .listening import INHERITED
from .logs import Form
from .places import Places

_FORWARD = re.compile(r"(\d{1,5}|https?://[A-Za-z0-9._:\[\]-]+/?)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve: each setting with its default and what it means."""

    address: str = "0.0.0.0"  # noqa: S104 - to listen at; this default is every address of the machine
    port: int = 5000  # HTTP/1.1, HTTP/2 and WebSocket
    workers: int = 1  # processes
    threads: int = 4  # for plain handlers, in each worker; 0 runs them on the event loop, one at a time
    name: str = "skitai"  # of the service, in logs
    grpc_port: int | None = None  # None is port + 1; opened only when a gRPC service is mounted
    grpc_threads: int = 64  # for gRPC calls at most, in each worker; a plain handler's stream holds one while it lasts
    grpc_max_calls: int = 1024  # gRPC calls that run or wait for a thread, in each worker; more are RESOURCE_EXHAUSTED
    grpc_max_message: int = 64 * 1024 * 1024  # bytes of one gRPC message; a request obeys the app's limits besides
    grpc_compression: Literal["none", "gzip", "deflate"] = "none"  # of gRPC answers, for clients that take it
    grpc_keepalive: float = 60.0  # seconds after which a silent gRPC client is asked whether it is there; 0: never
    grpc_keepalive_timeout: float = 20.0  # seconds it may take to answer that
    grpc_max_age: float = 0.0  # seconds until a gRPC client is asked to come back on a new connection; 0: never
    grpc_reflection: bool = True  # tell tools such as grpcurl which gRPC services and messages there are
    reload: bool | None = None  # restart workers when Python files change; None is what the apps' use_reloader says
    stop_timeout: float = 30.0  # seconds that running requests get to finish after SIGTERM
    certificate: Path | str | None = None  # PEM with the chain; with `key` the HTTP port speaks TLS
    key: Path | str | None = None  # the certificate's private key, PEM
    key_password: str | None = None  # of an encrypted key
    client_ca: Path | str | None = None  # PEM of who signs clients' certificates: both ports ask for one (mTLS)
    bus: str | None = field(default=None, repr=False)  # redis://… of a Redis or Valkey that joins this host with others
    bus_message_limit: int = 1024 * 1024  # bytes of one message between workers
    bus_backlog: int = 16 * 1024 * 1024  # bytes of messages that wait for one slow worker, or for a Redis that is away
    shared_keys: int = 1024  # of deflu, and as many of defgs
    rate_limit_keys: int = 16384  # keys of rate_limit that are counted at once
    trusted_proxies: Sequence[str] = ()  # addresses whose X-Forwarded-* headers count
    max_connections: int = 16384  # open at once, in each worker
    header_timeout: float = 30.0  # seconds a client may take to send a request's head
    body_timeout: float = 60.0  # seconds a client may take to send a whole body
    backend_keep_alive: float = 4.0  # seconds an idle connection to an upstream is kept; many servers close after five
    forward_port: int | None = None  # a port that sends everybody to `forward_to`, with http before https say
    forward_to: str = ""  # a port of the same host, "443", or an origin, "https://shop.example"; "" is `port`
    varpath: str | Path | None = None  # folder of pid files, locks, temporary files; None is a private one below /tmp
    logpath: str | Path | None = None  # folder of log files; None is the standard output, with -d one below varpath
    log_period: Period = "daily"  # when log files are begun anew, in UTC; or "hourly", "weekly", "never"
    log_size: int = 100_000_000  # bytes after which a log file is begun anew; 0 is no limit
    log_keep: int = 14  # old log files that stay, of each
    log_off: Sequence[str] = ()  # paths left out of the access log, "*" stands for anything: "/health/*"
    verbose: bool = False  # what goes to log files goes to the standard output too
    metrics_port: int | None = None  # where Prometheus reads /metrics; None counts nothing
    metrics_address: str = "127.0.0.1"  # of that port: whoever reaches it reads it
    access_log: bool = True  # one line for each answer
    log_format: Form = "plain"  # or "json", one object a line
    log_level: str = "INFO"  # the least important lines that are written

    def __post_init__(self) -> None:
        self._check_ports()
        self._check_certificates()
        if self.workers < 1 or self.threads < 0:
            raise SettingError("run() needs at least one worker, and threads of 0 or more")
        if self.workers > 1 and not INHERITED:
            raise SettingError("on Windows processes cannot share a port: workers=1 here")
        if self.log_period not in PERIODS or self.log_size < 0 or self.log_keep < 0:
            raise SettingError(f"log_period is one of {', '.join(PERIODS)}; log_size and log_keep are 0 or more")
        if min(self.bus_message_limit, self.bus_backlog, self.shared_keys, self.rate_limit_keys) < 1:
            raise SettingError("bus_message_limit, bus_backlog, shared_keys and rate_limit_keys are 1 or more")
        if self.bus is not None:
            read_address(self.bus)

    def _check_ports(self) -> None:
        ports = {"port": self.port, "metrics_port": self.metrics_port, "forward_port": self.forward_port}
        for name, number in ports.items():
            if number is not None and not 0 < number < 65536:
                raise SettingError(f"{name} {number!r}: a number from 1 to 65535")
        if not _FORWARD.match(self.forward_to):
            raise SettingError(f"forward_to {self.forward_to!r}: a port, or an origin such as https://shop.example")

    def _check_certificates(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise SettingError("TLS needs both: certificate= and key=")
        if self.client_ca is not None and self.key is None:
            raise SettingError("client_ca= asks clients for certificates over TLS: it needs certificate= and key=")

    @property
    def places(self) -> Places:
        """Where the engine keeps its files. Raises SettingError, OSError when there is no private folder for them."""
        return Places.of(self.name, self.port, self.varpath, self.logpath)

    @property
    def grpc(self) -> int:
        """The gRPC port."""
        return self.grpc_port or self.port + 1
