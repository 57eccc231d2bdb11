"""The routes of one app: matching a path and a method to a handler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..errors import HTTPError, RouteError
from .route import AnyHandler, Handler, Route, declarations, read_options
from .rule import MISS, READERS, Reader, Rule


@dataclass(frozen=True, slots=True)
class MountScope:
    """What the routes declared inside one `app.mount(...)` share."""

    prefix: str = ""
    namespace: str = ""
    module: Any = None
    options: dict[str, Any] = field(default_factory=dict)
    guard: Callable[[Any], Any] | None = None  # runs in front of the handlers


class Redirect(Exception):  # noqa: N818 - no error: the path is right but for its slash
    """The path matches with a slash at its end."""


class Node:
    """A place in the tree of segments."""

    __slots__ = ("literals", "parameters", "routes", "tails")

    def __init__(self) -> None:
        self.literals: dict[str, Node] = {}
        self.parameters: list[tuple[Reader, Node]] = []  # the narrowest kind first
        self.tails: dict[str, Route] = {}  # by method: routes whose path parameter takes the rest
        self.routes: dict[str, Route] = {}  # by method: routes that end here

    def child(self, kind: str, text: str) -> Node:
        """Return the node below for a segment, made when it is missing."""
        if not kind:
            return self.literals.setdefault(text, Node())
        reader = READERS[kind]
        for known, child in self.parameters:
            if known is reader:
                return child
        child = Node()
        self.parameters.append((reader, child))
        self.parameters.sort(key=lambda pair: _NARROWEST.index(pair[0]))
        return child


_NARROWEST = [READERS[kind] for kind in ("int", "float", "string")]


class Router:
    """The route table of an app, and the decorator that fills it. Lives as long as the app."""

    def __init__(self) -> None:
        self.routes: list[Route] = []
        self.scope = MountScope()
        self._staged: list[Route] | None = None  # the routes of a module that is being replaced
        self._tree: Node | None = None
        self._static: dict[str, dict[str, Route]] = {}
        self._index: dict[str | Handler, Route] = {}  # the first route of a name, and of a handler
        self.on_change: Callable[[], None] = lambda: None

    def route(self, rule: str, /, **options: Any) -> Callable[[AnyHandler], AnyHandler]:
        """Declare a route: `@app.route("/episodes/<int:id>", methods=["GET"])`. Several on one are several URLs.

        Options: methods (default GET and POST), content_types, authenticate, access_control_allow_origin,
        access_control_max_age, and for the OpenAPI document operation_id, summary, tags, status, responses,
        include_in_schema. Raises RouteError for an unknown option or method, and a rule without its argument.
        """
        scope = self.scope
        read = read_options(rule, options)
        if read.authenticate is None:
            read.authenticate = scope.options.get("authenticate")

        def declare(handler: AnyHandler) -> AnyHandler:
            name = f"{scope.namespace}.{handler.__name__}" if scope.namespace else handler.__name__
            full = Rule(scope.prefix + rule)
            if scope.guard is not None:
                declarations(handler).guards.insert(0, scope.guard)
            self.add(Route(full, handler, read, name=name, module=scope.module, mounted_with=scope.options))
            return handler

        return declare

    def add(self, route: Route) -> None:
        """Add a route; it answers from the next request on."""
        if self._staged is not None:
            self._staged.append(route)
            return
        self.routes.append(route)
        self._tree = None
        self.on_change()

    def remove_module(self, module: Any) -> None:
        """Drop every route that a mount of this module declared."""
        self._use([route for route in self.routes if route.module is not module])

    @contextmanager
    def replacing(self, module: Any) -> Iterator[list[Route]]:
        """Put the routes declared inside this block in the place of a module's, all at once at its end.

        Requests meet the old routes or the new ones, never none. Raises RouteError when the new ones collide with
        others; then nothing has changed.
        """
        staged: list[Route] = []
        self._staged = staged
        try:
            yield staged
        finally:
            self._staged = None
        kept = [route for route in self.routes if route.module is not module]
        place = next((index for index, route in enumerate(self.routes) if route.module is module), len(kept))
        self._use([*kept[:place], *staged, *kept[place:]])

    @contextmanager
    def scoped(self, scope: MountScope) -> Iterator[None]:
        """Give the routes declared inside this block a prefix, a namespace and a module."""
        before, self.scope = self.scope, scope
        try:
            yield
        finally:
            self.scope = before

    def match(self, path: str, method: str) -> tuple[Route, dict[str, Any]]:
        """Return the route that answers a path below the mount point, and the path's parameters.

        Raises HTTPError 404, or 405 with Allow; Redirect when a slash is missing at the end.
        """
        tree = self._tree or self._grow()
        found = self._static.get(path)
        if found is not None and (route := found.get(method)) is not None:
            return route, {}
        return _straight(tree, path, method) or self._search(tree, path, method, found)

    def _search(self, tree: Node, path: str, method: str, found: Iterable[str] | None) -> tuple[Route, dict[str, Any]]:
        """Do what `match` does, looking at every branch."""
        allowed: set[str] = set(found or ())
        values: list[Any] = []
        matched = self._walk(tree, path.split("/")[1:], 0, method, values, allowed) if path else None
        if matched is not None:
            return matched, dict(zip(matched.rule.names, values, strict=False))
        if allowed:
            # RFC 9110 15.5.6: a 405 lists what is allowed.
            raise HTTPError(405, headers=[("allow", ", ".join(sorted(allowed)))])
        if path != "*" and not path.endswith("/") and self.reaches(path + "/"):  # OPTIONS * asks for no path
            raise Redirect
        raise HTTPError(404)

    def allowed(self, path: str) -> list[str]:
        """Return every method that some route answers at a path, sorted."""
        allowed: set[str] = set(self._static.get(path, ()))
        self._walk(self._tree or self._grow(), path.split("/")[1:], 0, "", [], allowed)
        return sorted(allowed)

    def reaches(self, path: str) -> bool:
        """Say whether any method of any route answers a path below the mount point."""
        return bool(self.allowed(path))

    def _walk(
        self, node: Node, parts: list[str], depth: int, method: str, values: list[Any], allowed: set[str]
    ) -> Route | None:
        if depth == len(parts):
            route = node.routes.get(method)
            if route is None:
                allowed.update(node.routes)
            return route
        part = parts[depth]
        literal = node.literals.get(part)
        if literal is not None and (route := self._walk(literal, parts, depth + 1, method, values, allowed)):
            return route
        for read, child in node.parameters:
            value = read(part)
            if value is MISS:
                continue
            values.append(value)
            if route := self._walk(child, parts, depth + 1, method, values, allowed):
                return route
            values.pop()
        if not node.tails:
            return None
        rest = "/".join(parts[depth:])
        if not rest:
            return None
        if route := node.tails.get(method):
            values.append(rest)
            return route
        allowed.update(node.tails)
        return None

    def _grow(self) -> Node:
        return self._use(self.routes)

    def _use(self, routes: list[Route]) -> Node:
        """Answer by these routes from now on. Raises RouteError when two of them collide; then nothing changes."""
        tree = Node()
        static: dict[str, dict[str, Route]] = {}
        for route in routes:
            _plant(tree, static, route.rule, route)
            shorter = route.rule.without_tail()
            if shorter is not None and route.rule.tail in route.defaults:
                _plant(tree, static, shorter, route)
        changed = routes is not self.routes
        self._index = {key: route for route in reversed(routes) for key in (route.handler, route.name)}
        self.routes, self._static, self._tree = routes, static, tree
        if changed:
            self.on_change()
        return tree

    def find(self, thing: str | Handler) -> Route | None:
        """Return the first route of a name ("photos", "ns.photos") or of a handler."""
        if self._tree is None:
            self._grow()
        found = self._index.get(thing)
        if found is None and not isinstance(thing, str):
            found = next((route for route in self.routes if _same(route.handler, thing)), None)
        return found


def _straight(node: Node, path: str, method: str) -> tuple[Route, dict[str, Any]] | None:
    """Return what the first branch at every segment leads to, which is mostly right, or None."""
    values: list[Any] = []
    for part in path.split("/")[1:]:
        child = node.literals.get(part)
        if child is not None:
            node = child
            continue
        if not node.parameters:
            return None
        read, node = node.parameters[0]
        value = read(part)
        if value is MISS:
            return None
        values.append(value)
    route = node.routes.get(method)
    return None if route is None else (route, dict(zip(route.rule.names, values, strict=False)))


def _same(one: Handler, other: Handler) -> bool:
    """Say whether two functions were written in one place: a handler, and itself before its module was reloaded."""
    named = one.__name__ != "<lambda>"
    return named and (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def _plant(tree: Node, static: dict[str, dict[str, Route]], rule: Rule, route: Route) -> None:
    table = {} if rule.names else static.setdefault(rule.text, {})
    target = _leaf(tree, rule) if rule.segments else table
    for method in route.options.methods:
        known = target.setdefault(method, route)
        if known is not route and method != "HEAD":
            raise RouteError(
                f"{method} {rule.text or '(the mount point)'} is routed twice: {known.name} and {route.name}"
            )
        if known is not route and "GET" not in route.options.methods:
            target[method] = known = route  # a HEAD of its own goes before the one that follows from GET
        table[method] = known


def _leaf(tree: Node, rule: Rule) -> dict[str, Route]:
    node = tree
    for segment in rule.segments:
        if segment.kind == "path":
            return node.tails
        node = node.child(segment.kind, segment.text)
    return node.routes
