"""Run the production build on this machine: one port for the browser, the frontend served by the backend."""

from __future__ import annotations

import dotenv_file
import generate
import toolchain
from build import compile_frontend
from dev import migrate
from ports import LOOPBACK, chosen, require_free, wait_until_answers
from processes import Processes
from stamps import Stamp
from workspace import BACKEND, FRONTEND, Stop, environment, main, say


def serve() -> int:
    """Build what changed, migrate, serve; ends with Ctrl-C."""
    python, node = toolchain.python(), toolchain.node()
    dotenv_file.write()
    ports = chosen(dotenv_file.values())
    require_free({"PORT": ports.backend, "GRPC_PORT": ports.grpc})
    toolchain.frontend_packages(node)
    generate.refresh(python, node)
    build_changed(node)
    url = f"http://{LOOPBACK}:{ports.backend}"
    env = environment({"APP_ENV": "production", "PUBLIC_URL": url, "FRONTEND_ORIGIN": "", "PYTHONUNBUFFERED": "1"})
    with Processes() as processes:
        migrate(python, env)
        processes.start("backend", [python, "serve.py"], cwd=BACKEND, env=env)
        if not wait_until_answers(ports.backend, "/health/ready", seconds=60, alive=processes.all_run):
            raise Stop("the backend did not come up; its lines above say why.")
        say(f"\n  Serving the production build: {url}\n  Ctrl-C stops it.\n")
        try:
            processes.wait_for_an_end()
        except KeyboardInterrupt:
            say("\nStopping …")
            return 0
        raise Stop("the backend ended; its last lines above say why.")


def build_changed(node: toolchain.Node) -> None:
    """Compile the frontend when a source changed since the last time."""
    sources = [path for folder in ("src", "public", "scripts") for path in (FRONTEND / folder).rglob("*")]
    configuration = [path for path in FRONTEND.iterdir() if path.suffix in (".ts", ".json", ".html")]
    stamp = Stamp("build", [path for path in [*sources, *configuration] if path.is_file()])
    if not stamp.fresh() or not (FRONTEND / "dist" / "index.html").exists():
        compile_frontend(node)
        stamp.record()


if __name__ == "__main__":
    main(serve)
