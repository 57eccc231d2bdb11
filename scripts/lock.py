"""Write the locks anew: newest versions, hashes for every platform; production gets the part it runs on."""

from __future__ import annotations

import tempfile
from pathlib import Path

import toolchain
from workspace import BACKEND, environment, main, require, say

UV = "uv>=0.9,<1"  # resolves for all platforms at once; needed here only, so it is not in the lock itself
WHOLE, PRODUCTION = "requirements.lock", "requirements-production.lock"


def lock() -> int:
    """Resolve; the other commands install what changed at their next start."""
    python = toolchain.python()
    with tempfile.TemporaryDirectory() as folder:
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--target", folder, UV]
        require(install, "pip could not install uv: check the network.")
        _compile(python, folder, "requirements-dev.in", WHOLE, "--upgrade")
        _compile(python, folder, "requirements.in", PRODUCTION, "--constraint", WHOLE)
    say(f"Wrote backend/{WHOLE} and backend/{PRODUCTION}.")
    return 0


def _compile(python: Path, uv: str, wanted: str, written: str, *flags: str) -> None:
    """Resolve one file of requirements into a lock."""
    shape = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header"]
    require(
        [python, "-m", "uv", "pip", "compile", "--quiet", "--no-config", *shape, *flags, "-o", written, wanted],
        f"uv found no versions for {wanted} that fit together: its message above names the packages.",
        cwd=BACKEND,
        env={**environment(), "PYTHONPATH": uv},
    )


if __name__ == "__main__":
    main(lock)
