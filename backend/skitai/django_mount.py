"""A mounted Django project: its debug mode, its static files, its database as '@project'."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from atila.alias import Alias
from atila.django_project import database_alias, project_root

from .static import Folder


@dataclass(frozen=True, slots=True)
class DjangoProject:
    """What an engine does for a project besides serving it. Made once, when it is mounted."""

    root: Path  # where manage.py lies: its files are watched
    alias: Alias | None  # "@" and the root's name
    folders: list[tuple[str, Folder]] = field(default_factory=list)  # static files: the point of each, and the folder


def is_django(app: Any) -> bool:
    """Say whether an app is Django's WSGI or ASGI handler."""
    return type(app).__module__.startswith("django.core.handlers.")


def open_project(point: str, use_debug: bool | None) -> DjangoProject:
    """Set up the project whose handler was just imported, mounted at `point`; `use_debug` replaces its DEBUG."""
    from django.conf import settings

    if use_debug is not None:
        settings.DEBUG = use_debug
    root = project_root()
    name = "@" + re.sub(r"[^A-Za-z0-9_.-]", "_", root.name)
    return DjangoProject(root, database_alias(name), _static_folders(point))


def _static_folders(point: str) -> list[tuple[str, Folder]]:
    """Return the folders behind STATIC_URL: STATIC_ROOT when it was collected, else those of the finders."""
    from django.apps import apps
    from django.conf import settings
    from django.urls import set_script_prefix

    if not apps.is_installed("django.contrib.staticfiles"):
        return []
    set_script_prefix(f"{point.rstrip('/')}/")  # a relative STATIC_URL, "static/", lies below the mount point
    url = urlsplit(settings.STATIC_URL or "")
    if url.netloc or not url.path.strip("/"):
        return []  # another server has them
    base = url.path.rstrip("/")
    collected = Path(settings.STATIC_ROOT) if settings.STATIC_ROOT else None
    if collected is not None and collected.is_dir():
        return [(base, Folder(collected, immutable=()))]
    return _found_folders(base)


def _found_folders(base: str) -> list[tuple[str, Folder]]:
    from django.contrib.staticfiles.finders import get_finders

    found: list[tuple[str, Folder]] = []
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            prefix = getattr(storage, "prefix", "") or ""
            found.append((f"{base}/{prefix}".rstrip("/"), Folder(storage.location, immutable=())))
    return found
