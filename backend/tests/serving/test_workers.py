"""Worker processes: several of them, killed ones, broken ones, graceful and ungraceful ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import grpc
import httpx

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .conftest import Start
from .engine_process import EngineProcess, free_ports, wait_until

APP = """
@app.route("/pid")
async def pid(was):
    return was.API(pid=os.getpid())

@app.route("/slow")
def slow(was, seconds: float = 1.0):
    print("BEGUN", flush=True)
    time.sleep(seconds)
    return was.API(done=True)

@app.route("/stream")
async def stream(was, pieces: int = 5):
    print("BEGUN", flush=True)
    async def piece_by_piece():
        for number in range(pieces):
            yield f"{number}\\n"
            await asyncio.sleep(0.2)
    return piece_by_piece()

skitai.mount("/", app)
"""


def pids(engine: EngineProcess, tries: int = 60) -> set[int]:
    """Ask on connections of their own, and return which workers answered."""
    found = set()
    for _ in range(tries):
        answer = engine.send(b"GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        found.add(json.loads(answer.partition(b"\r\n\r\n")[2])["pid"])
    return found


def test_every_worker_serves(start: Start) -> None:
    engine = start(APP, workers=3)
    assert len(engine.workers) == 3
    assert pids(engine, 200) == set(engine.workers)


def test_a_killed_worker_is_back_and_the_others_served_on(start: Start) -> None:
    engine = start(APP, workers=2)
    victim, other = engine.workers
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in engine.workers and len(engine.workers) == 2, 10)
    wait_until(lambda: len(pids(engine, 40)) == 2, 20)
    assert other in engine.workers
    assert "was killed by SIGKILL; starting it again" in engine.output
    assert engine.stop() == 0


def test_a_crash_loop_ends_with_a_sentence(start: Start) -> None:
    engine = start(
        APP.replace(
            'skitai.mount("/", app)',
            """
from skitai.supervisor import Supervisor
Supervisor.crashes_allowed = 2

@app.mounted
def end_soon(was):
    threading.Timer(1.0, lambda: os._exit(7)).start()

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
        answers.append(httpx.get(f"{engine.url}{path}", timeout=20).text)

    threads = [threading.Thread(target=ask, args=(path,)) for path in ("/slow?seconds=1.5", "/stream?pieces=6")]
    for thread in threads:
        thread.start()
    wait_until(lambda: engine.output.count("BEGUN") == 2, 10)
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
    wait_until(lambda: "BEGUN" in engine.output, 10)
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
        with httpx.Client(base_url=engine.url, timeout=5) as client:  # one connection, kept alive from answer to answer
            while not stopping.is_set():
                try:
                    assert client.get("/pid").status_code == 200
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


def test_ctrl_c_reaches_everybody_and_ends_quietly(start: Start) -> None:
    engine = start(APP, workers=2)
    os.killpg(engine.process.pid, signal.SIGINT)
    assert engine.process.wait(10) == 0
    assert "Traceback" not in engine.output


def test_a_second_signal_does_not_wait(start: Start) -> None:
    engine = start(APP, stop_timeout=30.0)
    thread = threading.Thread(target=_ask_and_lose, args=(f"{engine.url}/slow?seconds=20",))
    thread.start()
    wait_until(lambda: "BEGUN" in engine.output, 10)
    engine.tell(signal.SIGTERM)
    time.sleep(0.3)
    assert engine.stop(signal.SIGTERM, timeout=3) == 0
    thread.join()


def test_a_hook_that_fails_while_mounting_is_told(start: Start) -> None:
    engine = start(
        """
@app.mounted
def broken(was):
    raise ValueError("no table of users")
skitai.mount("/", app)
""",
        ready=False,
    )
    assert engine.process.wait(20) == 1
    assert "ValueError: no table of users" in engine.output
    assert "a worker could not start" in engine.output


def test_without_threads_plain_handlers_run_on_the_loop(start: Start) -> None:
    engine = start(
        APP + '\n@app.route("/thread")\ndef thread(was):\n    return threading.current_thread().name\n', threads=0
    )
    assert httpx.get(f"{engine.url}/thread").text == "MainThread"


def test_where_ports_are_not_shared_the_old_worker_stops_first(start: Start) -> None:
    engine = start("from skitai import listening\nlistening.INHERITED = False\n" + APP)
    (before,) = engine.workers
    engine.tell(signal.SIGHUP)
    wait_until(lambda: before not in engine.workers and len(engine.workers) == 1, 10)
    wait_until(lambda: _answers(engine), 10)
    assert engine.stop() == 0


def _answers(engine: EngineProcess) -> bool:
    try:
        return httpx.get(f"{engine.url}/pid").status_code == 200
    except httpx.TransportError:
        return False


def test_tls_on_both_ports(start: Start, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    body = """
from contracts.photos.v1 import photos_pb2 as pb
from pathlib import Path

@app.route("/contracts.photos.v1.PhotoService/Get")
def Get(was, request):
    return pb.Photo(id=request.id)
"""
    engine = start(body + APP, key=Files(key), certificate=Files(certificate))
    trusted = ssl.create_default_context(cafile=str(certificate))
    with httpx.Client(http2=True, verify=trusted) as client:
        answer = client.get(f"https://127.0.0.1:{engine.port}/pid")
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{engine.port + 1}", credentials) as channel:
        get = PhotoServiceStub(channel).Get  # type: ignore[no-untyped-call]  # generated
        assert get(pb.GetRequest(id=7), timeout=5).id == 7


class Files:
    """A path as the source text of a script names it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Path({str(self.path)!r})"
