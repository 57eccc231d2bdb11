"""Jinja for an app: autoescape on, any delimiters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SettingError

try:
    import jinja2
except ImportError as error:
    raise SettingError("was.render needs Jinja: pip install jinja2") from error


class Environment(jinja2.Environment):
    """A Jinja environment in which a delimiter whose start and end are the same mark is escaped by doubling it."""

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        """Turn doubled marks into expressions that give the mark."""
        text = super().preprocess(source, name, filename)
        start, end = self.variable_start_string, self.variable_end_string
        pairs = {(start, end), (self.block_start_string, self.block_end_string)}
        taken = (self.line_comment_prefix, self.line_statement_prefix, self.comment_start_string)
        for mark in sorted(first for first, last in pairs if first == last and first * 2 not in taken):
            text = text.replace(mark * 2, f"{start}{mark!r}{end}")
        return text


def make_environment(folder: Path, fresh: bool, delimiters: dict[str, Any]) -> Environment:
    """Return the environment of an app whose templates lie in `folder`; `fresh` looks for changes at every use."""
    return Environment(loader=jinja2.FileSystemLoader(folder), autoescape=True, auto_reload=fresh, **delimiters)
