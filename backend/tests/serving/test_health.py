"""Health over real servers: an engine whose Redis is away serves on, and says so."""

from __future__ import annotations

import httpx

from tests.servers.redis import RedisServer

from .conftest import Start
from .engine_process import wait_until

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


def test_an_engine_whose_redis_goes_away_stays_ready_and_tells(start: Start, redis_server: RedisServer) -> None:
    engine = start(APP, bus=redis_server.url)

    def bus() -> str:
        answer = httpx.get(f"{engine.url}/health/ready")
        assert (answer.status_code, answer.json()["status"], answer.json()["checks"]["db"]) == (200, "ready", "ok")
        return str(answer.json()["checks"]["bus"])

    wait_until(lambda: bus() == "ok", 15)
    redis_server.stop()
    wait_until(lambda: bus().startswith("away since 1"), 15)
    redis_server.start()
    wait_until(lambda: bus() == "ok", 15)
    assert redis_server.password not in engine.output
    assert engine.stop() == 0
