"""Arguments: from what a remote call gives by place or by name to a handler's parameters."""

from __future__ import annotations

from typing import Any

from ..errors import BAD_PARAMETER, HTTPError
from ..routing.route import Route
from .methods import Call, places, takes_struct

Named = dict[str, Any]


def name_arguments(route: Route, call: Call) -> Named:
    """Return a call's arguments by the names of the handler's parameters.

    A struct after the last parameter gives what `**keywords` take. Raises HTTPError 400 with the code of bad
    parameters for too many arguments.
    """
    names = places(route)
    given = call.arguments
    if isinstance(given, dict):
        return _in_record(route, names, given)
    if call.nameable and len(given) == 1 and isinstance(given[0], dict) and _are_arguments(route, names, given[0]):
        return _in_record(route, names, given[0])
    extra: Named = {}
    if len(given) == len(names) + 1 and route.open_ended and isinstance(given[-1], dict):
        given, extra = given[:-1], given[-1]
    if len(given) > len(names):
        count = f"{len(names)} argument{'' if len(names) == 1 else 's'}"
        raise _bad(f"{call.method} takes {count}, not {len(given)}")
    if twice := sorted(extra.keys() & set(names)):
        raise _bad(f"{call.method} is given `{twice[0]}` twice")
    return dict(zip(names, given, strict=False)) | extra


def _are_arguments(route: Route, names: list[str], struct: Named) -> bool:
    """Say whether a struct alone holds arguments by name: it has all that are required, and nothing but arguments."""
    binder = route.binder
    hints = {item.name: item.hint for item in [*binder.arguments, *([binder.body] if binder.body else [])]}
    if not names or takes_struct(hints[names[0]]) or not struct.keys() <= set(names):
        return False
    return all(item.name in struct for item in binder.arguments if item.required)


def _in_record(route: Route, names: list[str], given: Named) -> Named:
    """Gather the fields of a record that the handler takes as one argument, as it is in a JSON body."""
    body = route.binder.body
    if body is None or body.name in given:
        return given
    fields = {name: value for name, value in given.items() if name not in names}
    return {name: value for name, value in given.items() if name in names} | {body.name: fields}


def _bad(reason: str) -> HTTPError:
    return HTTPError(400, reason, BAD_PARAMETER, message="missing or bad parameter")
