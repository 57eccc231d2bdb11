"""Chapter 12, first half: messages in every encoding."""

from __future__ import annotations

from typing import Any

import pytest

import skitai
from atila import Atila, Was
from atila.websocket.design import WS_SIMPLE
from contracts.photos.v1 import photos_pb2 as pb
from tests.documented.conftest import ClientOf
from tests.documented.sockets import end_of


@pytest.mark.row("12.7")
def test_json(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket(WS_SIMPLE, 60, encoding=skitai.WS_MSG_JSON)
    def websocket(was: Was, message: Any) -> Any:
        return was.API(got=message) if message != "list" else [1, {"a": None}]

    client = client_of(app)
    with client.ws("/websocket") as ws:
        ws.send_json({"a": [1, 2]})
        ws.send('"list"')
        ws.send(b"1.5")
        assert [ws.receive_json() for _ in range(3)] == [{"got": {"a": [1, 2]}}, [1, {"a": None}], {"got": 1.5}]
        ws.send("{")
        assert end_of(ws)[0] == 1007


@pytest.mark.row("12.7")
def test_hints_check_messages(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket(encoding="json")
    def websocket(was: Was, message: dict[str, int]) -> Any:
        return sum(message.values())

    client = client_of(app)
    with client.ws("/websocket") as ws:
        ws.send_json({"a": 1, "b": 2})
        assert ws.receive_json() == 3
        ws.send_json({"a": "1"})
        code, reason = end_of(ws)
    assert code == 1007
    assert "message" in reason


@pytest.mark.row("12.7")
def test_text_and_binary(client_of: ClientOf, app: Atila) -> None:
    app.route("/text")(app.websocket()(lambda was, message: message))
    app.route("/binary")(app.websocket(encoding=skitai.WS_MSG_BINARY)(lambda was, message: message + b"!"))

    @app.route("/words")
    @app.websocket(encoding=skitai.WS_MSG_TEXT)
    def words(was: Was, message: str) -> Any:
        return {"number": 7, "object": {"a": 1}}[message]

    client = client_of(app)
    with client.ws("/text") as ws:
        ws.send("é")
        ws.send(b"\xff")
        assert [ws.receive(), ws.receive()] == ["é", b"\xff"]
    with client.ws("/words") as ws:
        ws.send("number")
        ws.send("object")
        assert [ws.receive(), ws.receive()] == ["7", '{"a":1}']
        ws.send(b"bytes")
        assert end_of(ws)[0] == 1007
    with client.ws("/binary") as ws:
        ws.send(b"\x00")
        assert ws.receive() == b"\x00!"
        ws.send("text")
        assert end_of(ws) == (1007, "binary messages are expected")


@pytest.mark.row("12.7")
def test_xmlrpc(client_of: ClientOf, app: Atila) -> None:
    import xmlrpc.client

    app.route("/websocket")(app.websocket(encoding=skitai.WS_MSG_XMLRPC)(lambda was, message: {"got": message}))
    client = client_of(app)
    with client.ws("/websocket") as ws:
        for arguments in ((7,), ("a", [1, b"x"])):
            ws.send(xmlrpc.client.dumps(arguments, "tell"))
            answer = xmlrpc.client.loads(str(ws.receive()), use_builtin_types=True)[0][0]
            assert answer == {"got": arguments[0] if len(arguments) == 1 else list(arguments)}
        ws.send("<methodCall>")
        assert end_of(ws)[0] == 1007


@pytest.mark.row("12.7")
def test_protobuf(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket(encoding=skitai.WS_MSG_GRPC)
    def websocket(was: Was, message: pb.GetRequest) -> pb.GetRequest:
        return pb.GetRequest(id=message.id + 1)

    client = client_of(app)
    with client.ws("/websocket") as ws:
        ws.send(pb.GetRequest(id=7).SerializeToString())
        assert pb.GetRequest.FromString(bytes(ws.receive())).id == 8  # type: ignore[arg-type]  # it is binary
        ws.send(b"\xff\xff")
        assert end_of(ws)[0] == 1007


@pytest.mark.row("12.7")
def test_a_result_without_a_form_closes_the_connection(client_of: ClientOf, app: Atila) -> None:
    app.route("/websocket")(app.websocket(encoding="json")(lambda was, message: object()))
    app.route("/binary")(app.websocket(encoding="binary")(lambda was, message: "text"))
    client = client_of(app)
    for path in ("/websocket", "/binary"):
        with client.ws(path) as ws:
            ws.send(b"1")
            assert end_of(ws) == (1011, "")
