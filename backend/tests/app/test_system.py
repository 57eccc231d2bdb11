"""Health, public configuration, and the header fields on every answer."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest

from app import database, security
from app.services.system import newest_revision, release_name
from app.settings import Settings
from atila.testing.client import TestClient

BACKEND = Path(__file__).resolve().parents[2]


def test_the_process_is_alive_and_ready(cli: TestClient) -> None:
    assert cli.get("/health/live").data == {"status": "alive"}
    assert cli.get("/health/ready").data == {"status": "ready", "checks": {"bus": "ok", "database": "ok"}}


def test_a_deployed_release_knows_its_name(tmp_path: Path) -> None:
    assert release_name(tmp_path) == ""
    (tmp_path / "RELEASE").write_text("20260102-030405-abc\n")
    assert release_name(tmp_path) == "20260102-030405-abc"


def test_an_older_schema_is_not_ready(cli: TestClient, settings: Settings) -> None:
    database.downgrade(settings.database_url, "-1")
    answer = cli.get("/health/ready")
    assert (answer.status_code, answer.data["checks"]["database"]) == (503, "not migrated to this release")
    database.downgrade(settings.database_url, "base")
    assert cli.get("/health/ready").status_code == 503
    assert cli.get("/health/live").status_code == 200


def test_the_newest_migration_is_known_without_alembic() -> None:
    assert newest_revision() == database.head()


def test_a_worker_loads_no_more_than_it_needs(settings: Settings) -> None:
    script = """
        import sys
        import skitai.worker
        from app.loading import application
        from app.settings import load
        with application(load()).test_client() as cli:
            assert cli.get("/health/ready").data["checks"]["database"] == "ok", cli.get("/health/ready").data
            assert cli.get("/api/v1/system/config").status_code == 200
        heavy = {"sqlalchemy", "alembic", "PIL", "httpx2", "django"} & sys.modules.keys()
        assert not heavy, heavy
    """
    env = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "SECRET_KEY": settings.secret_key,
        "MEDIA_ROOT": str(settings.media_root),
    }
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BACKEND, env=env)
    assert ran.returncode == 0, ran.stderr


def test_the_frontend_learns_what_it_may_upload(cli: TestClient) -> None:
    answer = cli.get("/api/v1/system/config")
    assert answer.data == {"name": "Atila Starter", "version": "0.1.0", "max_upload_bytes": 2_000_000}


@pytest.mark.parametrize("path", ["/health/live", "/api/v1/auth/me", "/no/such/page", "/rpc2/photos/get"])
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_every_answer_has_the_careful_headers(cli: TestClient, path: str, accept: str) -> None:
    answer = cli.get(path, headers={"Accept": accept})
    for name, value in security.HEADERS.items():
        assert answer.headers.get_all(name) == [value], name
    assert "strict-transport-security" not in answer.headers


def test_strict_transport_is_for_production_over_tls(tmp_path: Path, settings: Settings) -> None:
    production = msgspec.structs.replace(settings, app_env="production")
    assert "strict-transport-security" in security.headers(production, "https")
    assert "strict-transport-security" not in security.headers(production, "http")
    assert "strict-transport-security" not in security.headers(settings, "https")
