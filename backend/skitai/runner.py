"""`run()`: the main process opens the port and supervises; a worker serves."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from atila.errors import SettingError

from . import background, commands, listening
from .bus.station import Station
from .cli import CommandLine
from .control import Line
from .journal import Journal
from .listening import PortError, why_not
from .options import Options
from .pidfile import PidFile, Running
from .supervisor import Supervisor, own_command
from .survey import Survey

if TYPE_CHECKING:
    from .engine import Engine

_log = logging.getLogger("skitai")


def run(engine: Engine, line: Line | None, options: Options, asked: CommandLine | None = None) -> None:
    """Do what was asked for: serve until stopped, or tell the engine that runs. It ends the process with SystemExit.

    The exit code is 0 after a graceful stop, 1 when it cannot go on.
    """
    asked = asked or CommandLine()
    if line is not None:
        from .worker import work  # the server and its libraries: only where they are used

        work(engine, line, options, Journal(options, background=background.take_inside()))
        raise SystemExit(0)
    told = background.take()
    if told is None and (asked.command != "start" or asked.background):
        raise SystemExit(_obey(asked, options))
    journal = Journal(options, background=told is not None)
    journal.configure()
    pid = _hold_pid(options, told is not None)
    try:
        raise SystemExit(_supervise(engine, options, journal, pid, told))
    finally:
        if pid is not None:
            pid.file.release()
            options.places.clear()


def _obey(asked: CommandLine, options: Options) -> int:
    try:
        places = options.places
        places.check()  # what lies there names processes to signal
        if asked.command == "start":
            return background.start(places, options)
        return commands.TABLE[asked.command](places, options)
    except (SettingError, OSError) as error:
        raise SystemExit(f"{asked.command}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Held:
    """The pid file that this process holds, and what it tells."""

    file: PidFile
    running: Running

    def tell(self, addresses: list[str]) -> None:
        self.running.addresses = addresses
        self.file.write(self.running)


def _hold_pid(options: Options, in_background: bool) -> _Held | None:
    """Say to commands which process to speak to; where that cannot be written the engine serves nevertheless."""
    running = Running(os.getpid(), time.time(), in_background, workers=options.workers)
    try:
        places = options.places
        file = PidFile(places.pid)
        places.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        places.check()
        if not file.hold(running):
            _log.warning("another %s at port %d holds %s: commands speak to it", options.name, options.port, places.pid)
            return None
        places.make()
    except (SettingError, OSError) as error:
        _log.warning("stop, restart and status will not find this engine: %s", error)
        return None
    return _Held(file, running)


def _supervise(engine: Engine, options: Options, journal: Journal, pid: _Held | None, told: int | None) -> int:
    """Open the port, keep the workers running, and return the exit code."""
    try:
        listeners = _listen(options)
    except PortError as error:
        _log.critical("%s", error)
        return 1

    survey = Survey() if options.metrics_port else None
    if survey is not None and not _open_monitor(survey, options):
        return 1

    def serving(addresses: list[str]) -> None:
        if pid is not None:
            pid.tell(addresses)
        if told is not None:
            background.tell(told, addresses)

    return Supervisor(
        options.workers,
        command=own_command(),
        folder=Path.cwd(),
        listeners=listeners,
        stop_timeout=options.stop_timeout,
        reload=_wants_reload(engine, options),
        grpc_refused=why_not(options.address, options.grpc),
        bus=Station(options),
        survey=survey,
        on_serving=serving,
        on_tick=journal.tend,
    ).run()


def _open_monitor(survey: Survey, options: Options) -> bool:
    """Open the port of the metrics, which closes with the process. Returns False when it cannot be had."""
    from .monitor import Monitor  # an HTTP server of the standard library: only where it is wanted

    try:
        Monitor(options.metrics_address, options.metrics_port or 0, survey.text).start()
    except OSError as error:
        where = f"{options.metrics_address}, port {options.metrics_port}"
        _log.critical("cannot listen for metrics on %s: %s; choose another with metrics_port=", where, error.strerror)
        return False
    return True


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
