"""Chapter 12, first half: who may open a WebSocket, and how one ends."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

import pytest

from atila import Atila, Was
from atila.websocket.design import WS_SIMPLE
from tests.documented.conftest import ClientOf
from tests.documented.digests import challenges, digest, people
from tests.documented.sockets import end_of, refused


@pytest.mark.row("12.13")
def test_a_plain_get(client_of: ClientOf, app: Atila) -> None:
    app.route("/websocket")(app.websocket()(lambda was, message: message))
    client = client_of(app)
    answer = client.get("/websocket")
    assert (answer.status_code, answer.data["more_info"]) == (400, "parameter `message` is missing")
    answer = client.get("/websocket?message=x")
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")


@pytest.mark.row("12.14")
def test_origins(client_of: ClientOf, app: Atila) -> None:
    app.route("/own")(app.websocket()(lambda was, message: message))
    shared = app.route("/shared", access_control_allow_origin=["https://app.example"])
    shared(app.websocket()(lambda was, message: message))
    client = client_of(app)
    assert refused(client, "/own", headers={"Origin": "https://evil.example"}).status_code == 403
    assert refused(client, "/shared", headers={"Origin": "https://evil.example"}).status_code == 403
    client.ws("/own", headers={"Origin": "http://testserver"}).close()
    client.ws("/own").close()
    client.ws("/shared", headers={"Origin": "https://app.example"}).close()


@pytest.mark.row("12.14")
def test_a_subprotocol_is_chosen(client_of: ClientOf, app: Atila) -> None:
    app.route("/websocket")(app.websocket(subprotocols=["chat.v2", "chat.v1"])(lambda was, message: message))
    client = client_of(app)
    for offered, chosen in (
        (["chat.v1", "chat.v2"], "chat.v2"),
        (["chat.v1"], "chat.v1"),
        (["mqtt"], None),
        ([], None),
    ):
        with client.ws("/websocket", subprotocols=offered) as ws:
            assert ws.subprotocol == chosen


@pytest.fixture
def guarded(app: Atila) -> Atila:
    """An app whose sockets need a token, or a login."""
    app.securekey = "k" * 32

    @app.route("/in", authenticate="bearer")
    @app.websocket(WS_SIMPLE)
    def inside(was: Was, message: str) -> str:
        return str(was.request.user)

    @app.route("/first", authenticate="bearer")
    @app.websocket(WS_SIMPLE, 60, lambda was: f"hello {was.request.JWT['username']}", token_first=True)
    def first(was: Was, message: str) -> str:
        return message

    @app.login_handler
    def login(was: Was) -> Any:
        return None if was.request.get_header("x-key") else was.redirect("/login")

    @app.route("/login_first")
    @app.login_required
    @app.websocket()
    def login_first(was: Was, message: str) -> str:
        return message

    return app


@pytest.mark.row("12.14")
def test_guards_answer_the_handshake(client_of: ClientOf, guarded: Atila) -> None:
    client = client_of(guarded)
    answer = refused(client, "/in")
    assert (answer.status_code, "www-authenticate" in answer.headers) == (401, False)  # no browser asks a password
    assert answer.headers["x-request-id"]
    answer = refused(client, "/login_first")
    assert (answer.status_code, answer.headers["location"]) == (302, "/login")
    with client.ws("/login_first", headers={"X-Key": "1"}) as ws:
        ws.send("in")
        assert ws.receive() == "in"
    assert refused(client, "/nowhere").status_code == 404


@pytest.mark.row("12.14")
def test_a_bearer_token_in_the_head_or_as_a_subprotocol(client_of: ClientOf, guarded: Atila) -> None:
    token = guarded.tokens.encode({"username": "monk"})
    client = client_of(guarded)
    for options in ({"headers": {"Authorization": f"Bearer {token}"}}, {"subprotocols": ["bearer", token]}):
        with client.ws("/in", **options) as ws:
            ws.send("who")
            assert ws.receive() == "monk"
            assert ws.subprotocol == ("bearer" if "subprotocols" in options else None)
    assert refused(client, "/in", subprotocols=["bearer", "forged"]).status_code == 401


@pytest.mark.row("12.14")
def test_a_bearer_token_as_the_first_message(client_of: ClientOf, guarded: Atila) -> None:
    token = guarded.tokens.encode({"username": "monk"})
    client = client_of(guarded)
    with client.ws("/first") as ws:
        ws.send(token)
        ws.send("x")
        assert [ws.receive(), ws.receive()] == ["hello monk", "x"]
    for wrong in ("forged", b"\x00", "Bearer \n"):
        with client.ws("/first") as ws:
            ws.send(wrong)
            assert end_of(ws) == (1008, "no token, or one that is refused")
    guarded.config.websocket_token_timeout = 0.05
    with client.ws("/first") as ws:
        assert end_of(ws)[0] == 1008
    assert refused(client, "/first", headers={"Origin": "https://evil.example"}).status_code == 403
    assert len(guarded.sockets) == 0


@pytest.mark.row("12.14")
@pytest.mark.parametrize("scheme", ["basic", "digest"])
def test_a_password_is_asked_once(client_of: ClientOf, scheme: str) -> None:
    app = people()
    app.securekey = "k" * 32
    app.route("/", authenticate=scheme, methods=["GET"])(lambda was: "in")
    app.route("/ws", authenticate=scheme)(app.websocket()(lambda was, message: was.request.user.name))
    client = client_of(app)
    given = {"Authorization": "Basic " + base64.b64encode(b"plain:1234").decode()}
    if scheme == "digest":
        given = digest(challenges(client.get("/"))[0], "plain", "1234", "/ws")
    with client.ws("/ws", headers=given) as ws:
        for _ in range(3):
            ws.send("who")
            assert ws.receive() == "plain"
    assert refused(client, "/ws").status_code == 401


@pytest.mark.row("12.14")
def test_a_token_that_expires_ends_the_connection(
    client_of: ClientOf, guarded: Atila, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = guarded.tokens.encode({"username": "monk", "exp": int(time.time()) + 600})
    with client_of(guarded).ws("/in", headers={"Authorization": f"Bearer {token}"}) as ws:
        ws.send("x")
        assert ws.receive() == "monk"
        later = time.time() + 601
        monkeypatch.setattr(time, "time", lambda: later)
        ws.send("x")
        assert end_of(ws) == (1008, "token expired")


@pytest.mark.row("12.2")
def test_errors_of_handlers_close_with_a_code(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket()
    def websocket(was: Was, message: str) -> None:
        if message == "close":
            return was.websocket.close(4000, "enough")
        if message == "bug":
            raise KeyError(message)
        raise was.Error(message, "because")

    client = client_of(app)
    codes = {"400 Bad Request": 1007, "403 Forbidden": 1008, "500 Error": 1011, "bug": 1011, "close": 4000}
    for message, code in codes.items():
        with client.ws("/websocket") as ws:
            ws.send(message)
            found, reason = end_of(ws)
        assert found == code
        assert reason in ("because", "enough", "internal server error")


@pytest.mark.row("12.10")
def test_any_thread_may_close(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket()
    async def websocket(was: Was, message: str) -> None:
        threading.Timer(0.05, was.websocket.close, (4001, "from a thread")).start()

    with client_of(app).ws("/websocket") as ws:
        ws.send("x")
        assert end_of(ws) == (4001, "from a thread")


@pytest.mark.row("12.2")
def test_codes_and_reasons_that_cannot_be_sent(client_of: ClientOf, app: Atila) -> None:
    @app.route("/websocket")
    @app.websocket()
    def websocket(was: Was, message: str) -> str:
        for wrong in ((1005, ""), (1006, ""), (2999, ""), (1000, "x" * 124)):
            with pytest.raises(ValueError, match=r"no code|at most"):
                was.websocket.close(*wrong)
        return "ok"

    with client_of(app).ws("/websocket") as ws:
        ws.send("x")
        assert ws.receive() == "ok"


@pytest.mark.row("12.2")
def test_hooks_run_around_the_handshake_and_each_message(client_of: ClientOf, app: Atila) -> None:
    moments: list[str] = []
    app.before_request(lambda was: moments.append("before"))
    app.finish_request(lambda was: moments.append("finish"))
    app.teardown_request(lambda was: moments.append("teardown"))
    app.route("/websocket")(app.websocket()(lambda was, message: message))
    with client_of(app).ws("/websocket") as ws:
        assert moments == ["before", "finish", "teardown"]
        ws.send("x")
        ws.receive()
    assert moments == ["before", "finish", "teardown"] * 2


@pytest.mark.row("12.2")
def test_a_hook_that_answers_ends_the_connection(client_of: ClientOf, app: Atila) -> None:
    closed: list[bool] = []
    app.before_request(lambda was: was.Fault("503 Service Unavailable", "closed") if closed else None)
    app.route("/websocket")(app.websocket()(lambda was, message: message))
    client = client_of(app)
    with client.ws("/websocket") as ws:
        closed.append(True)
        ws.send("x")
        assert end_of(ws)[0] == 1008
    assert refused(client, "/websocket").status_code == 503
