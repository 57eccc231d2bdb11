"""The client that runs a script of the engine as a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import skitai
from atila.http.duplex import Closed
from atila.testing.sockets import RefusedError
from contracts.photos.v1 import photos_pb2 as pb
from tests.serving.engine_process import BACKEND, free_ports

SCRIPT = """
import skitai
from atila import Atila
from contracts.photos.v1 import photos_pb2 as pb

app = Atila(__name__)

@app.route("/")
def index(was, **form):
    was.cookie["seen"] = str(int(was.cookie.get("seen", "0")) + 1)
    return was.API(seen=was.cookie["seen"], **form)

@app.route("/apis/pets/<int:id>")
def pets(was, id):
    return was.API(id=id)

@app.route("/add")
def add(was, a: int, b: int):
    return a + b

@app.route("/go")
def go(was):
    return was.redirect("/?from=there")

@app.route("/talk")
@app.websocket(skitai.WS_SIMPLE, 60, lambda was: was.cookie.set("came", "1"), encoding="json", subprotocols=["talk"])
def talk(was, message, name):
    return [name, message]

photos = Atila("photos")

@photos.route("/Get")
def get(was, request):
    return pb.Photo(id=request.id, title=was.request.get_header("name"))

@photos.route("/Watch")
def watch(was, request):
    return iter([pb.PhotoChange(), pb.PhotoChange()])

skitai.mount("/", app)
skitai.mount("/contracts.photos.v1.PhotoService", photos)
if __name__ == "__main__":
    skitai.run(address="127.0.0.1", port={port})
"""


@pytest.mark.row("14.14", "14.15")
def test_a_script_is_served_and_called(tmp_path: Path) -> None:
    port = free_ports()
    script = tmp_path / "serve_it.py"
    script.write_text(SCRIPT.replace("{port}", str(port)))
    environment = {"PYTHONPATH": str(BACKEND)}
    with skitai.test_client(script, port, environment=environment) as client:
        assert client.get("/", {"a": "é"}).data == {"seen": "1", "a": "é"}
        assert client.post("/", json={"a": 1}).data == {"seen": "2", "a": 1}
        assert client.api().apis.pets(45).get().data == {"id": 45}
        assert client.get("/go", follow_redirects=True).data == {"seen": "3", "from": "there"}
        assert client.head("/").status_code == 200
        assert client.rpc("/").add(1, 2) == 3
        with skitai.test_client(script, port, dry=True) as other:
            assert other.get("/").data == {"seen": "1"}  # another browser
        assert "atila-test" in client.output
        stub = client.grpc("/contracts.photos.v1.PhotoService", name="hans")
        assert stub.Get(pb.GetRequest(id=7)) == pb.Photo(id=7, title="hans")
        assert list(stub.Watch(pb.WatchRequest())) == [pb.PhotoChange(), pb.PhotoChange()]
        with pytest.raises(AttributeError, match="Nothing"):
            stub.Nothing(pb.GetRequest())
    with pytest.raises(ConnectionError):
        client.get("/")


@pytest.mark.row("14.14")
def test_a_script_that_does_not_serve_says_why(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit('no such stone')\n")
    with pytest.raises(RuntimeError, match="no such stone"):
        skitai.test_client(script, free_ports()).open()


@pytest.mark.row("14.14")
def test_a_websocket_of_a_script(tmp_path: Path) -> None:
    port = free_ports()
    script = tmp_path / "serve_it.py"
    script.write_text(SCRIPT.replace("{port}", str(port)))
    with skitai.test_client(script, port, environment={"PYTHONPATH": str(BACKEND)}) as client:
        with client.ws("/talk", {"name": "monk"}, subprotocols=["talk"]) as ws:
            ws.send_json({"a": 1})
            assert ws.receive_json() == ["monk", {"a": 1}]
            assert (ws.subprotocol, client.cookies["came"]) == ("talk", "1")
            ws.send("{")
            with pytest.raises(Closed) as caught:
                ws.receive()
        assert caught.value.code == 1007
        with pytest.raises(RefusedError) as refused:
            client.ws("/talk")
        assert refused.value.answer.data["more_info"] == "parameter `name` is missing"
