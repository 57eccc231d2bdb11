"""Measure the backend's speed; backend/docs/performance.md keeps the table."""

from __future__ import annotations

import sys

import toolchain
from workspace import BACKEND, main, run


def bench() -> int:
    """Run backend/bench with the arguments given."""
    return run([toolchain.python(), "-m", "bench", *sys.argv[1:]], cwd=BACKEND)


if __name__ == "__main__":
    main(bench)
