"""Chapter 12, first half: WebSockets."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import skitai
from atila import Atila, RouteError, Was
from atila.websocket.design import WS_FAST, WS_GROUPCHAT, WS_NQ, WS_SIMPLE, WS_THREADSAFE
from tests.documented.conftest import ClientOf
from tests.documented.sockets import refused


@pytest.mark.row("12.1", "12.2", "12.5")
@pytest.mark.parametrize("design", [WS_SIMPLE, WS_THREADSAFE, WS_SIMPLE | WS_NQ, WS_THREADSAFE | WS_FAST])
def test_what_a_handler_returns_is_sent(client_of: ClientOf, app: Atila, design: int) -> None:
    @app.route("/websocket")
    @app.websocket(design, 1200)
    def websocket(was: Was, message: str) -> str | None:
        return "you said: " + message if message else None

    with client_of(app).ws("/websocket") as ws:
        ws.send("hello")
        assert ws.receive() == "you said: hello"
        ws.send("")
        ws.send("again")
        assert ws.receive() == "you said: again"


@pytest.mark.row("12.1")
def test_async_handlers_and_functions(client_of: ClientOf, app: Atila) -> None:
    async def onopen(was: Was) -> str:
        return "welcome"

    @app.route("/websocket")
    @app.websocket(onopen=onopen)
    async def websocket(was: Was, message: str) -> str:
        was.websocket.send("one")
        return "two"

    with client_of(app).ws("/websocket") as ws:
        ws.send("go")
        assert [ws.receive() for _ in range(3)] == ["welcome", "one", "two"]


@pytest.mark.row("12.1")
def test_a_wrong_declaration_fails_when_it_is_made(app: Atila) -> None:
    def handler(was: Was, message: str) -> None: ...

    for wrong in ({"spec": 3}, {"encoding": "yaml"}, {"timeout": -1}, {"timeout": "60"}, {"subprotocols": "chat"}):
        with pytest.raises(RouteError):
            app.websocket(**wrong)
    with pytest.raises(RouteError, match="names the room"):
        app.websocket(WS_GROUPCHAT)(handler)
    with pytest.raises(RouteError, match="is the message"):
        app.websocket()(lambda was: None)
    app.route("/grpc")(app.websocket(encoding="grpc")(handler))
    with pytest.raises(RouteError, match="protobuf"):
        app.build()


@pytest.mark.row("12.3")
def test_functions_for_opening_and_closing(client_of: ClientOf, app: Atila) -> None:
    moments: list[str] = []

    def onopen(was: Was) -> str:
        moments.append(f"opened {was.request.path} {threading.current_thread().name[:4]}")
        return "welcome"

    def onclose(was: Was) -> None:
        moments.append(f"closed {was.websocket.client_id}")

    @app.route("/websocket")
    @app.websocket(WS_SIMPLE, 1200, onopen, onclose)
    def websocket(was: Was, message: str) -> str:
        return str(was.websocket.client_id)

    with client_of(app).ws("/websocket") as ws:
        assert ws.receive() == "welcome"
        ws.send("who")
        client_id = str(ws.receive())
    assert moments == ["opened /websocket test", f"closed {client_id}"]


@pytest.mark.row("12.3")
def test_an_error_while_opening_refuses_and_one_while_closing_is_logged(
    client_of: ClientOf, app: Atila, caplog: pytest.LogCaptureFixture
) -> None:
    def onopen(was: Was) -> None:
        raise was.Error("409 Conflict", "one connection each")

    def onclose(was: Was) -> None:
        raise RuntimeError("too late")

    app.route("/full")(app.websocket(WS_SIMPLE, 60, onopen)(lambda was, message: message))
    app.route("/late")(app.websocket(WS_SIMPLE, 60, None, onclose)(lambda was, message: message))
    client = client_of(app)
    assert refused(client, "/full").data["more_info"] == "one connection each"
    client.ws("/late").close()
    assert "too late" in caplog.text


@pytest.mark.row("12.4")
def test_parameters_of_the_query_are_arguments(client_of: ClientOf, app: Atila) -> None:
    def onopen(was: Was) -> str:
        return f"opened with {was.request.ARGS['option']}"

    @app.route("/websocket")
    @app.websocket(WS_THREADSAFE, 1200, onopen)
    def websocket(was: Was, message: str, option: int = 1) -> str:
        return message * option

    client = client_of(app)
    with client.ws("/websocket?option=2") as ws:
        ws.send("ab")
        assert [ws.receive(), ws.receive()] == ["opened with 2", "abab"]
    assert refused(client, "/websocket?option=x").data["code"] == 40050
    assert refused(client, "/websocket?option=1&more=1").data["more_info"] == "parameter `more` is unknown"


@pytest.mark.row("12.4")
def test_parameters_of_the_path_are_arguments_too(client_of: ClientOf, app: Atila) -> None:
    @app.route("/rooms/<int:id>")
    @app.websocket()
    def room(was: Was, message: str, id: int, **more: Any) -> str:
        return f"{message} {id + 1} {more}"

    with client_of(app, "/sub").ws("/sub/rooms/6?a=1") as ws:
        ws.send("x")
        assert ws.receive() == "x 7 {'a': '1'}"


@pytest.mark.row("12.5")
def test_the_designs_have_the_documented_numbers() -> None:
    named = (skitai.WS_SIMPLE, skitai.WS_GROUPCHAT, skitai.WS_THREADSAFE, skitai.WS_NQ, skitai.WS_FAST)
    assert named == (1, 5, 6, 128, 128)


@pytest.mark.row("12.5")
def test_any_thread_may_send(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket(WS_THREADSAFE)
    def websocket(was: Was, message: str) -> None:
        def work(name: int) -> None:
            for number in range(50):
                was.websocket.send(f"{name} {number}")

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with client_of(app).ws("/websocket") as ws:
        ws.send("go")
        received = [str(ws.receive()).split() for _ in range(200)]
    for name in range(4):
        assert [int(number) for sender, number in received if sender == str(name)] == list(range(50))


@pytest.mark.row("12.6")
def test_without_a_queue_handlers_run_on_the_event_loop(client_of: ClientOf, app: Atila) -> None:
    def thread_name(was: Was, message: str) -> str:
        return threading.current_thread().name

    app.route("/queued")(app.websocket(WS_SIMPLE)(thread_name))
    app.route("/fast")(app.websocket(WS_SIMPLE | WS_NQ)(lambda was, message: threading.current_thread().name))
    client = client_of(app)
    names = []
    for path in ("/queued", "/fast"):
        with client.ws(path) as ws:
            ws.send("x")
            names.append(str(ws.receive()))
    assert names[0].startswith("test-")
    assert names[1] == threading.current_thread().name


@pytest.mark.row("12.8")
def test_a_room_hears_what_its_members_say(client_of: ClientOf, app: Atila) -> None:
    @app.route("/chat")
    @app.websocket(WS_GROUPCHAT, 60, lambda was: f"{was.wsclient()} came", lambda was: f"{was.wsclient()} left")
    def chat(was: Was, message: str, room_id: int) -> str | None:
        if message == "whisper":
            was.websocket.send("only you")
            return None
        return f"{was.wsclient()}: {message}"

    client = client_of(app)
    with client.ws("/chat?room_id=1") as ann, client.ws("/chat?room_id=1") as bob, client.ws("/chat?room_id=2") as cid:
        first = str(ann.receive()).split()[0]
        second = str(ann.receive()).split()[0]
        assert bob.receive() == f"{second} came"
        cid.receive()
        bob.send("hello")
        assert ann.receive() == bob.receive() == f"{second}: hello"
        ann.send("whisper")
        assert ann.receive() == "only you"
        bob.close()
        assert ann.receive() == f"{second} left"
        cid.send("alone")
        assert str(cid.receive()).endswith(": alone")
        assert first != second
    assert len(app.sockets) == 0
    assert refused(client, "/chat").data["more_info"] == "parameter `room_id` is missing"


@pytest.mark.row("12.8")
def test_rooms_of_two_routes_are_two(client_of: ClientOf, app: Atila) -> None:
    for path in ("/a", "/b"):
        app.route(path)(app.websocket(WS_GROUPCHAT, encoding="json")(lambda was, message, room: [message]))
    client = client_of(app)
    with client.ws("/a?room=1") as a, client.ws("/b?room=1") as b:
        b.send_json(1)
        assert b.receive_json() == [1]
        a.send_json(2)
        assert a.receive_json() == [2]


@pytest.mark.row("12.9")
def test_a_handler_that_is_asked_what_it_wants(client_of: ClientOf, app: Atila) -> None:
    events: list[str] = []

    @app.route("/websocket")
    def websocket(was: Was, message: str, option: str = "x") -> Any:
        if was.wsinit():
            return was.wsconfig(skitai.WS_SIMPLE, 60, "json")
        if was.wsopened():
            return "WELCOME"
        if was.wsclosed():
            events.append(f"closed {was.wsclient() == was.websocket.client_id}")
        if was.wshasevent():
            return None
        return [message, option]

    client = client_of(app)
    with client.ws("/websocket?option=y") as ws:
        assert ws.receive_json() == "WELCOME"
        ws.send_json("a")
        assert ws.receive_json() == ["a", "y"]
    assert events == ["closed True"]


@pytest.mark.row("12.9")
def test_a_handler_that_gives_no_configuration_refuses(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    async def websocket(was: Was, message: str, key: str = "") -> Any:
        if was.wsinit() and key:
            return was.wsconfig(skitai.WS_SIMPLE)
        if was.wsinit():
            raise was.Error("403 Forbidden", "no key")
        return "ok" if was.wshasevent() else None

    client = client_of(app)
    assert refused(client, "/websocket").status_code == 403
    with client.ws("/websocket?key=1") as ws:
        assert ws.receive() == "ok"


@pytest.mark.row("12.9")
def test_outside_a_websocket_there_is_none(client_of: ClientOf, app: Atila) -> None:
    @app.route("/")
    def index(was: Was) -> Any:
        with pytest.raises(RuntimeError, match=r"app\.websocket_send"):
            was.websocket.send("x")
        return "ok"

    assert client_of(app).get("/").text == "ok"


@pytest.mark.row("12.10")
def test_many_messages_per_call(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket()
    def websocket(was: Was, message: str) -> str:
        for letter in message:
            was.websocket.send(letter)
        return "end"

    with client_of(app).ws("/websocket") as ws:
        ws.send("abc")
        assert [ws.receive() for _ in range(4)] == ["a", "b", "c", "end"]


@pytest.mark.row("12.11")
def test_client_ids_are_numbers_that_nobody_else_has(client_of: ClientOf, app: Atila) -> None:
    app.route("/websocket")(
        app.websocket(encoding="json", onopen=lambda was: was.websocket.client_id)(lambda was, m: m)
    )
    client = client_of(app)
    with client.ws("/websocket") as one, client.ws("/websocket") as two:
        ids = one.receive_json(), two.receive_json()
    assert ids[0] != ids[1]
    assert all(isinstance(each, int) and 0 < each < 2**53 for each in ids)


@pytest.mark.row("12.12")
def test_pushing_from_any_request(client_of: ClientOf, app: Atila) -> None:
    app.securekey = "k" * 32

    def onopen(was: Was) -> None:
        was.session.set("WS_ID", was.websocket.client_id)

    def onclose(was: Was) -> None:
        was.session.remove("WS_ID")

    @app.route("/websocket")
    @app.websocket(skitai.WS_SIMPLE | skitai.WS_FAST, 1200, onopen, onclose)
    def websocket(was: Was, message: str) -> str:
        return "you said: " + message

    @app.route("/item_in_stock")
    def item_in_stock(was: Was) -> str:
        app.websocket_send(was.session.get("WS_ID"), "Item In Stock!")
        return "told"

    client = client_of(app)
    with client.ws("/websocket") as ws:
        assert client.get("/item_in_stock").text == "told"
        assert ws.receive() == "Item In Stock!"
    app.websocket_send(1, "nobody has this id")
