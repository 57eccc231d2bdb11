"""Converters: from text, JSON values and uploads to the type that a hint asks for (by msgspec)."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from ..errors import RouteError
from ..http.uploads import Upload

Converter = Callable[[Any, bool], Any]  # (value, strict) -> value; raises ValueError with the reason

_WORDS = {int: "an integer", float: "a number", bool: "true or false", str: "text", list: "a list"}
_COLLECTIONS = (list, tuple, set, frozenset)


def converter_for(name: str, hint: Any) -> Converter:
    """Return what turns a value into `hint`. Raises RouteError for a hint that no value can become."""
    if is_upload(hint):
        return _upload_converter(name, hint)
    try:
        msgspec.json.schema_components([hint])
    except TypeError as error:
        raise RouteError(f"argument {name}: {hint!r} cannot be read from a request: {error}") from error
    measured = any(item is float for item in alternatives(hint))
    collection = any(get_origin(item) in _COLLECTIONS or item in _COLLECTIONS for item in alternatives(hint))
    ready = ready_type(hint)

    def convert(value: Any, strict: bool) -> Any:
        if type(value) is ready:
            return value
        if collection and not strict and not isinstance(value, list):
            value = [value]
        try:
            converted = msgspec.convert(value, hint, strict=strict)
        except msgspec.ValidationError as error:
            raise ValueError(_explain(name, hint, str(error))) from error
        if measured and isinstance(converted, float) and not math.isfinite(converted):
            raise ValueError(f"parameter `{name}` should be a number")
        return converted

    return convert


def ready_type(hint: Any) -> type | None:
    """Return the type whose values need no conversion: msgspec reads a hint anew at each call, they go around it."""
    return str if hint == (str | None) else hint if hint in (str, int) else None


def is_upload(hint: Any) -> bool:
    """Say whether a hint is Upload, an optional one, or a list of them."""
    return any(item in (Upload, list[Upload]) for item in alternatives(hint))


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the hint alone; Annotated is looked through."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _upload_converter(name: str, hint: Any) -> Converter:
    many = any(get_origin(item) is list for item in alternatives(hint))

    def convert(value: Any, strict: bool) -> Any:
        files = value if isinstance(value, list) else [value]
        if not all(isinstance(item, Upload) for item in files) or not (files or many):
            raise ValueError(f"parameter `{name}` should be a file of a multipart form")
        if many:
            return files
        if len(files) > 1:
            raise ValueError(f"parameter `{name}` should be one file, not {len(files)}")
        return files[0]

    return convert


def _explain(name: str, hint: Any, text: str) -> str:
    text, _, place = text.partition(" - at `$")
    plain = next((_WORDS[item] for item in alternatives(hint) if item in _WORDS), None)
    if not place.strip("`") and plain and text.startswith("Expected") and not _names_a_bound(text):
        return f"parameter `{name}` should be {plain}"
    where = f"{name}{place.strip('`')}"
    return f"parameter `{where}` is invalid: {text[0].lower()}{text[1:]}"


def _names_a_bound(text: str) -> bool:
    return any(sign in text for sign in (">", "<", "length", "matching", "multiple"))
