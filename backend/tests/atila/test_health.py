"""Health: alive, ready, and what stands in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

import atila.health
from atila import Atila, SettingError, Was
from atila.alias import DB_SQLITE3
from atila.testing.client import TestClient


@pytest.fixture
def app() -> Atila:
    made = Atila("tests")
    made.authenticate = "bearer"
    made.mount("/health", atila.health)
    return made


def ask(app: Atila, path: str = "/health/ready") -> tuple[int, dict[str, object]]:
    with app.test_client() as cli:
        answer = cli.get(path)
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, answer.data


def test_alive_asks_nobody_and_needs_no_token(app: Atila) -> None:
    assert ask(app, "/health/live") == (200, {"status": "alive"})


def test_ready_shows_every_check_and_the_facts(app: Atila) -> None:
    @app.ready_check
    def index(was: Was) -> str | None:
        return None

    app.health.facts["release"] = "r7"
    assert ask(app) == (200, {"status": "ready", "release": "r7", "checks": {"bus": "ok", "index": "ok"}})


def test_a_reason_is_shown_and_an_exception_only_logged(app: Atila, caplog: pytest.LogCaptureFixture) -> None:
    @app.ready_check
    def index(was: Was) -> str | None:
        return "is being built"

    @app.ready_check
    def store(was: Was) -> str | None:
        raise ConnectionError("postgresql://user:secret@host")

    status, body = ask(app)
    assert status == 503
    assert body == {
        "code": 50300, "message": "not ready", "checks": {"bus": "ok", "index": "is being built", "store": "failed"},
    }  # fmt: skip
    assert "ready check store: ConnectionError" in caplog.text


def test_what_is_not_required_is_told_and_no_more(app: Atila) -> None:
    @app.ready_check(required=False)
    def search(was: Was) -> str | None:
        return "is slow"

    assert ask(app) == (200, {"status": "ready", "checks": {"bus": "ok", "search": "is slow"}})


def test_a_database_that_does_not_answer(app: Atila, tmp_path: Path) -> None:
    app.alias("@db", DB_SQLITE3, str(tmp_path / "a.db"))
    app.health.needs_database("@db")
    assert ask(app)[0] == 200
    app.alias("@db", DB_SQLITE3, str(tmp_path / "nowhere" / "a.db"))
    app.platform.close()
    status, body = ask(app)
    assert (status, body["checks"]) == (503, {"bus": "ok", "db": "does not answer"})


def test_a_bus_that_is_away_does_not_take_the_host_away(app: Atila, monkeypatch: pytest.MonkeyPatch) -> None:
    away = {"status": "away", "away_since": 1_800_000_000.0}
    monkeypatch.setattr(app.platform.bus, "health", lambda: away, raising=False)
    assert ask(app) == (200, {"status": "ready", "checks": {"bus": "away since 1800000000"}})


def test_a_process_that_is_about_to_end_is_not_ready(app: Atila) -> None:
    app.platform.stopping.set()
    status, body = ask(app)
    assert (status, body["checks"]) == (503, {"engine": "is stopping"})
    assert ask(app, "/health/live")[0] == 200


def test_an_async_check_is_told_at_once(app: Atila) -> None:
    async def check(was: Was) -> str | None:
        return None

    with pytest.raises(SettingError, match="a plain function is expected"):
        app.ready_check(check)  # type: ignore[type-var]  # the wrong kind is the point


def test_the_document_does_not_show_it(app: Atila) -> None:
    app.openapi_url = "/openapi.json"
    assert app.openapi()["paths"] == {}


def test_the_client_of_tests_reads_it(app: Atila) -> None:
    with app.test_client() as cli:
        assert isinstance(cli, TestClient)
        assert cli.post("/health/live").status_code == 405
