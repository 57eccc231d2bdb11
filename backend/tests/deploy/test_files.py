"""The files of deploy/ themselves: scripts, settings, service and site are sound and agree with the code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from app.settings import PLACEHOLDER, SettingsError, load, names
from tests.machine import need

from .web_server import DEPLOY, WebServer, make_certificate, render

SCRIPTS = sorted(DEPLOY.glob("*.sh"))
SERVICE = DEPLOY / "atila-starter.service"


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([str(need("shellcheck")), *map(str, SCRIPTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_that_run_stop_at_the_first_error(script: Path) -> None:
    text = script.read_text()
    sourced = text.startswith("# shellcheck shell=bash")
    assert sourced or text.startswith("#!/usr/bin/env bash\n")
    assert sourced or "\nset -euo pipefail\n" in text
    assert sourced == (script.stat().st_mode & 0o111 == 0)


def test_the_example_names_every_setting_and_gives_no_secret() -> None:
    example = dotenv_values(DEPLOY / "env.example")
    assert list(example) == names()
    assert PLACEHOLDER in str(example["SECRET_KEY"])
    assert "'" not in "".join(map(str, example.values()))  # systemd and dotenv quote differently


def test_the_example_starts_once_its_secrets_are_set() -> None:
    example = {name: str(value) for name, value in dotenv_values(DEPLOY / "env.example").items()}
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        load(example)
    settings = load({**example, "SECRET_KEY": "s" * 48, "ADMIN_PASSWORD": "p" * 20, "PUBLIC_URL": "https://a.example"})
    assert settings.production
    assert settings.database_url == "sqlite:////var/lib/atila-starter/app.db"
    assert settings.trusted_proxies == ("127.0.0.1", "::1")
    assert (settings.port, settings.grpc_port) == (8000, 8001)


def test_systemd_understands_the_service_and_finds_it_tight(tmp_path: Path) -> None:
    analyze = str(need("systemd-analyze"))
    unit = tmp_path / SERVICE.name  # its program is on no machine but the host
    unit.write_text(SERVICE.read_text().replace("/srv/atila-starter/current/.venv/bin/python", "/bin/true"))
    verified = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    rating = [analyze, "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit)]  # 20 is 2.0 of 10
    rated = subprocess.run(rating, capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout[-300:]


def test_nginx_accepts_the_site(tmp_path: Path) -> None:
    site = render(
        DOMAIN="localhost",
        CERTIFICATE=make_certificate(tmp_path),
        KEY=tmp_path / "key.pem",
        LISTEN_PLAIN="127.0.0.1:18080",
        LISTEN_TLS="127.0.0.1:18443",
        LOGS=tmp_path,
    )
    checked = WebServer(tmp_path, site).check()
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["DOMAIN=a.example", "KEY=/k"], "CERTIFICATE= is missing"),
        (["DOMAINS=a.example"], "no such setting"),
        (["DOMAIN=a.example; include /etc/passwd"], "characters that do not belong there"),
        (["DOMAIN=a.example", "CERTIFICATE=/c", "KEY=/k", "MAX_UPLOAD_MB=20M"], "a whole number"),
    ],
)
def test_a_wrong_setting_of_the_site_is_named(given: list[str], said: str) -> None:
    done = subprocess.run([DEPLOY / "nginx.sh", *given], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


def test_the_site_takes_what_the_engine_takes() -> None:
    site = render(DOMAIN="a.example", CERTIFICATE="/c", KEY="/k", MAX_UPLOAD_MB=30)
    body = next(line.split()[1].rstrip(";") for line in site.splitlines() if "client_max_body_size 4" in line)
    engine = 30_000_000 * 4 // 3 + 1_000_000  # app.bootstrap: base64 in XML-RPC
    assert engine < int(body) < engine + 2_000_000
