"""Reloading in development: changed code serves, broken code does not take the running code away."""

from __future__ import annotations

from pathlib import Path

import httpx

from .conftest import Start
from .engine_process import EngineProcess, wait_until

SHOP = """
from atila import Atila
import prices
app = Atila(__name__)
app.use_reloader = True

@app.route("/price")
def price(was):
    return was.API(price=prices.PRICE)
"""
MOUNT = 'skitai.mount("/", "shop.py")'


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def price(engine: EngineProcess) -> int:
    return int(httpx.get(f"{engine.url}/price").json()["price"])


def test_a_changed_module_is_served_and_a_broken_one_is_not(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "shop.py", SHOP)
    write(tmp_path, "prices.py", "PRICE = 1\n")
    engine = start(MOUNT)
    first = engine.workers
    assert price(engine) == 1

    write(tmp_path, "prices.py", "PRICE = 22\n")
    wait_until(lambda: price(engine) == 22, 10, lambda: engine.output)
    wait_until(lambda: len(engine.workers) == 1, 5, lambda: engine.output)
    assert "prices.py changed: restarting" in engine.output

    write(tmp_path, "prices.py", "PRICE = = 3\n")
    wait_until(lambda: "prices.py, line 1: invalid syntax; mend it" in engine.output, 10, lambda: engine.output)
    assert price(engine) == 22

    write(tmp_path, "prices.py", "PRICE = undefined_name\n")
    wait_until(lambda: "the code before the change goes on serving" in engine.output, 10, lambda: engine.output)
    assert "NameError: name 'undefined_name' is not defined" in engine.output
    assert price(engine) == 22

    write(tmp_path, "prices.py", "PRICE = 4\n")
    wait_until(lambda: price(engine) == 4, 20, lambda: engine.output)
    wait_until(lambda: len(engine.workers) == 1, 5, lambda: engine.output)
    assert first != engine.workers
    assert engine.stop() == 0


def test_a_start_that_fails_waits_for_the_mended_file(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "shop.py", SHOP)
    write(tmp_path, "prices.py", "PRICE = (\n")
    engine = start(MOUNT, ready=False, reload=True)
    wait_until(lambda: "nothing is served now; waiting for a change" in engine.output, 15, lambda: engine.output)
    write(tmp_path, "prices.py", "PRICE = 5\n")
    engine.ready()
    assert price(engine) == 5
    assert engine.stop() == 0


def test_production_and_apps_that_do_not_ask_are_left_alone(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "shop.py", SHOP)
    write(tmp_path, "prices.py", "PRICE = 1\n")
    engine = start(MOUNT, arguments=("---production",))
    workers = engine.workers
    write(tmp_path, "prices.py", "PRICE = 2\n")
    with httpx.Client() as client:
        for _ in range(50):
            assert client.get(f"{engine.url}/price").json() == {"price": 1}
    assert engine.workers == workers
    assert "restarting" not in engine.output
