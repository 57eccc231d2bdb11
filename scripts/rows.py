"""Compare the feature list with the tests and the pages: which rows have no test, which no paragraph."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from workspace import BACKEND, main, say

LIST = BACKEND / "docs" / "rows.txt"
_LINE = re.compile(r"(\d+\.\d+[a-z]?)\s+(~\s+)?(\S.*)\Z")
_COMMENT = re.compile(r"<!--\s*rows:([^>]*)-->")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the feature list. `wanted`: it must have a test and a paragraph by now."""

    id: str
    words: str
    wanted: bool

    @property
    def section(self) -> str:
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that names a row: a test's marker or a page's comment."""

    id: str
    path: Path
    line: int


def rows() -> int:
    """Print what is covered and what is missing; 1 when a wanted row is."""
    listed = read_list()
    tested = {mention.id for mention in markers()}
    explained = {mention.id for mention in comments()}
    for section, group in groupby(listed, key=lambda row: row.section):
        members = list(group)
        both = [row for row in members if row.id in tested and row.id in explained]
        say(f"section {section:>2}: {len(both):>2} of {len(members):>2} rows have a test and a paragraph")
    untested = _print_missing("without a test", listed, tested)
    unexplained = _print_missing("without a paragraph", listed, explained)
    return 1 if untested or unexplained else 0


def read_list(path: Path = LIST) -> list[Row]:
    """The rows, in the order of the list; raises ValueError for a line that is none, or an id that is there twice."""
    found: dict[str, Row] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None or match[1] in found:
            raise ValueError(f"{path.name}, line {number}: {line!r} is no row, or its id is taken")
        found[match[1]] = Row(match[1], match[3], match[2] is None)
    return list(found.values())


def markers(folder: Path = BACKEND / "tests") -> Iterator[Mention]:
    """Every row that a test is marked with; the tests are read, not run."""
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "mark.row" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.row"):
                for argument in node.args:
                    yield Mention(str(ast.literal_eval(argument)), path, node.lineno)


def comments(folder: Path = BACKEND / "docs") -> Iterator[Mention]:
    """Every row that a page names in a comment, as in `<!-- rows: 2.7 2.8 -->`."""
    for path in sorted(folder.glob("*.md")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for match in _COMMENT.finditer(line):
                yield from (Mention(name, path, number) for name in match[1].split())


def _print_missing(what: str, listed: Iterable[Row], there: set[str]) -> int:
    missing = [row for row in listed if row.id not in there]
    wanted = [row for row in missing if row.wanted]
    later = [row.id for row in missing if not row.wanted]
    say(f"\n{len(wanted)} rows {what}" + (f", and {len(later)} of those that come later" if later else ""))
    for row in wanted:
        say(f"  {row.id:<6} {row.words}")
    return len(wanted)


if __name__ == "__main__":
    main(rows)
