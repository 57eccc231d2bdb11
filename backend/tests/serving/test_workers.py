"""Worker processes: several of them, killed ones, broken ones, graceful and ungraceful ends."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time

import httpx

from .conftest import Start
from .engine_process import EngineProcess, free_ports, wait_until

APP = """
@app.route("/pid")
async def pid(was):
    return was.API(pid=os.getpid())

@app.route("/slow")
def slow(was, seconds: float = 1.0):
    time.sleep(seconds)
    return was.API(done=True)

@app.route("/stream")
async def stream(was, pieces: int = 5):
    async def piece_by_piece():
        for number in range(pieces):
            yield f"{number}\\n"
            await asyncio.sleep(0.2)
    return piece_by_piece()

skitai.mount("/", app)
"""


def pids(engine: EngineProcess, tries: int = 60) -> set[int]:
    found = set()
    for _ in range(tries):
        found.add(httpx.get(f"{engine.url}/pid").json()["pid"])
    return found


def test_every_worker_serves(start: Start) -> None:
    engine = start(APP, workers=3)
    assert len(engine.workers) == 3
    assert pids(engine, 200) == set(engine.workers)


def test_a_killed_worker_is_back_and_the_others_served_on(start: Start) -> None:
    engine = start(APP, workers=2)
    victim, other = engine.workers
    killed_at = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in engine.workers and len(engine.workers) == 2, 2)
    wait_until(lambda: len(pids(engine, 10)) == 2 or len(pids(engine, 60)) == 2, 4)
    assert time.monotonic() - killed_at < 5
    assert other in engine.workers
    assert "was killed by SIGKILL; starting it again" in engine.output
    assert engine.stop() == 0


def test_a_crash_loop_ends_with_a_sentence(start: Start) -> None:
    engine = start(
        APP.replace(
            'skitai.mount("/", app)',
            """
if "SKITAI_WORKER" in os.environ or skitai._line is not None:
    threading.Timer(0.4, lambda: os._exit(7)).start()
skitai.mount("/", app)
""",
        ),
        ready=False,
    )
    assert engine.process.wait(60) == 1
    assert "ended with exit code 7" in engine.output
    assert "mend what kills them" in engine.output


def test_an_app_that_cannot_be_loaded_ends_the_start_with_its_error(start: Start) -> None:
    engine = start('skitai.mount("/", "nowhere.py")', ready=False)
    assert engine.process.wait(20) == 1
    assert "there is no file" in engine.output
    assert "a worker could not start" in engine.output


def test_a_taken_port_is_one_sentence(start: Start) -> None:
    with socket.socket() as taken:
        port = free_ports()
        taken.bind(("127.0.0.1", port))
        taken.listen()
        engine = start(APP, ready=False, port=port)
        assert engine.process.wait(20) == 1
    assert engine.output.count("\n") == 1
    assert f"port {port}" in engine.output
    assert "choose another port" in engine.output


def test_sigterm_finishes_what_runs_and_takes_nothing_new(start: Start) -> None:
    engine = start(APP, workers=2)
    answers: list[object] = []

    def ask(path: str) -> None:
        answers.append(httpx.get(f"{engine.url}{path}", timeout=10).text)

    threads = [threading.Thread(target=ask, args=(path,)) for path in ("/slow?seconds=1.5", "/stream?pieces=6")]
    for thread in threads:
        thread.start()
    time.sleep(0.4)
    engine.tell(signal.SIGTERM)
    time.sleep(0.3)
    try:
        httpx.get(f"{engine.url}/pid")
        refused = False
    except httpx.ConnectError:
        refused = True
    for thread in threads:
        thread.join()
    assert refused
    assert sorted(map(str, answers)) == ["0\n1\n2\n3\n4\n5\n", '{"done":true}']
    assert engine.process.wait(10) == 0


def test_a_request_that_never_ends_is_cut_off_after_the_stop_timeout(start: Start) -> None:
    engine = start(APP, stop_timeout=1.0)
    thread = threading.Thread(target=_ask_and_lose, args=(f"{engine.url}/slow?seconds=60",))
    thread.start()
    time.sleep(0.4)
    began = time.monotonic()
    assert engine.stop(timeout=6) == 0
    assert time.monotonic() - began < 4
    thread.join()


def _ask_and_lose(url: str) -> None:
    with contextlib.suppress(httpx.TransportError):
        httpx.get(url, timeout=20)


def test_workers_do_not_outlive_a_main_process_that_was_killed(start: Start) -> None:
    engine = start(APP, workers=2)
    workers = engine.workers
    engine.process.kill()
    engine.process.wait()
    wait_until(lambda: not any(_alive(worker) for worker in workers), 5)


def test_sighup_replaces_the_workers_and_refuses_no_request(start: Start) -> None:
    engine = start(APP, workers=2)
    before = set(engine.workers)
    failures: list[Exception] = []
    served = 0
    stopping = threading.Event()

    def hammer() -> None:
        nonlocal served
        while not stopping.is_set():
            try:
                assert httpx.get(f"{engine.url}/pid", timeout=5).status_code == 200
                served += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
                failures.append(error)

    thread = threading.Thread(target=hammer)
    thread.start()
    time.sleep(0.3)
    engine.tell(signal.SIGHUP)
    wait_until(lambda: len(engine.workers) == 2 and not before & set(engine.workers), 20, lambda: engine.output)
    time.sleep(0.3)
    stopping.set()
    thread.join()
    assert failures == []
    assert served > 20


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
