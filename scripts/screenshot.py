"""Take the picture of the gallery that README.md shows: a fresh database with the examples, in a real Chromium."""

from __future__ import annotations

import tempfile
from pathlib import Path

import debian
import toolchain
from build import compile_frontend
from dev import migrate
from ports import wait_until_answers
from processes import Processes
from test import production_environment
from workspace import BACKEND, FRONTEND, ROOT, Stop, main, require

PICTURE = ROOT / "backend" / "docs" / "gallery.png"


def screenshot() -> int:
    """Writes the picture; needs Chromium."""
    browser = debian.CHROMIUM.find()
    if browser is None:
        raise Stop("no Chromium is installed: it takes the picture.")
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    compile_frontend(node)
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        env = {**production_environment(Path(folder)), "APP_ENV": "development"}
        migrate(python, env)
        processes.start("backend", [python, "serve.py"], cwd=BACKEND, env=env)
        if not wait_until_answers(int(env["PORT"]), "/health/ready", seconds=60, alive=processes.all_run):
            raise Stop("the backend did not start: its last lines above say why.")
        given = {
            "BASE_URL": env["PUBLIC_URL"],
            "EMAIL": env["ADMIN_EMAIL"],
            "PASSWORD": env["ADMIN_PASSWORD"],
            "CHROMIUM_PATH": browser,
            "PICTURE": str(PICTURE),
        }
        script = FRONTEND / "scripts" / "screenshot.ts"
        require([node.program, script], "the picture was not taken.", cwd=FRONTEND, env=node.environment(**given))
    return 0


if __name__ == "__main__":
    main(screenshot)
