"""What an app may ask of the engine it runs on, and the same in process, so that tests need no engine."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from .alias import Alias, Kind
from .bus import Bus, LocalBus
from .django_project import enter_project
from .errors import SettingError
from .locks import Locks
from .logfiles import PERIODS, LogFile, LogFileHandler, Period, Rotation
from .metrics import Metrics
from .scratch import Scratch

Resource = TypeVar("Resource")


class Cells(Protocol):
    """Numbers by name, shared by all processes of an engine. Names are declared before they are used."""

    @property
    def names(self) -> Sequence[str]: ...
    def declare(self, *names: str) -> None: ...
    def read(self, name: str) -> float: ...
    def write(self, name: str, value: float) -> None: ...


class Numbers(Cells, Protocol):
    """Cells of whole numbers."""

    def add(self, name: str, value: int) -> int: ...


class Rates(Protocol):
    """How often something was done lately, counted by all processes of an engine together."""

    def use(self, key: str, limit: int, seconds: float) -> tuple[int, float]: ...


class Platform(Protocol):
    """What an app may ask of its engine. Lives as long as the process."""

    name: str
    production: bool  # the kill switch: debug and reloading are off, whatever the apps say
    apps: dict[str, Any]  # mounted apps by name
    attributes: dict[str, Any]  # what `wac.register` added to every `was`
    num_threads: int
    backend_keep_alive: float  # seconds a connection to an upstream stays open while nobody uses it
    stopping: threading.Event  # set when no new requests are taken: streams without an end should find one
    updates: Cells  # times of the last update, for setlu and getlu
    numbers: Numbers  # for setgs, addgs and getgs
    rates: Rates  # for rate_limit
    metrics: Metrics  # numbers for whoever watches
    locks: Locks
    scratch: Scratch  # temporary files
    bus: Bus  # messages between all processes of the engine

    @property
    def aliases(self) -> Mapping[str, Alias]: ...
    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Alias: ...
    def find_alias(self, name: str) -> Alias: ...
    def logger(self, name: str) -> logging.Logger: ...
    def make_logger(self, name: str, period: str = "daily") -> logging.Logger: ...
    def resource(self, make: Callable[[Platform], Resource]) -> Resource: ...
    def status(self) -> dict[str, Any]: ...
    def restart(self) -> None: ...
    def shutdown(self) -> None: ...
    def close(self) -> None: ...


class LocalPlatform:
    """A Platform inside this process: nothing is shared with others. Lives as long as the app or test that made it."""

    def __init__(self, name: str = "atila") -> None:
        self.name = name
        self.production = False
        self.apps: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.num_threads = 1
        self.backend_keep_alive = 4.0  # less than the five after which many servers close it
        self.stopping = threading.Event()
        self.log_folder: Path | None = None  # where `make_logger` writes; None is where the process logs
        self.log_keep = 14  # old files kept of each
        self.updates: Cells = LocalCells(time.time())
        self.numbers: Numbers = LocalCells(0)
        self.rates: Rates = LocalRates()
        self.metrics = Metrics()
        self.locks = Locks()
        self.scratch = Scratch()
        self.began = time.time()
        self.bus: Bus = LocalBus()
        self._aliases: dict[str, Alias] = {}
        self._resources: dict[Callable[..., Any], Any] = {}

    @property
    def aliases(self) -> Mapping[str, Alias]:
        """The aliases by name."""
        return self._aliases

    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Alias:
        """Name an upstream or a database: `alias("@db", DB_SQLITE3, "app.db")`. Raises SettingError for a wrong one."""
        made = self._aliases[name] = Alias.parse(name, kind, members, **options)
        if made.kind is Kind.DJANGO:
            enter_project(made.members[0].database)
        return made

    def find_alias(self, name: str) -> Alias:
        """Return the alias of a name. Raises SettingError that lists the known ones."""
        try:
            return self._aliases[name]
        except KeyError:
            known = ", ".join(sorted(self._aliases)) or "none"
            raise SettingError(f"no alias {name!r}; there are {known}. Name it with alias({name!r}, …)") from None

    def logger(self, name: str) -> logging.Logger:
        """Return the logger of a name below the platform's."""
        return logging.getLogger(f"{self.name}.{name}")

    def make_logger(self, name: str, period: str = "daily") -> logging.Logger:
        """Return a logger with a file of its own, a new one for each hour, day or week. Raises SettingError."""
        if period not in PERIODS or not name.replace("-", "_").isidentifier():
            raise SettingError(f"make_logger({name!r}, {period!r}): a plain name, and one of {', '.join(PERIODS)}")
        logger = self.logger(name)
        if self.log_folder is not None and not logger.handlers:
            rotation = Rotation(cast(Period, period), size=0, keep=self.log_keep)
            handler = LogFileHandler(LogFile(self.log_folder / f"{name}.log", rotation))
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            logger.addHandler(handler)
        return logger

    def resource(self, make: Callable[[Platform], Resource]) -> Resource:
        """Return what `make(platform)` made the first time: pools and clients, one of each in a process."""
        if make not in self._resources:
            self._resources[make] = make(self)
        return cast(Resource, self._resources[make])

    def status(self) -> dict[str, Any]:
        """Return what is known of this process, as JSON can write it; no password is among it."""
        return {
            "name": self.name,
            "pid": os.getpid(),
            "uptime": round(time.time() - self.began, 3),
            "production": self.production,
            "threads": self.num_threads,
            "apps": {name: app.root or "/" for name, app in self.apps.items()},
            "aliases": {name: alias.kind.value for name, alias in self.aliases.items()},
            "bus": self.bus.health(),
        }

    def restart(self) -> None:
        """Replace the workers, one after the other. Raises SettingError where there is no engine."""
        raise SettingError("this app runs without the engine: nothing can be restarted")

    def shutdown(self) -> None:
        """Stop the engine; running requests finish. Raises SettingError where there is none."""
        raise SettingError("this app runs without the engine: nothing can be shut down")

    def close(self) -> None:
        """Close every resource that can be closed."""
        for resource in self._resources.values():
            close = getattr(resource, "close", None)
            if close is not None:
                close()
        self._resources.clear()
        self.scratch.close()


