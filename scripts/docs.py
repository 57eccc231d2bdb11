"""Build the pages of backend/docs and serve them on 127.0.0.1; `--build` only builds."""

from __future__ import annotations

import functools
import http.server
import os
import sys
from pathlib import Path

import toolchain
from ports import LOOPBACK, taken
from workspace import BACKEND, ROOT, Stop, main, require, say

PAGES = BACKEND / "docs"
BUILT = BACKEND / "var" / "docs"
PORT = 8090  # DOCS_PORT in the environment says another


def docs() -> int:
    """Build, and serve until Ctrl-C unless `--build` was given."""
    # Warnings are errors: a link that leads nowhere is one.
    flags: list[str | Path] = ["-W", "--keep-going", "-q", "-E", "-d", BUILT / "cache"]
    failure = "The pages could not be built: Sphinx says above what is wrong with which."
    require([toolchain.python(), "-m", "sphinx", *flags, PAGES, BUILT / "pages"], failure)
    say(f"Built {(BUILT / 'pages' / 'index.html').relative_to(ROOT)}")
    return 0 if "--build" in sys.argv else _serve(int(os.environ.get("DOCS_PORT") or PORT))


def _serve(port: int) -> int:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(BUILT / "pages"))
    if taken(port):
        raise Stop(f"Port {port} is taken: set DOCS_PORT to another one.")
    with http.server.ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        say(f"http://{LOOPBACK}:{port}/ (Ctrl-C ends it)")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    main(docs)
