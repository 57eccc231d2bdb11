"""The life of a test's client, and answers as they are."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from atila import Atila, Was
from atila.testing.answer import Answer
from atila.testing.rpc import GrpcStub

ADAPTERS = ("rsgi", "asgi")


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.route("/", methods=["GET", "POST"])(lambda was: was.API(name=threading.current_thread().name))
    return app


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("test-")]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_it_starts_and_stops_the_app_as_often_as_it_is_opened(app: Atila, adapter: Any) -> None:
    moments: list[str] = []
    app.mounted(lambda was: moments.append("mounted"))
    app.umounted(lambda wac: moments.append("umounted"))
    before = threads()
    client = app.test_client(adapter=adapter)
    client.close()  # it was not opened
    for _ in range(2):
        with client:
            client.open()  # once is enough
            assert client.get("/").data["name"].startswith("test-")
        client.close()
    assert client.get("/").status_code == 200  # a request opens it
    client.close()
    assert moments == ["mounted", "umounted"] * 3
    assert threads() == before


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_app_that_cannot_start_leaves_nothing_behind(app: Atila, adapter: Any) -> None:
    before = threads()
    app.before_mount(lambda wac: 1 / 0)
    with pytest.raises(ZeroDivisionError), app.test_client(adapter=adapter):
        pass  # it is not entered
    assert threads() == before
    app.before_mount(lambda wac: None)
    with app.test_client(adapter=adapter) as client:
        assert client.get("/").status_code == 200


def test_the_environment_chooses_the_adapter(app: Atila, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("asgi", "ASGI"), ("rsgi", "RSGI")):
        monkeypatch.setenv("ATILA_TEST_ADAPTER", name)
        assert type(app.test_client().adapter).__name__ == kind
    monkeypatch.delenv("ATILA_TEST_ADAPTER")
    assert type(app.test_client().adapter).__name__ == "RSGI"
    with pytest.raises(KeyError, match="wsgi"):
        app.test_client(adapter="wsgi")


def test_it_may_come_from_elsewhere(app: Atila, tmp_path: Any) -> None:
    app.route("/who", methods=["GET"])(lambda was: was.API(peer=was.request.peer, host=was.request.host))
    with app.test_client(peer="192.0.2.1", base_url="http://a.example:8000", approot=str(tmp_path)) as client:
        assert client.get("/who").data == {"peer": "192.0.2.1", "host": "a.example:8000"}
        assert client.get("http://a.example:8000/who").status_code == 200
    assert app.home == tmp_path


@pytest.mark.parametrize(("status", "headers", "content", "data", "redirected"), [
    (200, [("Content-Type", "application/json")], b'{"a":1}', {"a": 1}, False),
    (200, [("content-type", "application/problem+json")], b"[]", [], False),
    (200, [("content-type", "application/json")], b"", b"", False),
    (200, [("content-type", "text/plain")], b"{}", b"{}", False), (302, [("location", "/x")], b"", b"", True),
    (302, [], b"", b"", False), (201, [("location", "/x")], b"x", b"x", False), (799, [], b"x", b"x", False),
])  # fmt: skip
def test_an_answer(status: int, headers: Any, content: bytes, data: object, redirected: bool) -> None:
    answer = Answer(status, headers, content)
    assert (answer.data, answer.redirected, answer.text) == (data, redirected, content.decode())
    assert answer.reason == {200: "OK", 201: "Created", 302: "Found"}.get(status, "")
    assert repr(answer) == f"Answer({status}, {content!r})"


def test_a_grpc_stub_knows_only_what_is_described(app: Atila) -> None:
    @app.route("/Get")
    def get(was: Was, request: Any) -> None:
        return None

    with app.test_client("/contracts.photos.v1.PhotoService") as client:
        stub = client.grpc("/contracts.photos.v1.PhotoService")
        assert isinstance(stub, GrpcStub)
        with pytest.raises(
            AttributeError, match=r"no imported \*_pb2 module has a method /contracts.photos.v1.PhotoService/Nothing"
        ):
            stub.Nothing(None)
