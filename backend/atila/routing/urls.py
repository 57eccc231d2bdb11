"""URL building: from a route's name or handler and its arguments back to the URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..errors import BuildError
from ..http.request import Request
from .route import Handler, Route
from .router import Router


class Urls:
    """Builds the URLs of one app. `build` calls read like calls of the handler: `build("episode", 100, topic="x")`."""

    __slots__ = ("apps", "request", "root", "router")

    def __init__(self, router: Router, root: str, apps: Mapping[str, Any], request: Request | None = None) -> None:
        self.router = router
        self.root = root  # where the app is mounted: "" or "/sub"
        self.apps = apps  # the other apps of the process, for "app:name"
        self.request = request  # the one that `partial` starts from

    def build(self, thing: str | Handler, /, *args: object, **kwargs: object) -> str:
        """Return the path and query of a route, by name, "ns.name", "app:name", handler, or a literal "/path".

        Raises BuildError (a NameError) for a name that no route has, ValueError for arguments that do not fit.
        """
        if isinstance(thing, str) and thing.startswith("/"):
            return self.root + thing + _query(kwargs)
        if isinstance(thing, str) and ":" in thing:
            return self._elsewhere(thing, args, kwargs)
        route = self._find(thing)
        values = _bind(route, args, kwargs)
        names = route.rule.names
        rule = route.rule
        if rule.tail and rule.tail not in values and rule.tail in route.defaults:
            rule = rule.without_tail() or rule
        missing = [name for name in rule.names if name not in values]
        if missing:
            raise ValueError(f"{route.name}: the URL needs a value for {missing[0]}")
        path = rule.build({name: values[name] for name in rule.names})
        return self.root + path + _query({name: value for name, value in values.items() if name not in names})

    def partial(self, thing: str | Handler, /, **kwargs: object) -> str:
        """Return the URL of a route with the parameters of the current request's path and query, these ones changed.

        A parameter that is set to None is left out. What came in the body stays out of the URL.
        """
        route = self._find(thing)
        known = {item.name for item in route.signature[1:]}
        current = {**self.request.URL, **self.request.path_args} if self.request else {}
        kept = {name: value for name, value in current.items() if name in known or route.open_ended}
        return self.build(thing, **{**kept, **kwargs})

    def basepath(self, thing: str | Handler, /) -> str:
        """Return a route's path up to its first parameter: "/user/" of "/user/<id>/pat"."""
        return self.root + self._find(thing).rule.base

    def _find(self, thing: str | Handler) -> Route:
        route = self.router.find(thing)
        if route is None:
            name = thing if isinstance(thing, str) else thing.__qualname__
            raise BuildError(f"no route is named {name!r}; there are {', '.join(sorted(self._names())) or 'none'}")
        return route

    def _names(self) -> set[str]:
        return {route.name for route in self.router.routes}

    def _elsewhere(self, thing: str, args: tuple[object, ...], kwargs: dict[str, object]) -> str:
        app, _, name = thing.partition(":")
        if app not in self.apps:
            raise BuildError(f"no app is named {app!r}; there are {', '.join(sorted(self.apps)) or 'none'}")
        built: str = self.apps[app].build_url(name, *args, **kwargs)
        return built


def _bind(route: Route, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, Any]:
    positional = [item.name for item in route.signature[1:] if item.kind is not item.VAR_KEYWORD]
    if len(args) > len(positional):
        raise ValueError(f"{route.name} takes {len(positional)} arguments, not {len(args)}")
    values: dict[str, Any] = dict(zip(positional, args, strict=False))
    twice = set(values) & set(kwargs)
    if twice:
        raise ValueError(f"{route.name} was given {', '.join(sorted(twice))} twice")
    unknown = set(kwargs) - set(positional)
    if unknown and not route.open_ended:
        raise ValueError(f"{route.name} takes no argument {', '.join(sorted(unknown))}")
    return {name: value for name, value in {**values, **kwargs}.items() if value is not None}


def _query(values: Mapping[str, object]) -> str:
    return "?" + urlencode(values, doseq=True) if values else ""
