"""Health over real servers: an engine whose Redis is away serves on, and says so."""

from __future__ import annotations

import httpx

from .conftest import Start
from .engine_process import free_ports, wait_until

APP = """
import atila.health

skitai.alias("@db", skitai.DB_SQLITE3, "shop.db")
app.mount("/health", atila.health)
app.health.needs_database("@db")
app.health.facts["release"] = "r7"

skitai.mount("/", app)
"""


def test_every_worker_is_ready_and_says_of_what(start: Start) -> None:
    engine = start(APP, workers=2, log_off=["/health/*"])
    for _ in range(10):
        answer = httpx.get(f"{engine.url}/health/ready")
        assert answer.status_code == 200
        assert answer.json() == {"status": "ready", "release": "r7", "checks": {"bus": "ok", "db": "ok"}}
    assert httpx.get(f"{engine.url}/health/live").json() == {"status": "alive"}
    assert "/health/" not in engine.output


def test_without_its_redis_an_engine_is_ready_and_tells(start: Start) -> None:
    engine = start(APP, bus=f"redis://:secret@127.0.0.1:{free_ports()}/0")
    wait_until(lambda: httpx.get(f"{engine.url}/health/ready").json()["checks"]["bus"].startswith("away since 1"), 10)
    answer = httpx.get(f"{engine.url}/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["db"]) == (200, "ready", "ok")
    assert "secret" not in engine.output + answer.text
    assert engine.stop() == 0
