"""Chameleon page templates for an app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SettingError

try:
    from chameleon import PageTemplateLoader
except ImportError as error:
    raise SettingError("templates ending in .pt need Chameleon: pip install chameleon") from error


def make_pages(folder: Path, fresh: bool) -> Any:
    """Return the loader of the page templates in `folder`; `fresh` looks for changes at every use."""
    return PageTemplateLoader(str(folder), auto_reload=fresh)
