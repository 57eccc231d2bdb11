"""Compile the frontend into frontend/dist, which the backend serves in production."""

from __future__ import annotations

import dotenv_file
import generate
import toolchain
from workspace import FRONTEND, main, require


def build() -> int:
    """Install and generate what changed, check types, bundle, compress."""
    python, node = toolchain.python(), toolchain.node()
    dotenv_file.write()
    toolchain.frontend_packages(node)
    generate.refresh(python, node)
    compile_frontend(node)
    return 0


def compile_frontend(node: toolchain.Node) -> None:
    """The bundle alone."""
    failure = "the frontend did not build: the message above names the file."
    require([*node.npm, "run", "--silent", "build"], failure, cwd=FRONTEND, env=node.environment())


if __name__ == "__main__":
    main(build)
