"""The methods that remote callers have: each route by its path, and what is told of them."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass
from datetime import datetime
from typing import Annotated, Any, Union, get_args, get_origin, is_typeddict

import msgspec

from ..errors import HTTPError
from ..http.results import API
from ..routing.route import Route
from ..routing.router import Router

OWN = "atila"  # the package whose routes, such as the page of the OpenAPI document, are no methods


class UnknownMethodError(HTTPError):
    """No route has the path that a method's name stands for."""

    def __init__(self, name: str) -> None:
        super().__init__(404, f"no method {name}")


@dataclass(slots=True)
class Call:
    """A method's name and its arguments, by place or by name."""

    method: str
    arguments: list[Any] | dict[str, Any]
    nameable: bool = False  # a struct alone may hold the arguments by name
    target: Method | None = field(default=None, compare=False)  # what it calls, once that was looked for


class Method:
    """A route as remote callers see it. Lives as long as the route."""

    __slots__ = ("names", "path", "route", "verb")

    def __init__(self, path: str, route: Route) -> None:
        self.path = path  # which names it, below the mount point
        self.route = route
        self.names = places(route)  # of the arguments, in their order
        # The method of HTTP that the handler sees: POST, else its first.
        self.verb = "POST" if "POST" in route.options.methods else route.options.methods[0]


class Methods:
    """The routes of an app as methods: `photos.list` below "/rpc2" is "/rpc2/photos/list". Lives as long as the app."""

    def __init__(self, router: Router, complete: Callable[[Route], None], introspection: bool = True) -> None:
        self.router = router
        self.introspection = introspection  # strangers may ask what there is
        self._complete = complete  # makes a route that came late ready to be called
        self._routes: list[Route] = []
        self._count = -1
        self._by_path: dict[str, Method] = {}

    def find(self, base: str, name: str) -> Method:
        """Return the method of a name, asked for at a path. Raises UnknownMethodError."""
        method = self._index().get(f"{base}/{name.replace('.', '/')}")
        if method is None:
            raise UnknownMethodError(name)
        if method.route.job is None:
            self._complete(method.route)
        return method

    def names(self, base: str) -> list[str]:
        """Return the names of all methods at a path, sorted."""
        start = f"{base}/"
        names = (path[len(start) :] for path in self._index() if path.startswith(start))
        return sorted(name.replace("/", ".") for name in names if name and "." not in name)

    def _index(self) -> dict[str, Method]:
        routes = self.router.routes
        if routes is not self._routes or len(routes) != self._count:
            self._by_path = _by_path(routes)
            self._routes, self._count = routes, len(routes)
        return self._by_path


def _is_method(route: Route) -> bool:
    return route.declared.socket is None and route.handler.__module__.partition(".")[0] != OWN


def _by_path(routes: list[Route]) -> dict[str, Method]:
    """Index routes by the paths that name them: a rule's text; its text before the parameters; POST before others."""
    found: dict[str, Method] = {}
    ordered = sorted(
        filter(_is_method, routes), key=lambda route: (bool(route.rule.names), "POST" not in route.options.methods)
    )
    for route in ordered:
        path = (route.rule.base if route.rule.names else route.rule.text).rstrip("/")
        if path not in found:
            found[path] = Method(path, route)
    return found


# system.*: what XML-RPC calls introspection; JSON-RPC callers may ask it too


def ask(methods: Methods, base: str, call: Call) -> Any:
    """Answer a `system.` method. Raises UnknownMethodError, HTTPError 400 for arguments that do not fit."""
    question = QUESTIONS.get(call.method) if methods.introspection else None
    if question is None:
        raise UnknownMethodError(call.method)
    given = list(call.arguments.values() if isinstance(call.arguments, dict) else call.arguments)
    wanted = 0 if question is _list_methods else 1
    if len(given) != wanted or not all(isinstance(item, str) for item in given):
        raise HTTPError(400, f"{call.method} takes {'the name of a method' if wanted else 'no arguments'}")
    return question(methods, base, *given)


def _list_methods(methods: Methods, base: str) -> list[str]:
    names = methods.names(base)
    return names + [name for name in (*QUESTIONS, "system.multicall") if name not in names]


def _help(methods: Methods, base: str, name: str) -> str:
    """What a handler's docstring says."""
    if name in _SYSTEM:
        return _SYSTEM[name][0]
    return inspect.getdoc(methods.find(base, name).route.handler) or ""


def _signatures(methods: Methods, base: str, name: str) -> list[list[str]]:
    """The type of the result and of the arguments; once more for each argument that may be left out."""
    if name in _SYSTEM:
        return [_SYSTEM[name][1]]
    method = methods.find(base, name)
    result = kind_of(method.route.binder.result)
    arguments = list(_arguments(method))
    kinds = [kind for kind, _ in arguments]
    least = sum(required for _, required in arguments)
    return [[result, *kinds[:count]] for count in range(least, len(kinds) + 1)]


def _arguments(method: Method) -> Iterator[tuple[str, bool]]:
    binder = method.route.binder
    known = {item.name: item for item in [*binder.arguments, *([binder.body] if binder.body else [])]}
    for name in method.names:
        yield kind_of(known[name].hint), known[name].required


def places(route: Route) -> list[str]:
    """Return the names of a handler's arguments in their order, without `was` and **keywords."""
    return [item.name for item in route.signature[1:] if item.kind is not item.VAR_KEYWORD]


Question = Callable[..., Any]
QUESTIONS: dict[str, Question] = {
    "system.listMethods": _list_methods,
    "system.methodHelp": _help,
    "system.methodSignature": _signatures,
}
_SYSTEM: dict[str, tuple[str, list[str]]] = {
    "system.listMethods": ("The names of all methods here.", ["array"]),
    "system.methodHelp": ("What a method is for.", ["string", "string"]),
    "system.methodSignature": ("The types of a method's result and arguments.", ["array", "string"]),
    "system.multicall": ("Several calls in one: [{methodName, params}, …].", ["array", "array"]),
}

_KINDS: dict[Any, str] = {
    bool: "boolean", int: "int", float: "double", str: "string", bytes: "base64", datetime: "dateTime.iso8601",
    list: "array", tuple: "array", set: "array", frozenset: "array", dict: "struct", type(None): "nil", None: "nil",
}  # fmt: skip


def kind_of(hint: Any) -> str:
    """Return what XML-RPC calls the type of a hint: "int", "struct", …; "undef" where any will do or it has no name."""
    while get_origin(hint) in (Annotated, API):
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, types.UnionType):
        kinds = {kind_of(item) for item in get_args(hint)} - {"nil"}
        return kinds.pop() if len(kinds) == 1 else "undef"
    if (kind := _KINDS.get(get_origin(hint) or hint)) is not None:
        return kind
    return "struct" if takes_struct(hint) else "undef"


def takes_struct(hint: Any) -> bool:
    """Say whether a hint asks for a struct: a dict, or a record with fields."""
    bare = get_origin(hint) or hint
    if bare in (Union, types.UnionType):
        return any(takes_struct(item) for item in get_args(hint))
    if not isinstance(bare, type):
        return False
    return issubclass(bare, dict | msgspec.Struct) or is_dataclass(bare) or is_typeddict(bare)
