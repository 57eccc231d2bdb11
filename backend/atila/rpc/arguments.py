"""Arguments: from what a remote call gives by place or by name to a handler's parameters."""

from __future__ import annotations

from typing import Any

from ..errors import BAD_PARAMETER, HTTPError
from ..routing.rule import READERS
from .methods import Call, Method, takes_struct

Named = dict[str, Any]


def name_arguments(method: Method, call: Call) -> Named:
    """Return a call's arguments by the names of the handler's parameters.

    A struct after the last parameter gives what `**keywords` take. Raises HTTPError 400 with the code of bad
    parameters for too many arguments, and for one that could not stand in the path that the route has over HTTP.
    """
    named = _named(method, call)
    return _fit_for_path(method, named) if method.route.rule.names else named


def _named(method: Method, call: Call) -> Named:
    names, given = method.names, call.arguments
    if isinstance(given, dict):
        return _in_record(method, given)
    if call.nameable and len(given) == 1 and isinstance(given[0], dict) and _are_arguments(method, given[0]):
        return _in_record(method, given[0])
    if len(given) <= len(names):
        return dict(zip(names, given, strict=False))
    return _with_more(method, call.method, given)


def _with_more(method: Method, name: str, given: list[Any]) -> Named:
    """Name more arguments than the handler has parameters: the last holds its keywords."""
    names, count = method.names, len(method.names)
    extra = given[-1]
    if len(given) > count + 1 or not method.route.open_ended or not isinstance(extra, dict):
        raise _bad(f"{name} takes {count} argument{'' if count == 1 else 's'}, not {len(given)}")
    if twice := sorted(extra.keys() & set(names)):
        raise _bad(f"{name} is given `{twice[0]}` twice")
    return dict(zip(names, given, strict=False)) | extra


def _are_arguments(method: Method, struct: Named) -> bool:
    """Say whether a struct alone holds arguments by name: it has all that are required, and nothing but arguments."""
    names, binder = method.names, method.route.binder
    hints = {item.name: item.hint for item in [*binder.arguments, *([binder.body] if binder.body else [])]}
    if not names or takes_struct(hints[names[0]]) or not struct.keys() <= set(names):
        return False
    return all(item.name in struct for item in binder.arguments if item.required)


def _in_record(method: Method, given: Named) -> Named:
    """Gather the fields of a record that the handler takes as one argument, as it is in a JSON body."""
    names, body = method.names, method.route.binder.body
    if body is None or body.name in given:
        return given
    fields = {name: value for name, value in given.items() if name not in names}
    return {name: value for name, value in given.items() if name in names} | {body.name: fields}


def _fit_for_path(method: Method, named: Named) -> Named:
    """Read arguments that are parameters of the path as the router would: the handler relies on what it lets pass.

    What is neither text nor a number is left to the handler's type hint, and refused where it has none.
    """
    hinted = {item.name for item in method.route.binder.arguments if item.convert is not None}
    fit = dict(named)
    for part in method.route.rule.segments:
        value = named.get(part.text) if part.kind else None
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            if part.text in hinted:
                continue
            raise _bad(f"parameter `{part.text}` is a text or a number")
        try:
            part.write(value)
        except ValueError as error:
            raise _bad(f"parameter `{part.text}` is none that the path /<{part.kind}:{part.text}> has") from error
        if part.kind in ("int", "float"):
            fit[part.text] = READERS[part.kind](str(value))
    return fit


def _bad(reason: str) -> HTTPError:
    return HTTPError(400, reason, BAD_PARAMETER, message="missing or bad parameter")
