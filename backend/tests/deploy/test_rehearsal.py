"""A deployment rehearsed on this machine: the real scripts and the real engine, below a folder instead of `/`."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import database
from tests.machine import need
from tests.serving.engine_process import BACKEND, free_ports, wait_until

from .machine_shims import put_shims
from .production import write_frontend
from .web_server import DEPLOY

pytestmark = pytest.mark.timeout(300)  # seconds; every deployment starts Python half a dozen times

HOST = "deployer@photos.example"
IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")
WELL = {"bus": "ok", "database": "ok"}  # what the checks of a release that serves say


class Rehearsal:
    """A checkout, and a host below a folder. Lives as long as one test."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "checkout"
        self.root = folder / "host"
        self.base = self.root / "srv" / "atila-starter"
        self.port = free_ports()
        self.root.mkdir()
        programs = (put_shims(folder / "shims"), Path(sys.executable).parent)
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
            "DEPLOY_ROOT": str(self.root),
            "DEPLOY_USER": getpass.getuser(),
            "DEPLOY_PATIENCE": "60",
        }
        (self.checkout / "backend").mkdir(parents=True)
        for name in ("atila", "skitai", "app", "contracts"):
            shutil.copytree(BACKEND / name, self.checkout / "backend" / name, ignore=IGNORED)
        for name in ("serve.py", "requirements-production.lock"):
            shutil.copy(BACKEND / name, self.checkout / "backend" / name)
        shutil.copytree(DEPLOY, self.checkout / "deploy")
        write_frontend(self.checkout / "frontend" / "dist")

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.checkout / "deploy" / script), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=200)

    def set_up(self) -> None:
        """Run setup.sh as on a host, on ports that are free here; the lock's packages are there already."""
        done = self.run("setup.sh", "photos.example")
        assert done.returncode == 0, done.stderr
        env = self.root / "etc" / "atila-starter" / "env"
        text = env.read_text().replace("PORT=8000", f"PORT={self.port}").replace("PORT=8001", f"PORT={self.port + 1}")
        env.write_text(text)
        self.share_packages()

    def share_packages(self) -> None:
        """Put this test's own packages where the release expects those of its lock."""
        python = subprocess.run(["python3", "-V"], env=self.environment, capture_output=True, check=True).stdout
        lock = (self.checkout / "backend" / "requirements-production.lock").read_bytes()
        venv = self.base / "venvs" / hashlib.sha256(lock + python).hexdigest()[:16]
        venv.mkdir()
        for name in ("bin", "lib"):
            (venv / name).symlink_to(Path(sys.prefix) / name)
        shutil.copy(Path(sys.prefix) / "pyvenv.cfg", venv)
        (venv / "complete").touch()

    def deploy(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("deploy.sh", "--no-build", *options, HOST)

    def deploy_what_fails(self) -> subprocess.CompletedProcess[str]:
        """Deploy without waiting long for what will not come."""
        self.environment["DEPLOY_PATIENCE"] = "20"
        return self.deploy()

    @property
    def current(self) -> str:
        return os.readlink(self.base / "current").removeprefix("releases/")

    @property
    def schema(self) -> str | None:
        return database.current(f"sqlite:///{self.root / 'var/lib/atila-starter/app.db'}")

    @property
    def asked_of_systemd(self) -> list[str]:
        return (self.root / "systemctl.log").read_text().splitlines()

    def health(self) -> dict[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
            health: dict[str, str] = json.load(answer)
        return health

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.checkout / file
        text = path.read_text()
        assert old in text, f"{file} has changed: mend this test"
        path.write_text(text.replace(old, new, 1))

    def end(self) -> None:
        pid = self.root / "service.pid"
        if pid.exists():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(pid.read_text()), signal.SIGKILL)
            wait_until(lambda: not Path(f"/proc/{pid.read_text()}/exe").exists())


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    for program in ("bash", "tar", "curl", "flock", "openssl"):
        need(program)
    made = Rehearsal(tmp_path)
    yield made
    made.end()


def test_a_host_that_is_not_set_up_is_told_so(rehearsal: Rehearsal) -> None:
    done = rehearsal.deploy()
    assert done.returncode == 1
    assert done.stderr == (
        "Stopped: deployer@photos.example is not set up: run deploy/deploy.sh --setup DOMAIN deployer@photos.example "
        "(DOMAIN as people type it).\n"
    )


def test_setting_up_makes_secrets_once(rehearsal: Rehearsal) -> None:
    rehearsal.set_up()
    env = rehearsal.root / "etc" / "atila-starter" / "env"
    text = env.read_text()
    assert env.stat().st_mode & 0o777 == 0o640
    assert "change-me" not in text
    assert f"DATABASE_URL=sqlite:///{rehearsal.root}/var/lib/atila-starter/app.db" in text
    key = rehearsal.root / "etc" / "atila-starter" / "tls" / "privkey.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    site = (rehearsal.root / "etc/nginx/sites-enabled/atila-starter").read_text()
    assert "server_name photos.example;" in site
    before = key.read_text()
    again = rehearsal.run("setup.sh", "photos.example")
    assert again.returncode == 0, again.stderr
    assert (env.read_text(), key.read_text()) == (text, before)
    site = (rehearsal.root / "etc/nginx/sites-enabled/atila-starter").read_text()
    assert f"server 127.0.0.1:{rehearsal.port + 1} max_fails=0;" in site


def test_deploying_again_switches_without_a_restart_and_going_back_works(rehearsal: Rehearsal) -> None:
    rehearsal.set_up()
    first = rehearsal.deploy()
    assert first.returncode == 0, first.stdout + first.stderr
    one = rehearsal.current
    assert rehearsal.health() == {"status": "ready", "release": one, "checks": WELL}
    assert not list((rehearsal.base / "releases" / one).rglob("*.map"))
    with sqlite3.connect(rehearsal.root / "var/lib/atila-starter/app.db") as connection:
        assert connection.execute("SELECT email FROM users").fetchall() == [("admin@photos.example",)]
    main_process = (rehearsal.root / "service.pid").read_text()

    shutil.rmtree(rehearsal.checkout / "frontend" / "dist")
    write_frontend(rehearsal.checkout / "frontend" / "dist", "index-newer.js")
    second = rehearsal.deploy("--keep", "1")
    assert second.returncode == 0, second.stdout + second.stderr
    two = rehearsal.current
    assert two > one
    assert rehearsal.health()["release"] == two
    assert (rehearsal.root / "service.pid").read_text() == main_process  # only its workers are new
    assert rehearsal.asked_of_systemd[-1] == "reload atila-starter"
    page = urllib.request.urlopen(f"http://127.0.0.1:{rehearsal.port}/", timeout=5).read()
    assert b"index-newer.js" in page
    assets = {path.name for path in (rehearsal.base / "public" / "assets").iterdir()}
    assert {"index-0a1b2c3d.js", "index-newer.js", "index-newer.js.gz"} <= assets  # old ones stay for open tabs

    back = rehearsal.run("rollback.sh", HOST)
    assert back.returncode == 0, back.stdout + back.stderr
    assert (rehearsal.current, rehearsal.health()["release"]) == (one, one)
    listed = rehearsal.run("rollback.sh", "--list", HOST)
    assert listed.stdout.splitlines() == [f"{one}  <- current", two]


def test_a_release_that_cannot_start_is_rolled_back_with_its_migration(rehearsal: Rehearsal) -> None:
    rehearsal.set_up()
    assert rehearsal.deploy().returncode == 0
    good, schema = rehearsal.current, rehearsal.schema
    migrations = rehearsal.checkout / "backend/app/migrations/versions"
    (migrations / "9999_colours.py").write_text(
        f'revision = "9999"\ndown_revision = "{schema}"\n\nfrom alembic import op\n\n\n'
        "def upgrade():\n    op.execute('CREATE TABLE colours (name TEXT)')\n\n\n"
        "def downgrade():\n    op.execute('DROP TABLE colours')\n"
    )
    rehearsal.edit("backend/app/app.py", "app = Atila(__name__)", "app = Atila(__name__)\nraise RuntimeError('broken')")
    done = rehearsal.deploy_what_fails()
    assert done.returncode == 1
    assert f"was rolled back; {good} serves on." in done.stderr
    assert "Taking the database back from 9999" in done.stdout
    assert (rehearsal.current, rehearsal.schema) == (good, schema)
    assert rehearsal.health() == {"status": "ready", "release": good, "checks": WELL}
    assert [path.name for path in (rehearsal.base / "releases").iterdir() if path.suffix != ".failed"] == [good]


def test_a_release_whose_engine_fails_its_health_check_is_rolled_back(rehearsal: Rehearsal) -> None:
    rehearsal.set_up()
    assert rehearsal.deploy().returncode == 0
    good = rehearsal.current
    rehearsal.edit("backend/skitai/__init__.py", '"""', '"""(Another engine, so that a reload is not enough.) ')
    rehearsal.edit("backend/app/services/system.py", "if not reply.usable:", "if reply.usable:")
    done = rehearsal.deploy_what_fails()
    assert done.returncode == 1
    assert '"database":"does not answer' in done.stderr
    assert f"was rolled back; {good} serves on." in done.stderr
    assert [line for line in rehearsal.asked_of_systemd if line.startswith("restart")] == ["restart atila-starter"] * 3
    assert rehearsal.health() == {"status": "ready", "release": good, "checks": WELL}


def test_a_migration_that_fails_changes_nothing(rehearsal: Rehearsal) -> None:
    rehearsal.set_up()
    assert rehearsal.deploy().returncode == 0
    good, schema = rehearsal.current, rehearsal.schema
    (rehearsal.checkout / "backend/app/migrations/versions/9999_wrong.py").write_text(
        f'revision = "9999"\ndown_revision = "{schema}"\n\nfrom alembic import op\n\n\n'
        "def upgrade():\n    op.execute('CREATE TABLE colours (name TEXT)')\n    raise RuntimeError('wrong')\n\n\n"
        "def downgrade():\n    pass\n"
    )
    done = rehearsal.deploy()
    assert done.returncode == 1
    assert "the migration failed; the database and what is served are as before." in done.stderr
    assert (rehearsal.current, rehearsal.schema, rehearsal.health()["release"]) == (good, schema, good)


def test_two_deployments_at_once_do_not_meet(rehearsal: Rehearsal) -> None:
    rehearsal.set_up()
    holder = subprocess.Popen(["flock", rehearsal.base / "lock", "sleep", "30"], start_new_session=True)
    try:
        wait_until((rehearsal.base / "lock").exists)
        done = rehearsal.deploy()
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
    assert done.returncode == 1
    assert "another deployment is under way" in done.stderr
