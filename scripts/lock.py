"""Write backend/requirements.lock anew from requirements.in: newest versions, hashes for every platform."""

from __future__ import annotations

import tempfile
from pathlib import Path

import toolchain
from workspace import BACKEND, environment, main, require, say

UV = "uv>=0.9,<1"  # resolves for all platforms at once; needed here only, so it is not in the lock itself


def lock() -> int:
    """Resolve; the other commands install what changed at their next start."""
    python = toolchain.python()
    with tempfile.TemporaryDirectory() as folder:
        install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--target", folder, UV]
        require(install, "pip could not install uv: check the network.")
        compile_: list[str | Path] = [
            python,
            "-m",
            "uv",
            "pip",
            "compile",
            "--quiet",
            "--no-config",
            "--universal",
            "--upgrade",
        ]
        shape = ["--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header"]
        require(
            [*compile_, *shape, "-o", "requirements.lock", "requirements.in"],
            "uv found no versions that fit together: its message above names the packages.",
            cwd=BACKEND,
            env={**environment(), "PYTHONPATH": folder},
        )
    say("Wrote backend/requirements.lock.")
    return 0


if __name__ == "__main__":
    main(lock)
