"""Check style and types of everything, without changing it."""

from __future__ import annotations

from pathlib import Path

import debian
import toolchain
from stages import Stages
from workspace import BACKEND, FRONTEND, ROOT, environment, main

SCRIPTS = ROOT / "scripts"


def lint() -> int:
    """All linters; the exit code is non-zero when one of them complains."""
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    stages = Stages()
    add_stages(stages, python, node)
    return stages.sum_up()


def add_stages(stages: Stages, python: Path, node: toolchain.Node) -> None:
    """Run every linter as a stage."""
    stages.command("ruff", [python, "-m", "ruff", "check", "--quiet", BACKEND, SCRIPTS])
    stages.command("ruff format", [python, "-m", "ruff", "format", "--check", "--quiet", BACKEND, SCRIPTS])
    stages.command("mypy", [python, "-m", "mypy"], cwd=BACKEND)
    stages.command(
        "mypy scripts",
        [python, "-m", "mypy", "--config-file", BACKEND / "pyproject.toml", *sorted(SCRIPTS.glob("*.py"))],
        env=environment({"MYPYPATH": str(SCRIPTS)}),
    )
    for script in ("lint", "format:check", "types"):
        command = [*node.npm, "run", "--silent", script]
        stages.command(f"frontend {script}", command, cwd=FRONTEND, env=node.environment())
    _check_shell(stages)


def _check_shell(stages: Stages) -> None:
    files = [ROOT / ".ci" / "run", *(ROOT / "deploy").glob("*.sh")]
    if stages.has(debian.SHELLCHECK):
        stages.command("shellcheck", ["shellcheck", *files])


if __name__ == "__main__":
    main(lint)
