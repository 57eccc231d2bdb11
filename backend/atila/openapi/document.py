"""The OpenAPI 3.1 document of an app: read off its routes, hints, permissions and docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, is_dataclass
from typing import Any, get_args, get_origin

import msgspec

from ..http.results import API, File
from ..params.binding import Argument, Binder
from ..params.types import alternatives, is_upload
from ..routing.route import Route
from ..routing.rule import WORDS, Segment
from ..status import BODILESS, parse_status

Schema = dict[str, Any]

_BODY_METHODS = ("POST", "PUT", "PATCH")
_PATH_SCHEMAS: dict[str, Schema] = {
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number", "minimum": 0},
    "string": {"type": "string"},
    "path": {"type": "string"},
}
_REFERENCE = "#/components/schemas/{name}"


class FaultyParameter(msgspec.Struct):
    """One parameter that was refused."""

    name: str
    reason: str


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """What every error answers."""

    code: int
    message: str
    more_info: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[FaultyParameter] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Info:
    """What the document says of the whole API."""

    title: str
    version: str
    description: str = ""


def build_document(routes: list[Route], info: Info, root: str = "") -> dict[str, Any]:
    """Return the document of the routes, which are built, below `root`."""
    shown = [route for route in routes if route.options.include_in_schema and route.declared.socket is None]
    schemas = _Schemas(shown)
    paths: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for route in shown:
        item = paths.setdefault(root + _template(route), {})
        for method in route.options.methods:
            if method not in ("HEAD", "OPTIONS"):
                operation = item[method.lower()] = _Operation(route, method, schemas).describe()
                operation["operationId"] = _unique(operation["operationId"], taken)
    described: dict[str, Any] = {"title": info.title, "version": info.version}
    if info.description:
        described["description"] = info.description
    return {
        "openapi": "3.1.0",
        "info": described,
        "paths": dict(sorted((path, item) for path, item in paths.items() if item)),
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": _security_schemes(routes),
        },
    }


def _security_schemes(routes: list[Route]) -> dict[str, Any]:
    """Return how callers may authenticate: by bearer token, and by the other schemes that routes ask for."""
    named = {_scheme_of(route) for route in routes} - {"bearer"}
    found: dict[str, Any] = {name: {"type": "http", "scheme": name} for name in sorted(named)}
    return {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}, **found}


def _scheme_of(route: Route) -> str:
    return str(route.scheme.name) if route.scheme else "bearer"


class _Schemas:
    """The JSON Schemas (2020-12) of every type that the routes name, shared by reference."""

    def __init__(self, routes: list[Route]) -> None:
        hints: dict[str, Any] = {"ErrorBody": ErrorBody}
        for route in routes:
            binder: Binder = route.binder
            for argument in [*binder.arguments, *([binder.body] if binder.body else [])]:
                if not is_upload(argument.hint):
                    hints[repr(argument.hint)] = argument.hint
            result = result_type(binder.result)
            if result is not None:
                hints[repr(result)] = result
        listed, self.components = msgspec.json.schema_components(
            hints.values(), schema_hook=lambda hint: {"description": "any value"}, ref_template=_REFERENCE
        )
        self._by_hint = dict(zip(hints, listed, strict=True))

    def of(self, hint: Any) -> Schema:
        if hint in (Any, object):
            return {}
        if is_upload(hint):
            file: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
            many = any(get_origin(item) is list for item in alternatives(hint))
            return {"type": "array", "items": file} if many else file
        return dict(self._by_hint[repr(hint)])

    @property
    def error(self) -> Schema:
        return dict(self._by_hint["ErrorBody"])


class _Operation:
    """One method of one route, as the document tells it."""

    def __init__(self, route: Route, method: str, schemas: _Schemas) -> None:
        self.route = route
        self.method = method
        self.schemas = schemas
        self.binder: Binder = route.binder
        rest = [item for item in self.binder.arguments if item.name not in route.rule.names]
        uploads = any(is_upload(item.hint) for item in rest)
        self.in_body = rest if uploads or (method in _BODY_METHODS and self.binder.body is None) else []
        self.in_query = [] if self.in_body else rest

    def describe(self) -> dict[str, Any]:
        route = self.route
        operation: dict[str, Any] = {"operationId": self._id()}
        tags = list(route.options.tags) or [_tag(route)]
        summary, _, text = (inspect.getdoc(route.handler) or "").partition("\n")
        summary = route.options.summary or summary.rstrip(".") or operation["operationId"]
        operation.update({"tags": tags, "summary": summary})
        if text.strip():
            operation["description"] = text.strip()
        parameters = [self._path_parameter(item) for item in route.rule.segments if item.kind]
        parameters += [self._query_parameter(item) for item in self.in_query]
        if parameters:
            operation["parameters"] = parameters
        if body := self._body():
            operation["requestBody"] = body
        operation["responses"] = self._responses()
        if self._guarded:
            operation["security"] = [{_scheme_of(self.route): []}]
        return operation

    def _id(self) -> str:
        if self.route.options.operation_id:
            return self.route.options.operation_id
        name = _camel(self.route.handler.__name__)
        several = [method for method in self.route.options.methods if method not in ("HEAD", "OPTIONS")]
        return name if len(several) == 1 else _camel(f"{self.method.lower()}_{self.route.handler.__name__}")

    @property
    def _guarded(self) -> bool:
        return bool(self.route.declared.permissions or self.route.scheme)

    def _path_parameter(self, segment: Segment) -> dict[str, Any]:
        schema: Schema = dict(_PATH_SCHEMAS[segment.kind])
        bound = any(segment.text in rule.parameters for rule in self.route.declared.permissions)
        hint = next((item.hint for item in self.binder.arguments if item.name == segment.text), Any)
        if hint not in (Any, object, int, float, str):
            schema = self.schemas.of(hint)
        elif segment.kind == "int" and bound:
            words = sorted(WORDS if self.method == "GET" else WORDS - {"notme"})
            schema = {"anyOf": [schema, {"type": "string", "enum": words}]}
        return {"name": segment.text, "in": "path", "required": True, "schema": schema}

    def _query_parameter(self, argument: Argument) -> dict[str, Any]:
        schema = self._schema(argument)
        return {"name": argument.name, "in": "query", "required": argument.required, "schema": schema}

    def _schema(self, argument: Argument) -> Schema:
        schema = self.schemas.of(argument.hint)
        if not argument.required and argument.default is not None and "$ref" not in schema:
            schema["default"] = msgspec.to_builtins(argument.default, str_keys=True, enc_hook=repr)
        return schema

    def _body(self) -> dict[str, Any] | None:
        if self.binder.body is not None:
            body = self.binder.body
            return {"required": body.required, "content": {"application/json": {"schema": self.schemas.of(body.hint)}}}
        if not self.in_body:
            return None
        properties = {item.name: self._schema(item) for item in self.in_body}
        schema: Schema = {"type": "object", "properties": properties}
        required = [item.name for item in self.in_body if item.required]
        if required:
            schema["required"] = required
        uploads = any(is_upload(item.hint) for item in self.in_body)
        kind = "multipart/form-data" if uploads else "application/json"
        return {"required": bool(required), "content": {kind: {"schema": schema}}}

    def _responses(self) -> dict[str, Any]:
        status = self.route.options.status or 200
        result = result_type(self.binder.result)
        answer: dict[str, Any] = {"description": parse_status(status).reason}
        if status not in BODILESS:
            if result is not None:
                answer["content"] = {"application/json": {"schema": self.schemas.of(result)}}
            elif self.binder.result is File:
                answer["content"] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        responses = {str(status): answer}
        for code in self._error_statuses():
            content = {"application/json": {"schema": self.schemas.error}}
            responses[str(code)] = {"description": parse_status(code).reason, "content": content}
        for code, described in self.route.options.responses.items():
            text = described if isinstance(described, dict) else {"description": str(described)}
            known = responses.get(str(code), {"description": parse_status(code).reason})
            responses[str(code)] = {**known, **text}
        return dict(sorted(responses.items()))

    def _error_statuses(self) -> list[int]:
        statuses = [400] if self.binder.arguments or self.binder.body else []
        statuses += [401, 403] if self._guarded else []
        return statuses + ([404] if self.route.rule.names else [])


def result_type(hint: Any) -> Any:
    """Return the type of the JSON that a handler's return hint promises: T of API[T], a Struct; None for others."""
    if get_origin(hint) is API:
        return get_args(hint)[0]
    if isinstance(hint, type) and (issubclass(hint, msgspec.Struct) or is_dataclass(hint)):
        return hint
    return None


def _template(route: Route) -> str:
    parts = [f"{{{item.text}}}" if item.kind else item.text for item in route.rule.segments]
    return "/" + "/".join(parts)


def _tag(route: Route) -> str:
    return str(route.handler.__module__).rpartition(".")[2]


def _camel(name: str) -> str:
    words: list[str] = re.findall("[A-Za-z0-9]+", name)
    first, *rest = words or ["operation"]
    return first[0].lower() + first[1:] + "".join(part[0].upper() + part[1:] for part in rest)


def _unique(name: str, taken: set[str]) -> str:
    """Return the name, with a number when another operation has it: each id is there once."""
    free = next(one for one in (name, *(f"{name}{number}" for number in range(2, len(taken) + 3))) if one not in taken)
    taken.add(free)
    return free
