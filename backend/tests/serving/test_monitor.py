"""The port that Prometheus reads: the numbers of all workers, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import socket
import threading
import xmlrpc.client
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import grpc
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .conftest import Start
from .engine_process import EngineProcess, free_ports, wait_until

APP = """
sold = None

@app.before_mount
def prepare(wac):
    global sold
    sold = wac.platform.metrics.counter("shop_sold_total", "What was sold", "fruit")

@app.route("/pid/<int:number>")
async def pid(was, number):
    return was.API(pid=os.getpid())

@app.route("/buy")
def buy(was):
    sold.add("apples", amount=2)
    was.metrics.histogram("shop_wait_seconds", "Waits").observe(0.2)
    return "thanks"

@app.route("/slow")
def slow(was):
    while not os.path.exists("go"):
        time.sleep(0.02)
    return "done"

skitai.mount("/shop", app)
"""
Labels = tuple[tuple[str, str], ...]


def numbers(port: int) -> dict[tuple[str, Labels], float]:
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def answered(found: dict[tuple[str, Labels], float], **wanted: str) -> float:
    """How many answers there were whose labels are these."""
    return sum(
        value for (name, labels), value in found.items()
        if name == "atila_request_seconds_count" and wanted.items() <= dict(labels).items()
    )  # fmt: skip


def ask(engine: EngineProcess, path: str, times: int) -> set[int]:
    """Ask on a new connection each time; return the statuses."""

    def one(_: int) -> int:
        return httpx.get(f"{engine.url}{path}", timeout=20).status_code

    with ThreadPoolExecutor(4) as pool:
        return set(pool.map(one, range(times)))


def test_answers_of_all_workers_are_counted_by_route_status_and_protocol(start: Start) -> None:
    port = free_ports()
    engine = start(APP, workers=2, metrics_port=port)
    assert ask(engine, "/shop/pid/7", 24) == {200}
    assert ask(engine, "/shop/pid/x", 3) == {404}
    assert ask(engine, "/shop/buy", 5) == {200}
    found = numbers(port)
    assert answered(found, route="/shop/pid/<int:number>", method="GET", status="200", protocol="http") == 24
    assert answered(found, status="404", route="") == 3
    assert found[("shop_sold_total", (("fruit", "apples"),))] == 10
    assert found[("shop_wait_seconds_bucket", (("le", "0.25"),))] == 5
    assert found[("atila_workers", ())] == 2
    assert found[("atila_websockets", (("worker", "1"),))] == 0
    assert {dict(labels)["worker"] for name, labels in found if name == "atila_worker_memory_bytes"} == {"1", "2"}
    assert all(found[("atila_threads", (("worker", worker),))] == 4 for worker in "12")


def test_threads_and_queue_are_seen_while_they_are_busy(start: Start, tmp_path: Path) -> None:
    port = free_ports()
    engine = start(APP, threads=2, metrics_port=port)
    asking = [threading.Thread(target=ask, args=(engine, "/shop/slow", 1)) for _ in range(3)]
    for thread in asking:
        thread.start()

    def state() -> tuple[float, float]:
        found = numbers(port)
        return found[("atila_threads_busy", (("worker", "1"),))], found[("atila_queue_length", (("worker", "1"),))]

    wait_until(lambda: state() == (2, 1), 15)
    (tmp_path / "go").touch()
    for thread in asking:
        thread.join()
    assert state() == (0, 0)


def test_no_count_goes_back_when_workers_are_replaced_or_killed(start: Start) -> None:
    port = free_ports()
    engine = start(APP, workers=2, metrics_port=port)
    ask(engine, "/shop/pid/1", 20)
    before = engine.workers
    engine.tell(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(engine.workers) and len(engine.workers) == 2, 20)
    assert answered(numbers(port), status="200") == 20
    ask(engine, "/shop/pid/1", 10)
    assert answered(numbers(port), status="200") == 30  # asked, so the main process knows it
    victim = engine.workers[0]
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: victim not in engine.workers and len(engine.workers) == 2, 10)
    found = numbers(port)
    assert answered(found, status="200") == 30
    assert found[("atila_workers_died_total", ())] == 1
    wait_until(lambda: numbers(port)[("atila_workers", ())] == 2, 10)
    assert engine.stop() == 0


def test_methods_that_clients_invent_make_no_series(start: Start) -> None:
    port = free_ports()
    engine = start(APP, metrics_port=port)
    for word in ("BREW", "PROPFIND", "X" * 50):
        engine.send(f"{word} /shop/buy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answered(numbers(port), method="other", status="501") == 3


def test_a_frozen_worker_does_not_hold_up_the_rest(start: Start) -> None:
    port = free_ports()
    engine = start(APP, workers=2, metrics_port=port)
    ask(engine, "/shop/pid/1", 8)
    assert answered(numbers(port)) == 8
    frozen = engine.workers[0]
    os.kill(frozen, signal.SIGSTOP)
    try:
        assert answered(numbers(port)) == 8
    finally:
        os.kill(frozen, signal.SIGCONT)


def test_the_port_answers_nothing_else_and_survives_nonsense(start: Start) -> None:
    port = free_ports()
    engine = start(APP, metrics_port=port)
    assert httpx.get(f"http://127.0.0.1:{port}/").status_code == 404
    assert httpx.post(f"http://127.0.0.1:{port}/metrics").status_code == 501
    with socket.create_connection(("127.0.0.1", port)) as odd:
        odd.sendall(b"\x16\x03\x01\0\0\r\n\r\n")
        with suppress(ConnectionResetError):
            odd.recv(1000)
    silent = socket.create_connection(("127.0.0.1", port))
    assert ("atila_workers", ()) in numbers(port)
    silent.close()
    assert engine.stop() == 0
    with pytest.raises(httpx.ConnectError):
        numbers(port)


def test_a_taken_port_is_one_sentence(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        engine = start(APP, ready=False, metrics_port=taken.getsockname()[1])
        assert engine.process.wait(20) == 1
    assert "choose another with metrics_port=" in engine.output
    assert engine.output.count("\n") == 1


UPSTREAMS = """
skitai.alias("@db", skitai.DB_SQLITE3, "shop.db")
skitai.alias("@self", skitai.PROTO_HTTP, f"127.0.0.1:{sys.argv[1]}")
skitai.alias("@nobody", skitai.PROTO_HTTP, "127.0.0.1:1")

