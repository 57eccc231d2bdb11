"""The starter application as production runs it: real engine, empty database, a tiny built frontend."""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.serving.engine_process import BACKEND, wait_until

EMAIL = "admin@example.com"
PASSWORD = "a-password-for-tests-only"
SCRIPT = b"export const answer = 42 // " + b"x" * 2000 + b"\n"


def write_frontend(dist: Path, script: str = "index-0a1b2c3d.js") -> None:
    """Write what `make build` would leave: a page, an asset, and its compressed siblings."""
    assets = dist / "assets"
    assets.mkdir(parents=True, exist_ok=True)
    (dist / "index.html").write_text(f'<!doctype html><title>Atila</title><script src="/assets/{script}"></script>\n')
    (assets / script).write_bytes(SCRIPT)
    (assets / f"{script}.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / f"{script}.br").write_bytes(b"not really brotli")
    (assets / f"{script}.map").write_text("{}")


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """An environment with these settings and without those of the test run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


class Production:
    """A running engine with production settings. Lives as long as the tests that share it."""

    def __init__(self, folder: Path, port: int, public_url: str) -> None:
        self.log = folder / "engine.log"
        self.port = port
        write_frontend(folder / "dist")
        self.environment = clean_environment(
            {
                "APP_ENV": "production",
                "SECRET_KEY": secrets.token_urlsafe(48),
                "DATABASE_URL": f"sqlite:///{folder / 'app.db'}",
                "PORT": str(port),
                "PUBLIC_URL": public_url,
                "ADMIN_EMAIL": EMAIL,
                "ADMIN_PASSWORD": PASSWORD,
                "MEDIA_ROOT": str(folder / "media"),
                "FRONTEND_DIST": str(folder / "dist"),
                "MAX_UPLOAD_MB": "1",
                "TRUSTED_PROXIES": "127.0.0.1",
            }
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def start(self) -> Production:
        """Migrate, make the administrator, serve."""
        for command in ("migrate", "seed"):
            words = [sys.executable, "-m", "app.manage", command]
            subprocess.run(words, cwd=BACKEND, env=self.environment, check=True, capture_output=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, BACKEND / "serve.py"],
                cwd=self.log.parent,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(lambda: "serving at" in self.output, 30, lambda: self.output)
        return self

    def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