class LocalCells:
    """Numbers by name inside this process. Lives as long as its platform."""

    def __init__(self, initial: float) -> None:
        self.initial = initial
        self._values: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> Sequence[str]:
        """The names that were declared."""
        return list(self._values)

    def declare(self, *names: str) -> None:
        """Make names usable; what they hold already stays."""
        with self._lock:
            for name in names:
                self._values.setdefault(name, self.initial)

    def read(self, name: str) -> float:
        """Return a number. Raises SettingError for a name that was not declared."""
        with self._lock:
            return self._values[self._known(name)]

    def write(self, name: str, value: float) -> None:
        """Set a number. Raises SettingError for a name that was not declared."""
        with self._lock:
            self._values[self._known(name)] = value

    def add(self, name: str, value: int) -> int:
        """Add to a number while nobody else can change it; return the sum. Raises SettingError as `read`."""
        with self._lock:
            total = self._values[self._known(name)] = int(self._values[self._known(name)]) + value
            return total

    def _known(self, name: str) -> str:
        if name in self._values:
            return name
        raise unknown_key(name, self._values)


class LocalRates:
    """How often something was done lately, inside this process. Lives as long as its platform."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, int]] = {}  # by key: when the count ends, and the count
        self._lock = threading.Lock()
        self._next_sweep = 0.0

    def use(self, key: str, limit: int, seconds: float) -> tuple[int, float]:
        """Count one use of a key. Return how many are left of `limit` within `seconds` after the first one.

        Beside it stand the seconds to wait when there is none: then it is -1 and nothing was counted.
        """
        now = time.monotonic()
        with self._lock:
            if now > self._next_sweep:
                self._counts = {each: entry for each, entry in self._counts.items() if entry[0] > now}
                self._next_sweep = now + 60
            end, count = self._counts.get(key, (0.0, 0))
            if end <= now:
                end, count = now + seconds, 0
            if count >= limit:
                return -1, end - now
            self._counts[key] = end, count + 1
            return limit - count - 1, 0.0


def unknown_key(name: str, known: Iterable[str]) -> SettingError:
    """Return the error that says which shared keys there are."""
    listed = ", ".join(sorted(known)) or "none"
    return SettingError(f"no shared key {name!r}; there are {listed}. Declare it with app.deflu or app.defgs")
