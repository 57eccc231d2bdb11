"""What handlers may ask of the engine, over several workers: locks, temporary files, state, restart, shutdown."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from .conftest import Start
from .engine_process import EngineProcess, free_ports, wait_until

APP = """
@app.route("/status")
def status(was):
    return was.API(**was.status())

@app.route("/temporary")
def temporary(was):
    return was.gentemp(".txt")

@app.route("/once")
def once(was):
    with was.get_lock("once"):
        with open("journal.txt", "a") as file:
            file.write(f"in {os.getpid()}\\n")
            file.flush()
            time.sleep(0.03)
            file.write(f"out {os.getpid()}\\n")
    return str(os.getpid())

@app.route("/hold")
def hold(was):
    was.get_lock("once").acquire()
    os.kill(os.getpid(), 9)

@app.route("/restart")
def restart(was):
    was.restart()
    return str(os.getpid())

@app.route("/shutdown")
async def shutdown(was):
    was.shutdown()
    await asyncio.sleep(0.3)
    return "good bye"

skitai.mount("/", app)
"""


def get(engine: EngineProcess, path: str) -> str:
    """Ask on a connection of its own."""
    return httpx.get(f"{engine.url}{path}", timeout=15).text


@pytest.mark.row("11.36")
def test_a_lock_holds_among_workers_and_is_free_when_its_holder_dies(start: Start, tmp_path: Path) -> None:
    engine = start(APP, workers=3, varpath=str(tmp_path / "var"))
    with ThreadPoolExecutor(8) as pool:
        holders = set(pool.map(lambda _: get(engine, "/once"), range(24)))
    assert len(holders) > 1
    lines = (tmp_path / "journal.txt").read_text().splitlines()
    assert len(lines) == 48
    assert all(lines[place].replace("in", "out") == lines[place + 1] for place in range(0, 48, 2))
    with pytest.raises(httpx.TransportError):
        get(engine, "/hold")
    wait_until(lambda: len(engine.workers) == 3 and _answers(engine))
    assert get(engine, "/once").isdigit()
    assert engine.stop() == 0


@pytest.mark.row("11.36")
def test_temporary_files_end_with_their_worker_however_it_ends(start: Start, tmp_path: Path) -> None:
    engine = start(APP, varpath=str(tmp_path / "var"))
    first = Path(get(engine, "/temporary"))
    assert first.stat().st_mode & 0o777 == 0o600
    assert tmp_path / "var" in first.parents
    os.kill(engine.workers[0], signal.SIGKILL)
    wait_until(lambda: len(engine.workers) == 1 and _answers(engine))
    assert Path(get(engine, "/temporary")).exists()
    assert engine.stop() == 0
    assert list((tmp_path / "var").iterdir()) == []


@pytest.mark.row("11.36")
def test_restart_replaces_the_workers_and_status_tells_who_answers(start: Start, tmp_path: Path) -> None:
    engine = start(APP, workers=2, varpath=str(tmp_path / "var"))
    before = engine.workers
    told = json.loads(get(engine, "/status"))
    assert (told["pid"] in before, told["worker"] in (1, 2), told["threads"], told["busy"]) == (True, True, 4, 1)
    assert int(get(engine, "/restart")) in before
    wait_until(lambda: not set(before) & set(engine.workers) and len(engine.workers) == 2, 20)
    assert json.loads(get(engine, "/status"))["pid"] in engine.workers
    assert engine.stop() == 0


@pytest.mark.row("11.36")
def test_shutdown_lets_the_request_that_asked_finish(start: Start, tmp_path: Path) -> None:
    engine = start(APP, workers=2, varpath=str(tmp_path / "var"))
    assert get(engine, "/shutdown") == "good bye"
    assert engine.process.wait(10) == 0


@pytest.mark.row("1.11", "1.25")
def test_log_files_in_the_foreground_take_what_workers_write(start: Start, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    engine = start(APP, ready=False, workers=2, logpath=str(logs), log_off=["/status"], log_size=2000, log_keep=30)
    wait_until(lambda: (logs / "server.log").exists() and "serving at" in (logs / "server.log").read_text(), 20)
    for _ in range(40):
        get(engine, "/temporary")
        get(engine, "/status")
    wait_until(lambda: (logs / "request.log.1").exists(), 5)
    assert engine.stop() == 0
    lines = [line for path in logs.glob("request.log*") for line in path.read_text().splitlines()]
    assert len(lines) == 40
    assert all(" GET /temporary 200 " in line for line in lines)
    assert engine.output == ""


@pytest.mark.row("1.25")
def test_who_comes_to_the_forwarded_port_ends_at_the_right_one(start: Start, tmp_path: Path) -> None:
    port = free_ports()
    engine = start(APP, workers=2, varpath=str(tmp_path / "var"), forward_port=port)
    for _ in range(4):
        answer = httpx.get(f"http://127.0.0.1:{port}/status", follow_redirects=True)
        assert [each.status_code for each in (*answer.history, answer)] == [308, 200]
        assert answer.url.port == engine.port
    assert engine.stop() == 0


def _answers(engine: EngineProcess) -> bool:
    try:
        return httpx.get(f"{engine.url}/status").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.row("1.25")
def test_a_connection_that_is_silent_is_closed(start: Start) -> None:
    engine = start("skitai.set_keep_alive(1)\n" + APP)
    with engine.connect(10) as connection:
        for _ in range(2):
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        assert connection.recv(65536) == b""
        assert 0.5 < time.monotonic() - began < 5


@pytest.mark.row("1.25")
def test_a_forwarded_port_that_is_taken_ends_the_start(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        engine = start(APP, ready=False, forward_port=port)
        assert engine.process.wait(20) == 1
    assert f"cannot listen on 127.0.0.1, port {port}: " in engine.output