@app.route("/hello")
async def hello(was):
    return was.API(trace=was.request.trace.id)

@app.route("/all")
def ask_all(was):
    number = was.db("@db").execute("SELECT 1 AS n").fetch()[0].n
    other = was.get("@nobody/x").dispatch().status_code
    return was.API(number=number, other=other, trace=was.get("@self/hello").fetch()["trace"])

skitai.mount("/", app)
"""


def test_pools_and_upstreams_are_seen_and_get_the_trace(start: Start) -> None:
    port = free_ports()
    engine = start(UPSTREAMS, metrics_port=port)
    trace = "0af7651916cd43dd8448eb211c80319c"
    told = httpx.get(f"{engine.url}/all", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"}, timeout=20).json()
    assert told == {"number": 1, "other": 701, "trace": trace}
    found = numbers(port)
    assert found[("atila_pool_connections", (("alias", "@db"), ("state", "idle"), ("worker", "1")))] == 1
    assert found[("atila_upstream_seconds_count", (("alias", "@self"), ("status", "200")))] == 1
    assert found[("atila_upstream_seconds_count", (("alias", "@nobody"), ("status", "701")))] == 1
    assert found[("atila_upstream_running", (("alias", "@self"), ("worker", "1")))] == 0


PROTOCOLS = """
from contracts.photos.v1 import photos_pb2 as pb
from skitai import WS_SIMPLE

@app.route("/echo")
@app.websocket(WS_SIMPLE, 60)
def echo(was, message):
    return message

@app.route("/add")
def add(was, a: int, b: int):
    return a + b

@app.route("/contracts.photos.v1.PhotoService/Get")
def Get(was, request):
    if request.id == 404:
        raise was.Error("404 Not Found")
    return pb.Photo(id=request.id)

skitai.mount("/", app)
"""


def test_every_protocol_is_counted_as_itself(start: Start) -> None:
    port = free_ports()
    engine = start(PROTOCOLS, metrics_port=port)
    with xmlrpc.client.ServerProxy(f"{engine.url}/") as server:
        assert server.add(1, 2) == 3
    call = {"jsonrpc": "2.0", "id": 1, "method": "add", "params": [1, 2]}
    httpx.post(engine.url, json=call, headers={"content-type": "application/json-rpc"})
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        get = PhotoServiceStub(channel).Get  # type: ignore[no-untyped-call]  # generated
        assert get(pb.GetRequest(id=7), timeout=5).id == 7
        with pytest.raises(grpc.RpcError):
            get(pb.GetRequest(id=404), timeout=5)
    with connect(f"ws://127.0.0.1:{engine.port}/echo", proxy=None) as client:
        client.send("hello")
        assert client.recv(5) == "hello"
        assert numbers(port)[("atila_websockets", (("worker", "1"),))] == 1
    wait_until(lambda: answered(numbers(port), protocol="websocket") == 1, 5)
    found = numbers(port)
    assert answered(found, protocol="xmlrpc", route="/add", status="200") == 1
    assert answered(found, protocol="jsonrpc", route="/add", status="200") == 1
    photo = "/contracts.photos.v1.PhotoService/Get"
    assert answered(found, protocol="grpc", route=photo, status="200") == 1
    assert answered(found, protocol="grpc", route=photo, status="404") == 1
    assert answered(found, protocol="websocket", route="/echo") == 1
