"""Print the backend's modules with the first line of each one's docstring: a map that cannot rot."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from workspace import BACKEND, main, say

PACKAGES = ("atila", "skitai", "app")


def map_backend() -> int:
    """The tree of the packages named as arguments, or of all."""
    for package in sys.argv[1:] or PACKAGES:
        _print_folder(BACKEND / package, 0)
    return 0


def _print_folder(folder: Path, depth: int) -> None:
    _print_line(f"{folder.name}/", folder / "__init__.py", depth)
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            _print_line(path.name, path, depth + 1)
    for path in sorted(folder.iterdir()):
        if path.is_dir() and any(path.rglob("*.py")):
            _print_folder(path, depth + 1)


def _print_line(name: str, module: Path, depth: int) -> None:
    say(f"{'  ' * depth + name:<28} {_first_line(module)}".rstrip())


def _first_line(module: Path) -> str:
    if not module.exists():
        return ""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0]


if __name__ == "__main__":
    main(map_backend)
