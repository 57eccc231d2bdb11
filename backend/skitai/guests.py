"""From a loaded app of another framework to the Site that serves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from atila.alias import Alias
from atila.preference import Preference

from .asgi import ASGISite
from .django_mount import is_django, open_project
from .foreign import ForeignSite, Refuse, folder_of, interface_of
from .overrides import read_overrides
from .static import Folder
from .wsgi import WSGISite

_SITES: dict[str, type[ForeignSite]] = {"wsgi": WSGISite, "asgi": ASGISite}
_SETTINGS = ("use_reloader", "use_debug", "debug")


@dataclass(frozen=True, slots=True)
class Guest:
    """What mounting an app of another framework brings."""

    site: ForeignSite
    alias: Alias | None = None  # of a Django project's database
    folders: list[tuple[str, Folder]] = field(default_factory=list)  # of its static files, each with its mount point


def make_guest(app: Any, point: str, pref: Preference, refuse: Refuse, *, production: bool) -> Guest:
    """Return the Site of a WSGI or ASGI app, and what a Django project brings besides.

    Raises LoadError for what is no app, SettingError for a preference that such an app does not have.
    """
    made = _SITES[interface_of(app)]
    given = read_overrides(pref, _SETTINGS, f"the app at {point}")
    if not is_django(app):
        return Guest(made(app, given, refuse, folder_of(app)))
    debug = given.values.get("use_debug", given.values.get("debug"))
    project = open_project(point, False if production else debug)
    return Guest(made(app, given, refuse, project.root), project.alias, project.folders)
