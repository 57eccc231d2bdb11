"""Templates of SQL in files: what `<sql name="…">` in sqlmaps/photos.sql holds, read and checked once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from atila.alias import Kind
from atila.errors import SettingError

STEPS = ("columns", "filters", "group_by", "having", "order_by", "limit", "offset")
FORMS = ("", "list", "name")

_BLOCK = re.compile(r"<sql\s+name\s*=\s*\"(\w+)\"\s*>(.*?)</sql>", re.DOTALL)
_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|\{(?P<step>this\.\w+|_[a-z]\w*)\}|\{(?P<value>[A-Za-z]\w*)(?::(?P<form>\w+))?\}"
    r"|(?P<brace>\{\{|\}\})|(?P<plain>[^{}'\"$/eE-]+|[$/eE-])|(?P<wrong>.)",
    re.DOTALL,
)
_NOT_IN = re.compile(r"\bnot\s+in\s*\Z", re.IGNORECASE)
_SLOT = re.compile(r"(?<!\{)\{[A-Za-z_][\w.:]*\}(?!\})")


class Slot(NamedTuple):
    """A place in a template. `form` is "step" for a step of the query, or how a value is written."""

    name: str
    form: str
    negated: bool = False  # it stands after NOT IN


@dataclass(frozen=True, slots=True)
class Text:
    """One template: text and slots in their order. `marks`: it has a "?" that is not in quotes."""

    name: str
    pieces: tuple[str | Slot, ...]
    marks: bool

    @property
    def steps(self) -> frozenset[str]:
        return frozenset(piece.name for piece in self.pieces if isinstance(piece, Slot) and piece.form == "step")

    @property
    def values(self) -> frozenset[str]:
        return frozenset(piece.name for piece in self.pieces if isinstance(piece, Slot) and piece.form != "step")


class SqlMaps:
    """The templates below an app's folder. Lives as long as the app; a file is read when it is first needed."""

    def __init__(self, home: Callable[[], Path], fresh: Callable[[], bool]) -> None:
        """Take the app's folder, and whether files may change while it runs."""
        self._home = home
        self._fresh = fresh
        self._folder = "sqlmaps"
        self._files: dict[str, tuple[float, dict[str, Text]]] = {}
        self.engine: Kind = Kind.POSTGRESQL

    def setup(self, engine: str = Kind.POSTGRESQL, folder: str = "sqlmaps") -> None:
        """Say which kind of database `was.sql` writes for, and read every template of the folder.

        Raises SettingError for another kind of database, and for a template that cannot be one.
        """
        if engine not in (Kind.POSTGRESQL, Kind.SQLITE3):
            raise SettingError(f"setup_sqlphile({engine!r}): expected DB_PGSQL or DB_SQLITE3")
        self.engine = Kind(engine)
        self._folder = folder
        for path in sorted((self._home() / folder).glob("*.sql")):
            self._load(path.stem)

    def find(self, name: str) -> Text:
        """Return the template "file.name", or "file" for a file that is one template. Raises SettingError."""
        file, _, part = name.partition(".")
        texts = self._load(file)
        try:
            return texts[part or file]
        except KeyError:
            raise SettingError(f"{file}.sql has no template {part!r}; it has {', '.join(texts) or 'none'}") from None

    def _load(self, file: str) -> dict[str, Text]:
        known = self._files.get(file)
        if known is not None and not self._fresh():
            return known[1]
        path = self._home() / self._folder / f"{file}.sql"
        if not file.isidentifier() or not path.is_file():
            raise SettingError(f"there is no template file {self._folder}/{file}.sql in {self._home()}")
        changed = path.stat().st_mtime
        if known is None or known[0] != changed:
            known = self._files[file] = (changed, read_file(file, path.read_text(encoding="utf-8")))
        return known[1]


def read_file(file: str, content: str) -> dict[str, Text]:
    """Return the templates of a file; one without `<sql>` is a template itself. Raises SettingError."""
    blocks = _BLOCK.findall(content)
    if not blocks and "<sql" in content:
        raise SettingError(f'{file}.sql: a template is written <sql name="word">…</sql>')
    return {name: read_text(f"{file}.{name}", text) for name, text in blocks or [(file, content)]}


def read_text(name: str, content: str) -> Text:
    """Read a template. Raises SettingError for a slot inside quotes, where a value could not be bound, and the like."""
    pieces: list[str | Slot] = []
    marks = False
    for match in _TOKEN.finditer(content.strip().rstrip(";")):
        text = match[0]
        if match["comment"]:
            pieces.append(" ")
        elif match["quoted"]:
            if _SLOT.search(text):
                raise SettingError(f"{name}: {text[:60]} has a slot inside quotes; write it without them, or {{{{ }}}}")
            pieces.append(text.replace("{{", "{").replace("}}", "}"))
        elif match["step"] or match["value"]:
            before = pieces[-1] if pieces else ""
            slot = _read_slot(name, match)
            pieces.append(slot._replace(negated=isinstance(before, str) and _NOT_IN.search(before) is not None))
        elif match["wrong"]:
            raise SettingError(f"{name}: a {text!r} that has no partner, in {content[match.start() :][:40]!r}")
        else:
            marks = marks or "?" in text
            pieces.append(text[0] if match["brace"] else text)
    return Text(name, tuple(_merge(pieces)), marks)


def _read_slot(name: str, match: re.Match[str]) -> Slot:
    if match["step"]:
        step = match["step"].removeprefix("this.").removeprefix("_")
        if step not in STEPS:
            raise SettingError(
                f"{name}: unknown slot {match[0]}; known: {', '.join(f'{{this.{each}}}' for each in STEPS)}"
            )
        return Slot(step, "step")
    form = match["form"] or ""
    if form not in FORMS:
        raise SettingError(f"{name}: unknown form in {match[0]}; known: {{value}}, {{values:list}}, {{column:name}}")
    return Slot(match["value"], form)


def _merge(pieces: list[str | Slot]) -> list[str | Slot]:
    merged: list[str | Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged
