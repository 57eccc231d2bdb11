"""What an app may ask of the engine it runs on, and the same in process, so that tests need no engine."""

from __future__ import annotations

import logging
import logging.handlers
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from .alias import Alias
from .bus import Bus, LocalBus
from .errors import SettingError

Resource = TypeVar("Resource")

PERIODS = {"hourly": "H", "daily": "midnight", "weekly": "W0"}  # when a log of `make_logger` starts a new file


class Cells(Protocol):
    """Numbers by name, shared by all processes of an engine. Names are declared before they are used."""

    def declare(self, *names: str) -> None: ...
    def read(self, name: str) -> float: ...
    def write(self, name: str, value: float) -> None: ...


class Platform(Protocol):
    """What an app may ask of its engine. Lives as long as the process."""

    name: str
    production: bool  # the kill switch: debug and reloading are off, whatever the apps say
    apps: dict[str, Any]  # mounted apps by name
    attributes: dict[str, Any]  # what `wac.register` added to every `was`
    num_threads: int
    updates: Cells  # times of the last update, for setlu and getlu
    numbers: Cells  # for setgs and getgs
    bus: Bus  # messages between all processes of the engine

    @property
    def aliases(self) -> Mapping[str, Alias]: ...
    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Alias: ...
    def find_alias(self, name: str) -> Alias: ...
    def logger(self, name: str) -> logging.Logger: ...
    def make_logger(self, name: str, period: str = "daily") -> logging.Logger: ...
    def resource(self, make: Callable[[Platform], Resource]) -> Resource: ...
    def close(self) -> None: ...


class LocalPlatform:
    """A Platform inside this process: nothing is shared with others. Lives as long as the app or test that made it."""

    def __init__(self, name: str = "atila") -> None:
        self.name = name
        self.production = False
        self.apps: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.num_threads = 1
        self.log_folder: Path | None = None  # where `make_logger` writes; None is where the process logs
        self.updates: Cells = LocalCells(time.time())
        self.numbers: Cells = LocalCells(0)
        self.bus: Bus = LocalBus()
        self._aliases: dict[str, Alias] = {}
        self._resources: dict[Callable[..., Any], Any] = {}

    @property
    def aliases(self) -> Mapping[str, Alias]:
        return self._aliases

    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Alias:
        """Name an upstream or a database: `alias("@db", DB_SQLITE3, "app.db")`. Raises SettingError for a wrong one."""
        made = self._aliases[name] = Alias.parse(name, kind, members, **options)
        return made

    def find_alias(self, name: str) -> Alias:
        """Return the alias of a name. Raises SettingError that lists the known ones."""
        try:
            return self._aliases[name]
        except KeyError:
            known = ", ".join(sorted(self._aliases)) or "none"
            raise SettingError(f"no alias {name!r}; there are {known}. Name it with alias({name!r}, …)") from None

    def logger(self, name: str) -> logging.Logger:
        return logging.getLogger(f"{self.name}.{name}")

    def make_logger(self, name: str, period: str = "daily") -> logging.Logger:
        """Return a logger with a file of its own, a new one for each hour, day or week. Raises SettingError."""
        if period not in PERIODS or not name.replace("-", "_").isidentifier():
            raise SettingError(f"make_logger({name!r}, {period!r}): a plain name, and one of {', '.join(PERIODS)}")
        logger = self.logger(name)
        if self.log_folder is not None and not logger.handlers:
            path = self.log_folder / f"{name}.log"
            handler = logging.handlers.TimedRotatingFileHandler(path, PERIODS[period], delay=True, encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            logger.addHandler(handler)
        return logger

    def resource(self, make: Callable[[Platform], Resource]) -> Resource:
        """Return what `make(platform)` made the first time: pools and clients, one of each in a process."""
        if make not in self._resources:
            self._resources[make] = make(self)
        return cast(Resource, self._resources[make])

    def close(self) -> None:
        """Close every resource that can be closed."""
        for resource in self._resources.values():
            close = getattr(resource, "close", None)
            if close is not None:
                close()
        self._resources.clear()


class LocalCells:
    """Numbers by name inside this process. Lives as long as its platform."""

    def __init__(self, initial: float) -> None:
        self.initial = initial
        self._values: dict[str, float] = {}
        self._lock = threading.Lock()

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

    def _known(self, name: str) -> str:
        if name in self._values:
            return name
        known = ", ".join(sorted(self._values)) or "none"
        raise SettingError(f"no shared key {name!r}; there are {known}. Declare it with app.deflu or app.defgs")
