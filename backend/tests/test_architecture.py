"""The drawn architecture holds: who imports whom, how long files are, and that every module says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

BACKEND = Path(__file__).resolve().parents[1]
PACKAGES = ("atila", "skitai", "app", "contracts")

# Who may import whom. serve.py, where the engine and the application meet, is no package.
NEIGHBOURS = {
    "atila": {"atila"},
    "skitai": {"atila", "skitai"},
    "app": {"atila", "app", "contracts"},
    "contracts": {"contracts"},
}

# Inside atila, top to bottom: a line imports only from lines below it; names on one line do not know each other.
LAYERS = (
    {"testing"},
    {"app"},
    {"adapters"},
    {"pipeline", "services"},
    {"conversation"},
    {"faults"},
    {"health", "hooks", "lifecycle", "maintenance", "openapi"},
    {"was"},
    {"websocket"},
    {"upstream"},
    {"auth", "sessions", "params", "rendering", "rpc", "shared", "logs"},
    {"routing"},
    {"http"},
    {"platform"},
    {"broadcasting", "postman"},
    {"mail", "metrics"},
    {"errors", "events"},
    {"loader"},
    {"preference", "django_project"},
    {
        "alias",
        "bus",
        "config",
        "facade",
        "concurrency",
        "locks",
        "logfiles",
        "reloading",
        "scratch",
        "status",
        "tracing",
    },
)
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}

LONGEST_FILE = 400  # lines
LONGEST_FACADE_BODY = 5  # lines
NO_NOUN = {"utils", "util", "helpers", "helper", "common", "misc"}


class Module(NamedTuple):
    """One source file of the backend."""

    name: str  # dotted
    path: Path
    tree: ast.Module
    lines: int

    @property
    def generated(self) -> bool:
        return self.name.startswith(("contracts.", "app.migrations."))

    @property
    def part(self) -> str:
        """The second word of its name: the part of its package that it belongs to."""
        return self.name.split(".")[1] if "." in self.name else ""


def read(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(BACKEND).with_suffix("").parts
    return Module(".".join(parts).removesuffix(".__init__"), path, ast.parse(text), text.count("\n"))


MODULES = {module.name: module for package in PACKAGES for module in map(read, (BACKEND / package).rglob("*.py"))}
WRITTEN = [module for module in MODULES.values() if not module.generated]


def imports(module: Module) -> set[str]:
    """The modules that `module` imports when it runs; what only a type checker imports does not count."""
    found: set[str] = set()
    for node in run_time_nodes(module.tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(module, node)
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                found.add(inner if inner in MODULES else origin)
    return found


def run_time_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from run_time_nodes(node)


def absolute(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = module.path.name == "__init__.py"
    base = module.name.split(".")[: None if is_package and node.level == 1 else is_package - node.level]
    return ".".join([*base, *([node.module] if node.module else [])])


IMPORTS = {name: imports(module) for name, module in MODULES.items()}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_know_only_their_neighbours(package: str) -> None:
    strangers = [
        f"{name} imports {imported}"
        for name, found in IMPORTS.items()
        for imported in found
        if name.split(".")[0] == package
        and imported.split(".")[0] in PACKAGES
        and imported.split(".")[0] not in NEIGHBOURS[package]
    ]
    assert not strangers, "\n".join(strangers)


def test_every_part_of_atila_has_a_layer() -> None:
    parts = {module.part for name, module in MODULES.items() if name.startswith("atila.")}
    assert parts - set(DEPTH) == set()


def test_imports_inside_atila_point_downwards() -> None:
    wrong = []
    for name, found in IMPORTS.items():
        part = MODULES[name].part
        for imported in sorted(found & MODULES.keys()):
            target = MODULES[imported].part
            if not name.startswith("atila.") or not imported.startswith("atila") or target == part:
                continue
            if not target or DEPTH.get(target, 99) <= DEPTH.get(part, -1):
                wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(wrong)


def test_no_import_cycles() -> None:
    found = [" -> ".join(cycle) for cycle in cycles()]
    assert not found, "\n".join(found)


def cycles() -> Iterator[list[str]]:
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> Iterator[list[str]]:
        if name in trail:
            yield [*trail[trail.index(name) :], name]
            return
        if name in done:
            return
        for imported in sorted(IMPORTS[name] & MODULES.keys()):
            yield from visit(imported, [*trail, name])
        done.add(name)

    for name in sorted(MODULES):
        yield from visit(name, [])


def test_every_module_says_what_it_is() -> None:
    silent = [module.name for module in WRITTEN if not (ast.get_docstring(module.tree) or "").split("\n")[0].strip()]
    assert not silent, "\n".join(silent)


def test_files_are_short() -> None:
    long = [f"{module.name}: {module.lines} lines" for module in WRITTEN if module.lines >= LONGEST_FILE]
    assert not long, "\n".join(long)


def test_modules_are_nouns() -> None:
    vague = [module.name for module in WRITTEN if NO_NOUN & set(module.name.split("."))]
    assert not vague, "\n".join(vague)


@pytest.mark.parametrize("facade", ["atila.was", "atila.app"])
def test_facades_hold_no_logic(facade: str) -> None:
    long = [
        f"{facade}.{node.name}: {length} lines"
        for node in ast.walk(MODULES[facade].tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := body_length(node)) > LONGEST_FACADE_BODY
    ]
    assert not long, "\n".join(long)


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_nothing_imports_an_application_object() -> None:
    objects = {f"{module.name}.{name}" for module in WRITTEN for name in application_names(module)}
    importers = [
        f"{module.name} imports {origin}.{alias.name}"
        for module in WRITTEN
        for node in run_time_nodes(module.tree)
        if isinstance(node, ast.ImportFrom) and (origin := absolute(module, node))
        for alias in node.names
        if f"{origin}.{alias.name}" in objects
    ]
    assert not importers, "\n".join(importers)


def application_names(module: Module) -> Iterator[str]:
    """The names of the applications that a module makes when it is imported."""
    for node in module.tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if ast.unparse(node.value.func) in ("Atila", "atila.Atila"):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
