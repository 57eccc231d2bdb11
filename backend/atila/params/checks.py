"""Checks: what `test_params` demands of parameters before a handler runs; values stay as they were sent."""

from __future__ import annotations

import operator
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from ..errors import BAD_PARAMETER, HTTPError, Reason, RouteError, bad_parameters
from ..http.request import Request
from ..http.uploads import Upload
from ..routing.route import AnyHandler, Route, declarations
from .binding import Binder, Scope

Test = Callable[[Any], bool]

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}\Z")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+\Z")
_TRUTHS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0", "t", "f", "y", "n"})


def _is_integer(value: Any) -> bool:
    if isinstance(value, str):
        return _INTEGER.match(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.match(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_uuid(value: Any) -> bool:
    try:
        return str(value).lower() in (str(uuid.UUID(value)), uuid.UUID(value).hex)
    except (ValueError, AttributeError, TypeError):
        return False


# kind -> (test, what the value should be)
KINDS: dict[str, tuple[Test, str]] = {
    "ints": (_is_integer, "integer"),
    "floats": (_is_number, "float"),
    "emails": (lambda value: isinstance(value, str) and bool(_EMAIL.match(value)), "email address"),
    "uuids": (_is_uuid, "UUID"),
    "strings": (lambda value: isinstance(value, str), "string"),
    "booleans": (lambda value: isinstance(value, bool) or str(value).lower() in _TRUTHS, "boolean"),
    "lists": (lambda value: isinstance(value, list), "list"),
    "dicts": (lambda value: isinstance(value, dict), "dictionary"),
}
WHOLE = frozenset({"lists", "dicts"})  # these look at a repeated parameter as the one list it is

OPERATORS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "between": (lambda value, bounds: bool(bounds[0] <= value <= bounds[1]), "between {0[0]} and {0[1]}"),
    "in": (lambda value, members: value in members, "one of {0}"),
    "notin": (lambda value, members: value not in members, "none of {0}"),
    "eq": (operator.eq, "{0}"),
    "neq": (operator.ne, "other than {0}"),
    "gt": (operator.gt, "greater than {0}"),
    "gte": (operator.ge, "greater than or equal to {0}"),
    "lt": (operator.lt, "less than {0}"),
    "lte": (operator.le, "less than or equal to {0}"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """`a__gte=5`, or with `of_length` `a__len__gte=5`."""

    name: str
    operator: str
    operand: Any
    of_length: bool = False

    def reason(self, value: Any) -> str | None:
        """Return why the value is refused, or None."""
        test, words = OPERATORS[self.operator]
        subject = f"length of parameter {self.name}" if self.of_length else f"parameter {self.name}"
        try:
            fits = test(self._comparable(value), self.operand)
        except (ValueError, TypeError):
            return f"{subject} should be a number" if self._numeric else f"{subject} is invalid"
        return None if fits else f"{subject} should be {words.format(self.operand)}"

    @property
    def _numeric(self) -> bool:
        operand = self.operand
        members = list(operand) if isinstance(operand, Iterable) and not isinstance(operand, str) else [operand]
        return bool(members) and all(isinstance(item, int | float) for item in members)

    def _comparable(self, value: Any) -> Any:
        if self.of_length:
            return value.size if isinstance(value, Upload) else len(value if hasattr(value, "__len__") else str(value))
        if self._numeric:
            if not _is_number(value):
                raise ValueError(value)
            return int(value) if _is_integer(value) else float(value)
        return value


@dataclass(frozen=True, slots=True)
class Checks:
    """One `test_params`: the scope it looks at and what it demands there."""

    scope: Scope
    required: tuple[str, ...] = ()
    notnull: tuple[str, ...] = ()
    oneof: tuple[str, ...] = ()
    manyof: tuple[str, ...] = ()
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "ints" -> names
    patterns: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()

    def reasons(self, request: Request) -> list[Reason]:
        """Return every parameter that fails, each with its first reason. Raises HTTPError 400 for a malformed body."""
        found = getattr(request, self.scope)
        values: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        reasons: dict[str, str] = {}
        for name, reason in self._each(values):
            reasons.setdefault(name, reason)
        return [Reason(name, reason) for name, reason in reasons.items()]

    def _each(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        yield from ((name, f"parameter {name} required") for name in self.required if _empty(values.get(name)))
        yield from (
            (name, f"parameter {name} should not be null")
            for name in self.notnull
            if name in values and _empty(values[name])
        )
        yield from self._groups(values)
        for kind, names in self.kinds.items():
            test, words = KINDS[kind]
            for name in names:
                value = values.get(name)
                if value is not None and not all(map(test, [value] if kind in WHOLE else _listed(value))):
                    yield name, f"parameter {name} should be {words}"
        for name, pattern in self.patterns.items():
            value = values.get(name)
            if value is not None and not all(pattern.search(str(item)) for item in _listed(value)):
                yield name, f"parameter {name} is invalid"
        for comparison in self.comparisons:
            value = values.get(comparison.name)
            for item in [] if value is None else [value] if comparison.of_length else _listed(value):
                if reason := comparison.reason(item):
                    yield comparison.name, reason

    def _groups(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        if self.oneof and sum(not _empty(values.get(name)) for name in self.oneof) != 1:
            yield self.oneof[0], f"exactly one of parameters {', '.join(self.oneof)} required"
        if self.manyof and all(_empty(values.get(name)) for name in self.manyof):
            yield self.manyof[0], f"at least one of parameters {', '.join(self.manyof)} required"


class CheckedBinder(Binder):
    """A Binder whose handler has checks; they come first, and one answer lists everything that is wrong."""

    __slots__ = ("checks",)

    def __init__(self, route: Route) -> None:
        super().__init__(route)
        self.checks: list[Checks] = list(route.declared.checks)

    def bind(self, request: Request) -> dict[str, Any]:
        reasons = [reason for check in self.checks for reason in check.reasons(request)]
        try:
            bound = super().bind(request)
        except HTTPError as error:
            if not reasons or error.code != BAD_PARAMETER:
                raise
            told = {reason.name for reason in reasons}
            reasons += [reason for reason in error.reasons if reason.name not in told]
        if reasons:
            raise bad_parameters(reasons)
        return bound


def binder_for(route: Route) -> Binder:
    """Return what binds a route's arguments, with its checks when it has any."""
    return CheckedBinder(route) if route.declared.checks else Binder(route)


def check_params(
    scope: Scope,
    required: Iterable[str] | None = None,
    ints: Iterable[str] | None = None,
    floats: Iterable[str] | None = None,
    emails: Iterable[str] | None = None,
    uuids: Iterable[str] | None = None,
    **rules: Any,
) -> Callable[[AnyHandler], AnyHandler]:
    """Check parameters before a handler runs: `@app.test_params("ARGS", ["id"], ints=["id"], limit__lte=100)`.

    `scope` is ARGS, URL, FORM, JSON, DATA, PARAMS or DEFAULT. More kinds: strings, booleans, lists, dicts, notnull,
    oneof (exactly one of them), manyof (at least one). Rules by name: a pattern `a=re.compile("^x")`, a comparison
    `a__between=(1, 9)` (in, notin, eq, neq, gt, gte, lt, lte), of the length `a__len__lte=80`. An absent parameter
    passes everything but `required`. A failure is 400 with code 40050. Raises RouteError for a rule it cannot read.
    """
    if scope not in get_args(Scope):
        raise RouteError(f"test_params: no scope {scope!r}; there are {', '.join(get_args(Scope))}")
    named = {"ints": ints, "floats": floats, "emails": emails, "uuids": uuids}
    named.update({kind: rules.pop(kind, None) for kind in ("strings", "booleans", "lists", "dicts")})
    groups = {name: _names(name, rules.pop(name, None)) for name in ("notnull", "oneof", "manyof")}
    patterns = {name: rule for name, rule in rules.items() if isinstance(rule, re.Pattern)}
    made = Checks(
        scope,
        _names("required", required),
        kinds={kind: _names(kind, names) for kind, names in named.items() if names},
        patterns=patterns,
        comparisons=tuple(_comparison(name, rule) for name, rule in rules.items() if name not in patterns),
        **groups,
    )

    def declare(handler: AnyHandler) -> AnyHandler:
        declarations(handler).checks.insert(0, made)
        return handler

    return declare


def _comparison(text: str, operand: Any) -> Comparison:
    name, _, word = text.rpartition("__")
    of_length = name.endswith("__len")
    name = name.removesuffix("__len")
    if not name or word not in OPERATORS:
        raise RouteError(
            f"test_params: {text}={operand!r} is neither a compiled pattern nor a comparison; "
            f"write {text}__OPERATOR, of which there are {', '.join(OPERATORS)}"
        )
    if word == "between" and not (isinstance(operand, list | tuple) and len(operand) == 2):
        raise RouteError(f"test_params: {text} takes (lowest, highest), not {operand!r}")
    if word in ("in", "notin") and (isinstance(operand, str) or not hasattr(operand, "__contains__")):
        raise RouteError(f"test_params: {text} takes a tuple, a list or a set, not {operand!r}")
    return Comparison(name, word, operand, of_length)


def _names(kind: str, names: Iterable[str] | None) -> tuple[str, ...]:
    if isinstance(names, str):
        raise RouteError(f"test_params: {kind} is a list of names, not {names!r}")
    return tuple(names or ())


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
