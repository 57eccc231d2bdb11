"""Take the picture of the gallery that README.md shows: a fresh database with the examples, in a real Chromium."""

from __future__ import annotations

import debian
import toolchain
from build import compile_frontend
from production import serving
from workspace import BACKEND, FRONTEND, Stop, main, require

PICTURE = BACKEND / "docs" / "gallery.png"


def screenshot() -> int:
    """Writes the picture; needs Chromium."""
    browser = debian.CHROMIUM.find()
    if browser is None:
        raise Stop("no Chromium is installed: it takes the picture.")
    python, node = toolchain.python(), toolchain.node()
    toolchain.frontend_packages(node)
    compile_frontend(node)
    with serving(python, APP_ENV="development") as env:
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
