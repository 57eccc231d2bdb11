"""Granian over RSGI: HTTP/1.1, HTTP/2 and WebSocket on one port, served by this very process."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings, HTTP2Settings
from granian.log import LogLevels
from granian.server import MPServer

from skitai.listening import BACKLOG

from .keys import OpenedKey

READING = 0.5  # seconds after which the server, which reads them when this worker begins, has read its keys

_LOGGING = {"handlers": {}, "loggers": {"_granian": {"handlers": [], "propagate": True}}}  # to our own log


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen, and how much of a client to bear."""

    address: str = "127.0.0.1"
    port: int = 5000
    certificate: Path | str | None = None  # PEM with the chain; with `key` it makes the port TLS
    key: Path | str | None = None
    key_password: str | None = None
    client_ca: Path | str | None = None  # PEM; with it a client has to show a certificate that one of these signed
    header_timeout: float = 30.0  # seconds a client may take to send a request's head, and may stay idle
    max_head: int = 128 * 1024  # bytes of a request's head
    max_connections: int = 16384  # open at once
    descriptor: int | None = None  # of a socket that listens already; None opens the address and port


class _InThisProcess(MPServer):
    """Granian with one worker, which is the process that calls `serve`.

    The processes are supervised by skitai.supervisor, so that a worker is a fresh run of the script and not a fork.
    """

    listener: int | None = None  # the descriptor of an inherited socket; Granian closes it when it stops accepting

    def _init_shared_socket(self) -> None:
        if self.listener is None:
            super()._init_shared_socket()  # type: ignore[no-untyped-call]  # it has no annotations
            return
        hold: Any = SocketHolder  # its stub tells no arguments, and they differ between platforms
        self._ssp = self._sso = None
        self._shd = hold(self.listener, False, BACKLOG) if sys.platform == "linux" else hold(self.listener, False)

    def _spawn_workers(self, spawn_target: Callable[..., None], target_loader: Callable[..., Any]) -> None:
        worker = self._spawn_worker(idx=0, target=spawn_target, callback_loader=target_loader)
        worker.inner.run()  # multiprocessing.Process.run: what the process would do, here
        self.interrupt_signal = True
        self.main_loop_interrupt.set()


def serve(target: Any, listen: Listen) -> None:
    """Serve an RSGI target (with `__rsgi__`, `__rsgi_init__`, `__rsgi_del__`) until SIGTERM or SIGINT.

    After the signal no connection is accepted any more, and running requests finish. Raises SettingError for an
    encrypted key that the password does not open.
    """
    key = _path(listen.key)
    if key is not None and listen.key_password is not None:
        target = _Forgetting(target, OpenedKey(key, listen.key_password))
        key = target.key.path
    server = _InThisProcess(
        "skitai",
        address=listen.address,
        port=listen.port,
        interface=Interfaces.RSGI,
        loop=Loops.uvloop if importlib.util.find_spec("uvloop") else Loops.asyncio,
        http=HTTPModes.auto,
        backlog=BACKLOG,
        backpressure=listen.max_connections,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(listen.header_timeout * 1000), max_buffer_size=max(listen.max_head, 8192)
        ),
        http2_settings=HTTP2Settings(keep_alive_interval=30_000, max_headers_size=listen.max_head),
        log_level=LogLevels.warning,
        log_dictconfig=_LOGGING,
        ssl_cert=_path(listen.certificate),
        ssl_key=key,
        ssl_ca=_path(listen.client_ca),
        ssl_client_verify=listen.client_ca is not None,
    )
    server.listener = listen.descriptor
    server.serve(target_loader=lambda: target, wrap_loader=False)


class _Forgetting:
    """A target whose server reads an opened key, which is removed then. Lives as long as the worker."""

    def __init__(self, target: Any, key: OpenedKey) -> None:
        self._target = target
        self.key = key
        self.__rsgi__ = target.__rsgi__

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._target.__rsgi_init__(loop)
        loop.call_later(READING, self.key.forget)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.key.forget()
        self._target.__rsgi_del__(loop)


def _path(file: Path | str | None) -> Path | None:
    return None if file is None else Path(file)
