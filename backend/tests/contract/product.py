"""The whole product, running as a process of its own: serve.py on free ports, with a database and people in it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from app import database
from app.identity import Role
from app.loading import connected
from app.services.accounts import passwords, users
from app.services.accounts.users import User
from app.settings import Settings, load
from tests.serving.engine_process import free_ports

BACKEND = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery staple"
ROLES: dict[str, Role] = {"uma": "user", "ben": "user", "sam": "staff"}
PATIENCE = 60.0  # seconds until it must be ready


class Product:
    """A running serve.py. Lives from `start` until `end`."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.folder = folder
        self.log = folder / "output.log"
        self.port = free_ports()
        self.environment = {
            "APP_ENV": "test",
            "SECRET_KEY": "a-secret-for-tests-only-0123456789abcdef",
            "DATABASE_URL": f"sqlite:///{folder}/app.db",
            "MEDIA_ROOT": str(folder / "media"),
            "FRONTEND_DIST": str(folder / "dist"),
            "PORT": str(self.port),
            "THREADS": "6",
            "WORKERS": str(workers),
        }
        self.settings: Settings = load(self.environment)
        self.people: dict[str, User] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def grpc_target(self) -> str:
        return f"127.0.0.1:{self.port + 1}"

    @property
    def log_lines(self) -> list[str]:
        """What it has written so far."""
        return self.log.read_text(errors="replace").splitlines()

    def start(self) -> None:
        """Migrates, makes the people, starts, and waits until it is ready. Raises AssertionError with its log."""
        database.migrate(self.settings.database_url)
        password_hash = passwords.hash_password(PASSWORD)
        with connected(self.settings) as connect, connect() as db:
            for name, role in ROLES.items():
                self.people[name] = users.create(
                    db,
                    email=f"{name}@example.com",
                    name=name,
                    role=role,
                    password_hash=password_hash,
                )
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "serve.py"],
                cwd=BACKEND,
                env={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()

    def end(self) -> None:
        """Stops it and whatever it started."""
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def token(self, name: str) -> str:
        """An access token of somebody who signs in over HTTP."""
        body = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = httpx.post(f"{self.url}/api/v1/auth/sign-in", json=body, trust_env=False)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health/ready", trust_env=False).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())
