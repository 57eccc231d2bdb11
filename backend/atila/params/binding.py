"""Binding: path, query and body become a handler's arguments, converted and validated by their type hints."""

from __future__ import annotations

import inspect
from collections.abc import Container
from dataclasses import is_dataclass
from typing import Any, Literal, get_type_hints, is_typeddict

import msgspec

from ..errors import MOST_REASONS, HTTPError, Reason, RouteError, bad_parameters
from ..http.body import FormLimits, parse_json
from ..http.request import Request
from ..routing.route import Handler, Route
from .types import Converter, converter_for, ready_type

Scope = Literal["ARGS", "URL", "FORM", "JSON", "DATA", "PARAMS", "DEFAULT"]  # where parameters come from

_NOTHING: dict[str, Any] = {}


class Argument:
    """One argument of a handler. Lives as long as its route."""

    __slots__ = ("convert", "decode", "default", "hint", "is_body", "name", "ready", "required")

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.name = name
        self.hint = hint  # Any where the handler gives none
        self.default = default
        self.required = default is inspect.Parameter.empty
        self.is_body = _is_record(hint)  # it receives the whole body
        self.decode = msgspec.json.Decoder(hint).decode if self.is_body else None
        as_it_is = hint in (Any, object) or hasattr(hint, "DESCRIPTOR")  # a protobuf message comes decoded
        self.ready = ready_type(hint)
        self.convert: Converter | None = None if as_it_is else converter_for(name, hint)


class Binder:
    """Makes the keyword arguments of one handler. Lives as long as its route.

    Raises RouteError for hints it cannot use.
    """

    __slots__ = (
        "arguments", "body", "first", "free", "in_path", "message", "names", "only_path", "open_ended", "rest",
        "result", "sendable", "simple",
    )  # fmt: skip

    def __init__(self, route: Route) -> None:
        hints = read_hints(route.handler)
        self.result = hints.get("return", Any)
        self.open_ended = route.open_ended
        taken = [item for item in route.signature[1:] if item.kind is not item.VAR_KEYWORD]
        all_arguments = [Argument(item.name, hints.get(item.name, Any), item.default) for item in taken]
        bodies = [item for item in all_arguments if item.is_body]
        if len(bodies) > 1:
            names = " and ".join(item.name for item in bodies)
            raise RouteError(f"{route!r}: one argument takes the body, not {names}")
        self.body = bodies[0] if bodies else None
        self.arguments = [item for item in all_arguments if not item.is_body]
        self.names = {item.name for item in all_arguments}
        self.first = route.signature[0].name  # the one that takes `was`
        self.in_path = frozenset(route.rule.names)
        self.sendable = {item.name for item in self.arguments} - self.in_path
        self.rest = self.in_path - self.names  # parameters of the path that only **keywords take
        self.only_path = not self.open_ended and self.names <= self.in_path
        self.free = not all_arguments and not self.open_ended  # takes nothing, and so ignores what is sent
        self.simple = self.body is None and not self.open_ended and not self.rest
        self.message = taken[0].name if taken else ""  # the argument that takes a gRPC message

    def bind(self, request: Request) -> dict[str, Any]:
        """Return the handler's keyword arguments.

        Raises HTTPError 400 with code 40050 and every faulty parameter, 400 for a malformed body.
        """
        if self.free:
            return _NOTHING
        if request.wire == "grpc":
            return {self.message: request.message} if self.message else _NOTHING
        path = request.path_args
        query = request.URL if request.query_string else _NOTHING
        if self.simple and not request.body and request.wire == "http":
            plain = self._bind_simple(path, query)
            if plain is not None:
                return plain
        reasons: list[Reason] = []
        if self.body is None or request.wire != "http":
            data = self._data(request) if request.body or request.wire != "http" else _NOTHING
            bound: dict[str, Any] = {}
        else:
            data = _NOTHING
            bound = self._bind_body(request, self.body, reasons)
        self._bind_each(bound, path, query, data, request, reasons)
        if query or data:
            self._bind_rest(bound, path if request.wire == "http" else self.names, query, data, reasons)
        if self.rest:
            bound.update({name: path[name] for name in self.rest if name in path})
        if reasons:
            raise bad_parameters(reasons)
        return bound

    def _bind_simple(self, path: dict[str, Any], query: dict[str, Any]) -> dict[str, Any] | None:
        """Return the arguments when the path and the query have all that is needed and nothing else, else None."""
        bound: dict[str, Any] = {}
        used = 0
        for argument in self.arguments:
            name = argument.name
            if name in path:
                value = path[name]
            elif name in query and name not in self.in_path:
                value = query[name]
                used += 1
            elif argument.required:
                return None
            else:
                continue
            if type(value) is argument.ready or argument.convert is None:
                bound[name] = value
                continue
            try:
                bound[name] = argument.convert(value, False)
            except (ValueError, TypeError):
                return None
        return bound if used == len(query) else None

    def _data(self, request: Request) -> dict[str, Any]:
        """Return the body's fields. A handler that takes only the path may read a JSON array by `request.json()`."""
        if self.only_path and isinstance(request.json(), list):
            return _NOTHING
        return request.dict()

    def _bind_each(
        self,
        bound: dict[str, Any],
        path: dict[str, Any],
        query: dict[str, Any],
        data: dict[str, Any],
        request: Request,
        reasons: list[Reason],
    ) -> None:
        called = request.wire != "http"
        for argument in self.arguments if self.body is None or not called else [*self.arguments, self.body]:
            name = argument.name
            strict = False
            if name in path:
                value = path[name]
            elif name in self.in_path and not called:
                continue  # an optional end of the path that was left out comes from nowhere else
            elif name in data:
                value = data[name]
                strict = called or request.is_json
            elif name in query:
                value = query[name]
            else:
                if argument.required:
                    reasons.append(Reason(name, f"parameter `{name}` is missing"))
                continue
            if argument.convert is None:
                bound[name] = value
                continue
            try:
                bound[name] = argument.convert(value, strict)
            except (ValueError, TypeError) as error:
                reasons.append(Reason(name, str(error)))

    def _bind_rest(
        self,
        bound: dict[str, Any],
        taken: Container[str],
        query: dict[str, Any],
        data: dict[str, Any],
        reasons: list[Reason],
    ) -> None:
        sent = {**query, **data} if query and data else query or data
        if self.open_ended:
            bound.update({name: value for name, value in sent.items() if name not in self.names})
            if bound.pop(self.first, None) is not None:
                reasons.append(Reason(self.first, f"parameter `{self.first}` is unknown"))
            return
        unknown = [name for name in sent if name not in self.sendable and name not in taken]
        if unknown:
            reasons.extend(Reason(name, f"parameter `{name}` is unknown") for name in unknown[:MOST_REASONS])

    def _bind_body(self, request: Request, argument: Argument, reasons: list[Reason]) -> dict[str, Any]:
        body = request.body
        if not body:
            if argument.required:
                reasons.append(Reason(argument.name, "a body is missing"))
            return {}
        try:
            if argument.decode is not None and request.is_json:
                parse_json(body, (request.limits or FormLimits()).depth)
                return {argument.name: argument.decode(body)}
            fields = request.form()
            if fields is None:
                kind = request.get_content_type() or "of no stated type"
                raise HTTPError(415, f"the body is {kind}; JSON or a form is expected")
            return {argument.name: msgspec.convert(fields, argument.hint, strict=False)}
        except msgspec.ValidationError as error:
            reasons.extend(_every_reason(request, argument, error))
        return {}


