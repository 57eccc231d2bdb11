"""A route: a rule, the methods it answers, the handler, and what decorators declared of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import RouteError
from .rule import Rule

Handler = Callable[..., Any]
AnyHandler = TypeVar("AnyHandler", bound=Handler)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
DEFAULT_METHODS = ("GET", "POST")


@dataclass(slots=True)
class Declarations:
    """What decorators said of a handler, in the order they are written above it. Lives as long as the handler."""

    guards: list[Callable[[Any], Any]] = field(default_factory=list)  # run before binding; a result ends the request
    before: list[Callable[[Any], Any]] = field(default_factory=list)  # run_before
    after: list[Callable[[Any], Any]] = field(default_factory=list)  # run_after
    checks: list[Any] = field(default_factory=list)  # test_params
    permissions: list[Any] = field(default_factory=list)  # permission_required
    scheme: str | None = None  # authorization_required
    socket: Any = None  # websocket


def declarations(handler: Handler) -> Declarations:
    """Return the handler's Declarations, made at first use."""
    found = handler.__dict__.get("__atila__")
    if found is None:
        found = handler.__dict__["__atila__"] = Declarations()
    return found


@dataclass(slots=True)
class RouteOptions:
    """The keywords of `@app.route`."""

    methods: tuple[str, ...] = DEFAULT_METHODS  # what it answers: GET and POST; HEAD follows GET
    content_types: tuple[str, ...] = ()  # types of body it takes; any other is 415
    authenticate: str | bool | None = None  # a scheme, True or False; None is what the mount or app says
    access_control_allow_origin: list[str] | None = None  # origins that may call; None is what the app says
    access_control_max_age: int | None = None  # seconds a preflight's answer is kept; None is what the app says
    operation_id: str | None = None  # names the operation in the OpenAPI document
    summary: str | None = None  # in the OpenAPI document; None is the docstring's first line
    tags: tuple[str, ...] = ()  # groups in the OpenAPI document; none is the module's name
    status: int | None = None  # the status of success in the OpenAPI document
    responses: dict[int, Any] = field(default_factory=dict)  # further answers in the OpenAPI document
    include_in_schema: bool = True  # False keeps the route out of the OpenAPI document


def read_options(rule: str, options: dict[str, Any]) -> RouteOptions:
    """Return the options of a route. Raises RouteError for one that does not exist or a method that is none."""
    unknown = set(options) - set(RouteOptions.__dataclass_fields__)
    if unknown:
        known = ", ".join(RouteOptions.__dataclass_fields__)
        raise RouteError(f"route {rule!r}: no option {', '.join(sorted(unknown))}; there are {known}")
    given = {name: value for name, value in options.items() if value is not None}
    for name in ("methods", "content_types", "tags"):
        if name in given:
            given[name] = _tuple(rule, name, given[name])
    read = RouteOptions(**given)
    read.methods = tuple(method.upper() for method in read.methods)
    wrong = [method for method in read.methods if method not in METHODS]
    if wrong or not read.methods:
        raise RouteError(f"route {rule!r}: methods are some of {', '.join(METHODS)}, not {read.methods!r}")
    if "GET" in read.methods and "HEAD" not in read.methods:
        read.methods += ("HEAD",)
    return read


def _tuple(rule: str, name: str, value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise RouteError(f"route {rule!r}: {name} is a list, not {value!r}")
    return tuple(value)


class Route:
    """One rule of one handler. Lives as long as its mount. Raises RouteError for a wrong declaration."""

    __slots__ = (
        "asynchronous", "binder", "declared", "defaults", "guards", "handler", "job", "module", "mounted_with", "name",
        "options", "rule", "scheme", "sharing", "signature",
    )  # fmt: skip

    def __init__(
        self,
        rule: Rule,
        handler: Handler,
        options: RouteOptions,
        *,
        name: str = "",
        module: Any = None,
        mounted_with: Mapping[str, Any] | None = None,
    ) -> None:
        self.rule = rule
        self.handler = handler
        self.options = options
        self.name = name or handler.__name__  # with the namespace of its mount: "regist.login"
        self.module = module
        self.mounted_with = mounted_with or {}  # the options of the mount that declared it
        self.asynchronous = inspect.iscoroutinefunction(handler)
        self.declared = declarations(handler)
        self.guards: list[Callable[[Any], Any]] = []  # of this route and its handler; set when the app is built
        self.scheme: Any = None  # how its callers authenticate, None if they need not; set when the app is built
        self.sharing: Any = None  # which other origins may call; set when the app is built
        self.signature = list(inspect.signature(handler).parameters.values())
        self.defaults = {
            item.name: item.default for item in self.signature[1:] if item.default is not inspect.Parameter.empty
        }
        self.job: Any = None  # how adapters run it; set when the app is built
        self.binder: Any = None  # from request to arguments; set when the app is built
        self._check()

    def __repr__(self) -> str:
        return f"Route({self.rule.text!r}, {'/'.join(self.options.methods)}, {self.name})"

    def describe(self) -> dict[str, Any]:
        """Return what `was.request.routable` shows."""
        return {
            "methods": list(self.options.methods),
            "content_types": list(self.options.content_types),
            "args": [item.name for item in self.signature[1:] if item.kind is not item.VAR_KEYWORD],
            "keywords": next((item.name for item in self.signature if item.kind is item.VAR_KEYWORD), None),
        }

    @property
    def open_ended(self) -> bool:
        """The handler takes `**keywords`."""
        return bool(self.signature) and self.signature[-1].kind is inspect.Parameter.VAR_KEYWORD

    def _check(self) -> None:
        where = f"route {self.rule.text!r}, {self.handler.__qualname__}"
        nameless = inspect.Parameter.POSITIONAL_ONLY
        positional = (nameless, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        if not self.signature or self.signature[0].kind not in positional:
            raise RouteError(f"{where}: a handler's first argument is `was`")
        taken = {item.name for item in self.signature[1:]}
        if any(item.kind is item.VAR_POSITIONAL for item in self.signature):
            raise RouteError(f"{where}: parameters have names; write **{'form'} in place of *arguments")
        if any(item.kind is nameless for item in self.signature[1:]):
            raise RouteError(f"{where}: parameters are given by name, so only `was` can stand before a /")
        missing = [name for name in self.rule.names if name not in taken]
        if missing and not self.open_ended:
            raise RouteError(f"{where}: no argument for the rule's <{missing[0]}> (530 Parameter Mismatch)")
