"""Settings come from the environment and .env, are checked at the start, and are all documented."""

from __future__ import annotations

from pathlib import Path

import pytest
from dotenv import dotenv_values

from app import settings as module
from app.settings import ROOT, SettingsError, load

SECRET = "k" * 40


def test_the_example_names_the_same_keys_and_explains_each() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert list(dotenv_values(ROOT / ".env.example")) == module.names()
    for block in text.strip().split("\n\n")[1:]:
        assert block.startswith("# "), f"no explanation above {block!r}"


def test_the_example_holds_the_defaults(tmp_path: Path) -> None:
    written = dict(dotenv_values(ROOT / ".env.example"))
    assert {written.pop(name) for name in ("SECRET_KEY", "ADMIN_PASSWORD")} == {module.PLACEHOLDER}
    stated = load({name: value or "" for name, value in written.items()} | {"SECRET_KEY": SECRET}, root=tmp_path)
    assert stated == load({"SECRET_KEY": SECRET}, root=tmp_path)


def test_paths_are_relative_to_the_root(tmp_path: Path) -> None:
    settings = load({"MEDIA_ROOT": "x/media", "DATABASE_URL": "sqlite:///x/app.db"}, root=tmp_path)
    assert settings.media_root == tmp_path / "x/media"
    assert settings.database_url == f"sqlite:///{tmp_path.as_posix()}/x/app.db"


@pytest.mark.parametrize("url", ["sqlite:////srv/app.db", "sqlite:///:memory:", "postgresql://u:p@127.0.0.1:5432/app"])
def test_absolute_databases_stay_as_they_are(tmp_path: Path, url: str) -> None:
    assert load({"DATABASE_URL": url}, root=tmp_path).database_url == url


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nWORKERS=3\n", encoding="utf-8")
    settings = load({"PORT": "9100"}, root=tmp_path)
    assert (settings.port, settings.grpc_port, settings.workers) == (9100, 9101, 3)


def test_an_empty_value_in_the_environment_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\n", encoding="utf-8")
    assert load({"PORT": ""}, root=tmp_path).port == 8000


def test_tests_never_read_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9000\n", encoding="utf-8")
    assert load({"APP_ENV": "test", "SECRET_KEY": SECRET}, root=tmp_path).port == 8000


def test_development_makes_a_secret_of_its_own(tmp_path: Path) -> None:
    one, two = (load({"SECRET_KEY": module.PLACEHOLDER}, root=tmp_path).secret_key for _ in range(2))
    assert one != two
    assert min(len(one), len(two)) >= module.SECRET_LENGTH


@pytest.mark.parametrize(
    ("name", "environ"),
    [
        ("SECRET_KEY", {}),
        ("SECRET_KEY", {"SECRET_KEY": "change-me"}),
        ("SECRET_KEY", {"SECRET_KEY": "change-me-change-me-change-me-change-me"}),
        ("SECRET_KEY", {"SECRET_KEY": "short"}),
        ("ADMIN_PASSWORD", {"SECRET_KEY": SECRET, "ADMIN_PASSWORD": "change-me"}),
        ("DATABASE_URL", {"SECRET_KEY": SECRET, "DATABASE_URL": "postgresql://app:change-me@db/app"}),
    ],
)
def test_production_refuses_a_missing_or_placeholder_secret(tmp_path: Path, name: str, environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=name):
        load({"APP_ENV": "production", **environ}, root=tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("PORT", "70000"), ("WORKERS", "0"), ("APP_ENV", "prod"), ("LOG_LEVEL", "loud")],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value}, root=tmp_path)


def test_lists_are_split_at_commas(tmp_path: Path) -> None:
    settings = load({"TRUSTED_PROXIES": "127.0.0.1, 10.0.0.2,"}, root=tmp_path)
    assert settings.trusted_proxies == ("127.0.0.1", "10.0.0.2")


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    assert SECRET not in repr(load({"SECRET_KEY": SECRET}, root=tmp_path))
