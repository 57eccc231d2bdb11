"""One worker process: loads the apps, opens the gRPC port, serves until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atila.adapters.rsgi import RSGI
from atila.adapters.settings import AdapterSettings, OnAnswer
from atila.concurrency import WorkerThreads
from atila.errors import SettingError
from atila.http.request import Request
from atila.locks import Locks
from atila.logfiles import LOOK
from atila.rpc.descriptors import services_of
from atila.scratch import Scratch

from .bus.station import join
from .control import LEAVE, REPORT, Line, Ready
from .engine import Engine, Place
from .journal import Journal
from .metrics import RequestMetrics, add_gauges
from .mounts import Mounts
from .options import Options
from .servers import granian

if TYPE_CHECKING:
    from .forwarding import Forwarding
    from .servers.grpc import GrpcServer

LEAVING = 0.5  # seconds in which a worker that was replaced closes connections after their next answer
CLOSING = 0.4  # seconds in which the server, told to stop, has stopped to accept connections

_log = logging.getLogger("skitai")


class Served:
    """What the HTTP server calls: an adapter, and this worker's start and end. Lives as long as the worker."""

    def __init__(
        self, engine: Engine, mounts: Mounts, adapter: RSGI, line: Line, options: Options, journal: Journal
    ) -> None:
        self.engine = engine
        self.mounts = mounts
        self.adapter = adapter
        self.line = line
        self.options = options
        self.journal = journal
        self.grpc: GrpcServer | None = None
        self.forwarding: Forwarding | None = None
        self.__rsgi__ = adapter.__rsgi__

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.journal.configure()  # the server has set up its own
        self._tend_logs(loop)
        if sys.platform != "win32":
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # replacing workers is the main process's work
        self.engine.bus.attach(loop)
        self.adapter.__rsgi_init__(loop)
        self._start_grpc(loop)
        self._start_forwarding(loop)
        self._follow_main_process(loop)
        loop.call_later(0.05, self._tell_ready)  # the port opens right after this returns

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.grpc is not None:
            loop.run_until_complete(loop.run_in_executor(None, self.grpc.stop, self._grace))  # async handlers go on
        self.adapter.__rsgi_del__(loop)
        if self.options.metrics_port:
            self._report()
        self.engine.close()

    def _tend_logs(self, loop: asyncio.AbstractEventLoop) -> None:
        self.journal.tend()
        loop.call_later(LOOK, self._tend_logs, loop)

    def _start_forwarding(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the port that sends everybody to the right one."""
        options = self.options
        if options.forward_port is None:
            return
        from .forwarding import Forwarding  # only where it is wanted

        to, secure = options.forward_to or str(options.port), options.certificate is not None
        self.forwarding = Forwarding(options.address, options.forward_port, to, secure=secure)
        try:
            loop.run_until_complete(self.forwarding.start())
        except OSError as error:
            _log.critical("cannot listen on %s, port %d: %s", options.address, options.forward_port, error.strerror)
            raise SystemExit(1) from error

    def _start_grpc(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the gRPC port, where a route is a method of a service."""
        options = self.options
        services = {
            service: app
            for app in reversed(self.mounts.apps)
            for service in services_of(app.root + route.rule.text for route in app.router.routes)
        }
        if not services:
            return
        from .servers import grpc, grpc_port  # loaded only where there is a service

        tls = grpc_port.Tls.of(options)
        server = grpc.GrpcServer(services, options, self.adapter.settings, tls)
        try:
            server.start(loop)
        except SettingError as error:
            _log.critical("%s", error)
            raise SystemExit(1) from error
        except RuntimeError as error:
            reason = "cannot listen for gRPC on %s, port %d. Stop what uses it, or choose another port with grpc_port="
            _log.critical(reason, options.address, options.grpc)
            raise SystemExit(1) from error
        self.grpc = server

    @property
    def _grace(self) -> float:
        """Seconds that calls get to finish: a little less than what the main process waits before it kills."""
        return self.options.stop_timeout * 0.8

    def _tell_ready(self) -> None:
        apps, options = self.mounts.sites, self.options
        wants = options.reload
        if wants is None:
            wants = any(getattr(app, "use_reloader", False) for app in apps)
        scheme = "https" if options.certificate else "http"
        addresses = [f"{scheme}://{_bracketed(options.address)}:{options.port}"]
        if self.grpc is not None:
            addresses.append(f"{'grpcs' if options.key else 'grpc'}://{_bracketed(options.address)}:{options.grpc}")
        folders = [str(folder) for folder in code_folders(apps, self.engine.folder)]
        self.line.tell(Ready(wants and not self.engine.production, folders, addresses, self.grpc is not None))

    def _follow_main_process(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop when the main process is gone; let gRPC calls end together with HTTP requests."""
        control = self.line.control
        if control is not None:
            loop.add_reader(control.fileno(), self._hear, loop, control)
        if sys.platform != "win32":
            loop.add_signal_handler(signal.SIGTERM, self._stop)

    def _hear(self, loop: asyncio.AbstractEventLoop, control: socket.socket) -> None:
        if said := control.recv(4096):
            if REPORT in said:
                loop.run_in_executor(None, self._report)
            if LEAVE in said:
                self.mounts.leaving = True  # clients are asked to come back on another connection, which another takes
                loop.call_later(LEAVING, self._stop)
            return
        loop.remove_reader(control.fileno())
        _log.error("the main process is gone: stopping")
        self._stop()

    def _report(self) -> None:
        """Tell the main process this worker's numbers, from a thread: it may be slow to listen."""
        with contextlib.suppress(OSError):  # it is gone: nobody is left to be told
            self.line.tell(self.engine.metrics.collect())

    def _stop(self) -> None:
        if self.forwarding is not None:
            self.forwarding.close()
        self.engine.stopping.set()
        if self.grpc is not None:
            self.grpc.begin_stop(self._grace)
        signal.raise_signal(signal.SIGINT)  # the HTTP server's own handler stands on this one
        # Clients of WebSockets come back at once: by then no new connection may end up here.
        asyncio.get_running_loop().call_later(CLOSING, self.adapter.sockets.leave)


def work(engine: Engine, line: Line, options: Options, journal: Journal) -> None:
    """Load what is mounted and serve it until SIGTERM. Raises SystemExit with 1 when the apps cannot be loaded."""
    journal.configure()
    _allow_many_files()
    engine.join(join(line, options))
    try:
        mounts = engine.build()
    except Exception:  # noqa: BLE001 - whatever a module raises while it is imported: say it and end
        _log.critical("the apps could not be loaded", exc_info=True)
        raise SystemExit(1) from None
    gc.collect()
    gc.freeze()  # what is loaded stays: the collector need not look through it while requests are answered
    engine.name, engine.num_threads = options.name, options.threads
    engine.backend_keep_alive = options.backend_keep_alive
    engine.log_folder, engine.log_keep = journal.folder, options.log_keep
    _use_places(engine, options)
    threads = WorkerThreads(options.threads) if options.threads else None
    engine.place = Place(line, threads)
    observers: list[OnAnswer] = [*journal.access_logs()]
    if options.metrics_port:
        observers.append(RequestMetrics(engine.metrics))
    settings = AdapterSettings(
        threads=threads,
        trusted_proxies=frozenset(options.trusted_proxies),
        body_timeout=options.body_timeout,
        on_answer=tell_all(observers),
    )
    adapter = RSGI(mounts, settings)
    if options.metrics_port:
        add_gauges(engine, threads, adapter.sockets)
    _serve(Served(engine, mounts, adapter, line, options, journal), line, options)


def _serve(served: Served, line: Line, options: Options) -> None:
    """Open the HTTP port and serve. Raises SystemExit with 1 for keys that cannot be used."""
    listen = granian.Listen(
        options.address,
        options.port,
        options.certificate,
        options.key,
        options.key_password,
        options.client_ca,
        options.header_timeout,
        max_connections=options.max_connections,
        descriptor=line.listener,
    )
    try:
        granian.serve(served, listen)
    except SettingError as error:
        _log.critical("%s", error)
        raise SystemExit(1) from error


def _use_places(engine: Engine, options: Options) -> None:
    """Let locks hold among all workers; where there is no folder for them, the main process has said so."""
    with contextlib.suppress(SettingError, OSError):
        places = options.places
        if places.locks.is_dir():
            engine.locks, engine.scratch = Locks(places.locks), Scratch(places.temporary)


def tell_all(observers: Sequence[OnAnswer]) -> OnAnswer | None:
    """Return what tells all of them of an answer, None when there are none."""
    if len(observers) < 2:
        return observers[0] if observers else None

    def tell(request: Request, status: int, length: int | None, seconds: float) -> None:
        for observer in observers:
            observer(request, status, length, seconds)

    return tell


def code_folders(apps: Iterable[Any], script: Path) -> list[Path]:
    """Return the folders of the script and of the modules that made the apps."""
    folders = [script]
    for app in apps:
        if folder := getattr(app, "code_folder", None):  # of an app of another framework
            folders.append(folder)
        module = sys.modules.get(getattr(app, "import_name", ""))
        file = getattr(module, "__file__", None)
        if file is not None:
            folders.append(Path(file).resolve().parent)
    return list(dict.fromkeys(folders))


def _allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one: each connection is one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
