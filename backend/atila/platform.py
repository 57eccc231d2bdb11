"""What an app may ask of the engine it runs on, and the same in process, so that tests need no engine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from .alias import Alias
from .errors import SettingError

Resource = TypeVar("Resource")

class Platform(Protocol):
    """What an app may ask of its engine. Lives as long as the process."""

    name: str
    production: bool  # the kill switch: debug and reloading are off, whatever the apps say
    apps: dict[str, Any]  # mounted apps by name
    attributes: dict[str, Any]  # what `wac.register` added to every `was`
    num_threads: int

    @property
    def aliases(self) -> Mapping[str, Alias]: ...
    def alias(self, name: str, kind: str, members: str | Sequence[str], **options: Any) -> Alias: ...
    def find_alias(self, name: str) -> Alias: ...
    def logger(self, name: str) -> logging.Logger: ...
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
