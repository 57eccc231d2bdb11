"""Every log line that is written for a request has its id, whoever writes it and wherever it runs."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import httpx
import pytest

from contracts.photos.v1 import photos_pb2 as pb
from contracts.photos.v1.photos_pb2_grpc import PhotoServiceStub

from .conftest import Start
from .engine_process import EngineProcess, wait_until

APP = """
import logging
app.config.log_tasks = "log-tasks" in sys.argv
from contracts.photos.v1 import photos_pb2 as pb

log = logging.getLogger("shop.deep")

def deep():
    log.warning("said deep down")

@app.before_request
def before(was):
    log.warning("said before")

@app.route("/plain")
def plain(was):
    deep()
    return "x"

@app.route("/async")
async def later(was):
    await asyncio.sleep(0.02)
    deep()
    return "x"

@app.route("/stream")
def stream(was):
    def pieces():
        for number in range(2):
            deep()
            yield "x"
    return pieces()

@app.route("/astream")
async def astream(was):
    async def pieces():
        for number in range(2):
            await asyncio.sleep(0.01)
            deep()
            yield "x"
    return pieces()

@app.route("/tasks")
async def tasks(was):
    async def child():
        await asyncio.sleep(0.01)
        deep()
    await asyncio.gather(child(), child(), asyncio.to_thread(deep))
    return "x"

@app.route("/fails")
def fails(was):
    raise ValueError("broken")

@app.route("/add")
def add(was, a: int, b: int):
    deep()
    return a + b

@app.route("/contracts.photos.v1.PhotoService/Get")
def Get(was, request):
    deep()
    return pb.Photo(id=request.id)

skitai.mount("/", app)
"""


@pytest.fixture
def engine(start: Start) -> EngineProcess:
    return start(APP, log_format="json", workers=1)


def lines(engine: EngineProcess, request_id: str, message: str) -> list[dict[str, object]]:
    found = []
    for line in engine.output.splitlines():
        entry = json.loads(line)
        if entry.get("request_id") == request_id and message in entry.get("message", ""):
            found.append(entry)
    return found


@pytest.mark.parametrize(("path", "times"), [("/plain", 1), ("/async", 1), ("/stream", 2), ("/astream", 2)])
def test_any_logger_names_the_request(engine: EngineProcess, path: str, times: int) -> None:
    ids = [httpx.get(f"{engine.url}{path}").headers["x-request-id"] for _ in range(2)]
    for request_id in ids:
        wait_until(lambda found=request_id: len(lines(engine, found, "deep down")) == times, 5)  # type: ignore[misc]  # a default
        assert len(lines(engine, request_id, "said before")) == 1


def test_a_traceback_and_the_access_line_name_it_too(engine: EngineProcess) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = httpx.get(f"{engine.url}/fails", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.status_code == 500
    request_id = answer.headers["x-request-id"]
    (failed,) = lines(engine, request_id, "broken")
    assert "ValueError: broken" in str(failed["traceback"])
    assert failed["trace_id"] == trace
    wait_until(lambda: '"path":"/fails"' in engine.output, 5)
    (access,) = [json.loads(line) for line in engine.output.splitlines() if '"path":"/fails"' in line]
    assert (access["request_id"], access["trace_id"], access["status"]) == (request_id, trace, 500)


def test_calls_of_other_protocols_name_it(engine: EngineProcess) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "add", "params": [1, 2]}
    answer = httpx.post(engine.url, json=call, headers={"content-type": "application/json-rpc"})
    assert answer.json()["result"] == 3
    assert len(lines(engine, answer.headers["x-request-id"], "deep down")) == 1
    with grpc.insecure_channel(f"127.0.0.1:{engine.port + 1}") as channel:
        get = PhotoServiceStub(channel).Get  # type: ignore[no-untyped-call]  # generated
        assert get(pb.GetRequest(id=7), timeout=5).id == 7
    (access,) = [json.loads(line) for line in engine.output.splitlines() if '"protocol":"grpc"' in line]
    assert len(lines(engine, access["request_id"], "deep down")) == 1


def test_two_requests_at_once_are_not_mixed_up(engine: EngineProcess) -> None:
    with httpx.Client(base_url=engine.url) as client:
        ids = {client.get("/async").headers["x-request-id"] for _ in range(10)}
    assert len(ids) == 10
    assert all(len(lines(engine, request_id, "deep down")) == 1 for request_id in ids)


def test_tasks_of_a_handler_name_it_where_that_is_wanted(start: Start, tmp_path: Path) -> None:
    for arguments, times in (((), 0), (("log-tasks",), 3)):
        engine = start(APP, log_format="json", arguments=arguments)
        with httpx.Client(base_url=engine.url) as client:
            ids = [client.get("/tasks").headers["x-request-id"] for _ in range(3)]
        wait_until(lambda found=engine: found.output.count("deep down") == 9, 5)  # type: ignore[misc]  # a default
        assert [len(lines(engine, request_id, "deep down")) for request_id in ids] == [times] * 3
        assert engine.stop() == 0
