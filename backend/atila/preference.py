"""What a mount may override of its app: `pref.debug = True`, `pref.config.urlfile = "urls.txt"`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from .config import BODY_LIMITS, Config

_OWN = frozenset({"config", "services", "values"})


@dataclass(frozen=True, slots=True)
class Service:
    """A module that a preference mounts into the app: the arguments of `app.mount`."""

    point: str
    module: object
    options: dict[str, Any] = field(default_factory=dict)


class Preference:
    """Overrides for one app. Every attribute set replaces the app's attribute of that name; `config` is merged into the
    app's own. `max_client_body_size` sets all limits of a body at once. Lives until the app is mounted.
    """

    config: Config
    services: list[Service]
    values: dict[str, Any]

    def __init__(self, **values: object) -> None:
        object.__setattr__(self, "values", {})
        object.__setattr__(self, "config", Config())
        object.__setattr__(self, "services", [])
        for name, value in values.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "config":
            self.config.clear()
            self.config.update(value)  # type: ignore[call-overload]  # dict.update refuses what is no mapping
        elif name in _OWN:
            raise AttributeError(f"pref.{name} belongs to the preference itself; choose another name")
        else:
            self.values[name] = value

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(f"the preference has no {name!r}; set it with pref.{name} = …") from None

    def __delattr__(self, name: str) -> None:
        self.values.pop(name, None)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Nothing to undo: `with skitai.preference() as pref:` only groups the mounts that use it."""

    def mount(self, point: str, module: object, **options: object) -> None:
        """Mount a service module into the app when the app itself is mounted."""
        self.services.append(Service(point, module, options))

    def apply(self, app: Any) -> None:
        """Override the app's attributes, merge the settings, mount the services."""
        for name, value in self.values.items():
            if name == "max_client_body_size":
                app.config.update(dict.fromkeys(BODY_LIMITS, value))
            else:
                setattr(app, name, value)
        app.config.update(self.config)
        for service in self.services:
            app.mount(service.point, service.module, **service.options)


def pref(**values: object) -> Preference:
    """Return an empty preference, or one with the values given: `skitai.pref(debug=True)`."""
    return Preference(**values)
