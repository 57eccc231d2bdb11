"""Write the tables of backend/docs/settings.md from the code; `--check` only says whether they are right."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from workspace import BACKEND, Stop, main, say

PAGE = BACKEND / "docs" / "settings.md"


@dataclass(frozen=True, slots=True)
class Setting:
    """A line of code that names a setting, its default and, in a comment, its meaning."""

    name: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Table:
    """Where the settings of one table stand: a class or a dict of a module."""

    name: str  # of the place in the page
    path: str
    holder: str
    upper: bool = False  # the environment's names
    skip: frozenset[str] = frozenset()


TABLES = (
    Table("app", "atila/app.py", "Atila", skip=frozenset({"root", "secret_key", "built"})),
    Table("config", "atila/config.py", "DEFAULTS"),
    Table("route", "atila/routing/route.py", "RouteOptions"),
    Table("run", "skitai/options.py", "Options"),
    Table("environment", "app/settings.py", "Settings", upper=True),
)
_WORDS = {
    "field(default_factory=dict)": "{}",
    "field(default=None, repr=False)": "None",
    "DEFAULT_METHODS": '["GET", "POST"]',
}


def settings() -> int:
    """Write the page, or with --check compare it; 1 when it is not what the code says."""
    text = PAGE.read_text(encoding="utf-8")
    written = text
    for table in TABLES:
        place = re.compile(rf"(<!-- table: {table.name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(written):
            raise Stop(f"{PAGE.name} has no place for the table {table.name}")
        found = list(read(table))
        if not found:
            raise Stop(f"{table.path} has no {table.holder} with settings")
        made = render(found)
        written = place.sub(lambda match, made=made: match[1] + made + match[2], written)  # type: ignore[misc]  # a default
    if written == text:
        return 0
    if "--check" in sys.argv:
        say("backend/docs/settings.md is not what the code says: run python3 scripts/settings.py")
        return 1
    PAGE.write_text(written, encoding="utf-8", newline="\n")
    return 0


def read(table: Table) -> Iterator[Setting]:
    """The settings of a table, in the order of the code; raises Stop for one that no comment explains."""
    source = (BACKEND / table.path).read_text(encoding="utf-8")
    lines = source.splitlines()
    for name, value, line in _assignments(ast.parse(source), table.holder):
        if name in table.skip or name.startswith("_"):
            continue
        meaning = lines[line - 1].rpartition("  # ")[2] if "  # " in lines[line - 1] else ""
        meaning = re.sub(r"^noqa: [A-Z0-9, ]+ - ", "", meaning)
        if not meaning:
            raise Stop(f"{table.path}, line {line}: {name} has no comment that says what it means")
        yield Setting(name.upper() if table.upper else name, value, meaning)


def render(settings: list[Setting]) -> str:
    """The Markdown of a table."""
    rows = [
        f"| `{item.name}` | {_code(item.default)} | {item.meaning.replace('|', chr(92) + '|')} |" for item in settings
    ]
    return "\n".join(["", "| setting | default | meaning |", "|---|---|---|", *rows, "", ""])


def _assignments(tree: ast.Module, holder: str) -> Iterator[tuple[str, str, int]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == holder:
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value is not None:
                    yield item.target.id, _text(item.value), item.end_lineno or item.lineno
                elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
                    yield item.targets[0].id, _text(item.value), item.end_lineno or item.lineno
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == holder:
            assert isinstance(node.value, ast.Dict), holder
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                yield str(ast.literal_eval(key or ast.Constant(""))), _text(value), value.end_lineno or value.lineno


def _text(value: ast.expr) -> str:
    text = ast.unparse(value)
    if text in _WORDS:
        return _WORDS[text]
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Path":
        return ast.unparse(value.args[0])
    number = _number(value)
    return text if number is None else f"{number:_}" if number > 9999 else str(number)


def _number(value: ast.expr) -> int | None:
    """The whole number that a literal, or a product of literals, stands for."""
    if isinstance(value, ast.Constant):
        return value.value if type(value.value) is int else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        left, right = _number(value.left), _number(value.right)
        return None if left is None or right is None else left * right
    return None


def _code(default: str) -> str:
    return f"`{default}`" if default else "`''`"


if __name__ == "__main__":
    main(settings)
