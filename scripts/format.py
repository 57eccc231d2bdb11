"""Format every source file and mend what linters can mend."""

from __future__ import annotations

import toolchain
from stages import Stages
from workspace import BACKEND, FRONTEND, ROOT, main


def format_sources() -> int:
    """Both languages; the exit code is non-zero when something is left to mend by hand."""
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    folders = [BACKEND, ROOT / "scripts"]
    stages = Stages()
    stages.command("ruff", [python, "-m", "ruff", "check", "--fix", *folders])
    stages.command("ruff format", [python, "-m", "ruff", "format", *folders])
    for script in ("fix", "format"):
        command = [*node.npm, "run", "--silent", script]
        stages.command(f"frontend {script}", command, cwd=FRONTEND, env=node.environment())
    return stages.sum_up()


if __name__ == "__main__":
    main(format_sources)
