"""The production build on a port of its own, for tests and pictures: fresh database, media and secrets."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dotenv_file
from dev import migrate
from ports import LOOPBACK, free_port, wait_until_answers
from processes import Processes
from workspace import BACKEND, Stop, environment, say


@contextmanager
def serving(python: Path, log: Path | None = None, **overrides: str) -> Iterator[dict[str, str]]:
    """Serve the built frontend and the backend; yields their environment. Raises Stop when they do not start."""
    with tempfile.TemporaryDirectory() as folder, Processes() as processes:
        env = {**production_environment(Path(folder)), **overrides}
        migrate(python, env)
        processes.start("backend", [python, "serve.py"], cwd=BACKEND, env=env, log=log)
        if not wait_until_answers(int(env["PORT"]), "/health/ready", seconds=60, alive=processes.all_run):
            if log is not None:
                say(log.read_text(encoding="utf-8"))
            raise Stop("the backend did not start: its last lines above say why.")
        yield env


def production_environment(folder: Path) -> dict[str, str]:
    """What a production backend is told: a free port, and database, media and secrets below `folder`."""
    port = free_port()
    return environment(
        {
            **dict.fromkeys(dotenv_file.names(), ""),  # an empty value hides the one in the developer's .env
            "APP_ENV": "production",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": f"sqlite:///{(folder / 'app.db').as_posix()}",
            "MEDIA_ROOT": str(folder / "media"),
            "HOST": LOOPBACK,
            "PORT": str(port),
            "GRPC_PORT": str(port + 1),
            "PUBLIC_URL": f"http://{LOOPBACK}:{port}",
            "ADMIN_EMAIL": "admin@example.com",
            "ADMIN_PASSWORD": secrets.token_urlsafe(12),
        }
    )
