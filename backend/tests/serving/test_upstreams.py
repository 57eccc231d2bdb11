"""Calls to upstreams from a real engine: side by side, whatever they speak and wherever they are made."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import grpc
import httpx
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from websockets.sync.server import serve

from tests.servers.redis import RedisServer
from tests.servers.upstream import Upstream, free_port

from .conftest import Start
from .engine_process import EngineProcess

APP = """
from grpc_health.v1 import health_pb2

for name, kind, member in {aliases!r}:
    app.alias(name, kind, member)

SQL = "SELECT pg_sleep(1), 'row' AS name"


def fire(was, names):
    calls = {{
        "http": lambda: was.get("@http/slow?seconds=1"),
        "post": lambda: was.post("@http/slow?seconds=1", {{}}),
        "xmlrpc": lambda: was.rpc("@books/RPC2").sleep(1),
        "grpc": lambda: was.grpc("@health/grpc.health.v1.Health").Check(health_pb2.HealthCheckRequest(service="slow")),
        "ws": lambda: was.ws("@chat/", "hello"),
        "redis": lambda: was.redis("@cache").blpop("nothing", timeout=1),
        "sql": lambda: was.db("@pg").execute(SQL),
    }}
    return [calls[name]() for name in names.split(",")]


@app.route("/plain")
def plain(was, names):
    return was.API(codes=[reply.status_code for reply in was.Tasks(fire(was, names))])


@app.route("/async")
async def asynchronous(was, names):
    tasks = await was.Tasks(fire(was, names)).settled()
    return was.API(codes=[reply.status_code for reply in tasks])


@app.route("/template")
def template(was, names):
    was.g.calls = fire(was, names)
    return was.render("codes.html")


@app.route("/futures")
def futures(was, names):
    def respond(was, replies):
        return was.API(codes=[reply.status_code for reply in replies])

    return was.Futures(fire(was, names)).then(respond)


skitai.mount("/", app)
"""
TEMPLATE = """
{"codes": [{% for call in was.g.calls %}{{ call.dispatch().status_code }}{{ "" if loop.last else "," }}{% endfor %}]}
"""
MIXES = ("http,post,sql", "xmlrpc,grpc,ws,redis", "sql,sql,sql")


class Books(ThreadingMixIn, SimpleXMLRPCServer):
    """The standard library's XML-RPC server, a thread for each call."""

    daemon_threads = True


class SlowHealth(health.HealthServicer):
    """The official health service; asked for "slow" it takes a second."""

    def Check(self, request: Any, context: Any) -> Any:
        if request.service == "slow":
            time.sleep(1)
            return health_pb2.HealthCheckResponse(status="SERVING")
        return super().Check(request, context)


