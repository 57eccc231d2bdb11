"""What a preference says of a mount that is no app of ours: a proxy, a WSGI or an ASGI app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from atila.config import BODY_LIMITS, default_config
from atila.errors import SettingError
from atila.http.duplex import Limits
from atila.preference import Preference

LIMIT = "max_client_body_size"


@dataclass(frozen=True, slots=True)
class Overrides:
    """The values that were set, and how many bytes of a body are taken."""

    values: dict[str, Any]
    body_limit: int
    multipart_limit: int
    socket_limits: Limits  # of a WebSocket


def read_overrides(pref: Preference, known: Iterable[str], what: str) -> Overrides:
    """Return what a preference sets of `what`. Raises SettingError for a name that is not among the `known`."""
    values = dict(pref.values)
    config = {**default_config(), **pref.config}
    if LIMIT in values:
        config.update(dict.fromkeys(BODY_LIMITS, values.pop(LIMIT)))
    unknown = sorted(values.keys() - set(known))
    if unknown:
        raise SettingError(f"{what} has no pref.{unknown[0]}; it has {', '.join([*known, LIMIT])}")
    if pref.services:
        raise SettingError(f"{what} takes no services: pref.mount is for apps of Atila")
    limits = Limits(
        config["websocket_max_message"],
        config["websocket_max_behind"],
        ping=config["websocket_ping_interval"],
        closing=config["websocket_close_timeout"],
    )
    return Overrides(values, config["max_post_body_size"], config["max_multipart_body_size"], limits)