def read_hints(handler: Handler) -> dict[str, Any]:
    """Return a handler's type hints, evaluated. Raises RouteError naming the one that cannot be."""
    if not getattr(handler, "__annotations__", None):
        return {}
    closure = inspect.getclosurevars(handler).nonlocals if inspect.isfunction(handler) else {}
    try:
        return get_type_hints(handler, localns=dict(closure), include_extras=True)
    except NameError as error:
        raise RouteError(f"{handler.__qualname__}: a type hint cannot be found: {error}") from error


def _is_record(hint: Any) -> bool:
    if not isinstance(hint, type):
        return False
    return issubclass(hint, msgspec.Struct) or is_dataclass(hint) or is_typeddict(hint)


def _every_reason(request: Request, argument: Argument, first: msgspec.ValidationError) -> list[Reason]:
    """Return each faulty field of a body, not only the one that msgspec met first."""
    value, hint = request.json() if request.is_json else request.dict(), argument.hint
    if not isinstance(value, dict):
        return [Reason(argument.name, f"parameter `{argument.name}` should be a JSON object")]
    reasons: list[Reason] = []
    try:
        fields: tuple[Any, ...] = msgspec.structs.fields(hint)
    except TypeError:
        fields = ()
    for field in fields:
        name = field.encode_name
        if name not in value:
            if field.required:
                reasons.append(Reason(name, f"parameter `{name}` is missing"))
            continue
        try:
            converter_for(name, field.type)(value[name], request.is_json)
        except (ValueError, TypeError) as error:
            reasons.append(Reason(name, str(error)))
    known = {field.encode_name for field in fields}
    if fields and hint.__struct_config__.forbid_unknown_fields:
        reasons += [Reason(name, f"parameter `{name}` is unknown") for name in value if name not in known]
    if reasons:
        return reasons
    text, _, place = str(first).partition(" - at `$")
    return [Reason(place.strip("`.") or "body", f"the body is wrong: {text}")]