@pytest.fixture
def grpc_port() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(8))
    health_pb2_grpc.add_HealthServicer_to_server(SlowHealth(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


@pytest.fixture
def books_port() -> Iterator[int]:
    with Books(("127.0.0.1", 0), logRequests=False, allow_none=True) as server:
        server.register_function(lambda seconds: time.sleep(seconds), "sleep")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@pytest.fixture
def chat_port() -> Iterator[int]:
    def echo(connection: Any) -> None:
        for message in connection:
            time.sleep(1)
            connection.send(message)

    with serve(echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.socket.getsockname()[1]
        server.shutdown()


@pytest.fixture
def engine(
    start: Start,
    tmp_path: Any,
    upstream: Upstream,
    redis_server: RedisServer,
    postgresql_url: str,
    grpc_port: int,
    books_port: int,
    chat_port: int,
) -> EngineProcess:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "codes.html").write_text(TEMPLATE)
    aliases = [
        ("@http", "http", upstream.address),
        ("@books", "http", f"127.0.0.1:{books_port}"),
        ("@health", "http", f"127.0.0.1:{grpc_port}"),
        ("@chat", "ws", f"127.0.0.1:{chat_port}"),
        ("@cache", "redis", f":{redis_server.password}@127.0.0.1:{redis_server.port}"),
        ("@pg", "postgresql", postgresql_url),
    ]
    return start(APP.format(aliases=aliases), threads=2)


@pytest.mark.row("11.1", "11.14", "11.16", "11.17", "11.18", "11.19", "11.29", "11.30")
def test_calls_of_one_second_take_one_second_together(engine: EngineProcess) -> None:

    def ask(path: str, names: str) -> None:
        started = time.monotonic()
        answer = httpx.get(f"{engine.url}{path}", params={"names": names}, timeout=20)
        took = time.monotonic() - started
        assert (path, names, set(answer.json()["codes"])) == (path, names, {200})
        assert 0.9 < took < 2.6, (path, names, took)  # one after the other they take three and more

    httpx.get(f"{engine.url}/async", params={"names": "http,xmlrpc,grpc,ws,redis"}, timeout=20)  # loads the packages
    with ThreadPoolExecutor(2) as clients:
        for paths in (("/plain", "/async"), ("/template", "/futures")):
            for names in MIXES:
                list(clients.map(ask, paths, (names, names)))


@pytest.mark.row("11.30")
def test_an_engine_that_stops_lets_futures_answer(engine: EngineProcess) -> None:
    with ThreadPoolExecutor(1) as clients:
        running = clients.submit(httpx.get, f"{engine.url}/futures", params={"names": "http,sql"}, timeout=20)
        time.sleep(0.4)
        assert engine.stop() == 0
        assert running.result().json() == {"codes": [200, 200]}


@pytest.mark.row("11.30")
def test_futures_leave_their_thread_to_others(engine: EngineProcess) -> None:
    """Two threads serve twelve requests that wait a second each."""
    started = time.monotonic()
    with ThreadPoolExecutor(12) as clients:
        answers = list(
            clients.map(lambda _: httpx.get(f"{engine.url}/futures", params={"names": "http"}, timeout=20), range(12))
        )
    assert [answer.status_code for answer in answers] == [200] * 12
    assert time.monotonic() - started < 4.5  # six seconds, if each held a thread


OURSELVES = """
from contracts.photos.v1 import photos_pb2

port, grpc_port = int(sys.argv[1]), {grpc_port}
app.alias("@http", "http", f"127.0.0.1:{{port}}")
app.alias("@grpc", "http", f"127.0.0.1:{{grpc_port}}")
app.alias("@socket", "ws", f"127.0.0.1:{{port}}")
service = Atila("service")


@app.route("/sum")
def add(was, a: int, b: int):
    return was.API(n=a + b)


@app.route("/echo")
@app.websocket(skitai.WS_SIMPLE, timeout=10)
def echo(was, message):
    return "got " + message


@service.route("/Get")
def Get(was, request):
    def respond(was, replies):
        return photos_pb2.Photo(id=request.id, title=str(replies[0].data["n"]))

    return was.Futures([was.get("@http/sum", {{"a": 1, "b": request.id}})]).then(respond)


@app.route("/all")
def everything(was):
    photo = was.grpc("@grpc/contracts.photos.v1.PhotoService").Get(photos_pb2.GetRequest(id=7))
    calls = [was.rpc("@http/").sum(1, 2), was.jsonrpc("@http/").sum(a=3, b=4), was.get("@http/sum", {{"a": 5, "b": 6}})]
    said = was.ws("@socket/echo", "hello")
    return was.API(sums=[data["n"] for data in was.Tasks(calls).fetch()], said=said.fetch(), title=photo.fetch().title)


skitai.mount("/", app)
skitai.mount("/contracts.photos.v1.PhotoService", service)
"""


@pytest.mark.row("11.16", "11.17", "11.30")
def test_an_engine_calls_itself_over_every_wire(start: Start) -> None:
    grpc_port = free_port()
    engine = start(OURSELVES.format(grpc_port=grpc_port), grpc_port=grpc_port, threads=4)
    assert httpx.get(f"{engine.url}/all", timeout=20).json() == {"sums": [3, 7, 11], "said": "got hello", "title": "8"}
