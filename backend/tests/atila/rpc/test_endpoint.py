"""Where remote calls come in: which requests they are, who runs them, and what travels back beside the result."""

from __future__ import annotations

import base64
import threading
import xmlrpc.client as rpc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, Was
from atila.alias import DB_SQLITE3
from atila.http.request import Request
from atila.http.site import Job
from atila.testing.client import TestClient
from atila.testing.jsonrpc import JsonRpcError

XML = {"Content-Type": "text/xml"}
CALL = b'{"jsonrpc":"2.0","method":"who","id":1}'


@pytest.fixture
def app() -> Atila:
    """An app whose methods say where they run, and set cookies and header fields."""
    app = Atila("tests")
    app.securekey = "k" * 32

    @app.route("/who")
    async def who(was: Was) -> object:
        return was.API(thread=threading.current_thread().name, wire=was.request.wire, path=was.request.path)

    @app.route("/plain")
    def plain(was: Was, text: str = "") -> str:
        return threading.current_thread().name

    @app.route("/visit")
    def visit(was: Was) -> int:
        was.session["visits"] = was.session.get("visits", 0) + 1
        was.response.set_header("X-Visits", str(was.session["visits"]))
        was.response.set_header("Content-Type", "text/plain")
        return int(was.session["visits"])

    @app.route("/json", methods=["POST"])
    def json(was: Was) -> object:
        return was.API(sent=was.request.json())

    @app.route("/secret")
    @app.authorization_required("bearer")
    def secret(was: Was) -> str:
        return str(was.request.JWT["sub"])

    @app.route("/shared", access_control_allow_origin=["https://x.example"])
    def shared(was: Was) -> int:
        return 1

    return app


@pytest.fixture(params=["rsgi", "asgi"])
def cli(app: Atila, request: pytest.FixtureRequest) -> Iterator[TestClient]:
    with app.test_client("/rpc2", adapter=request.param) as client:
        yield client


@pytest.mark.row("12.15")
def test_async_handlers_run_on_the_loop_and_plain_ones_on_threads(cli: TestClient) -> None:
    for proxy, wire in ((cli.rpc("/rpc2"), "xmlrpc"), (cli.jsonrpc("/rpc2"), "jsonrpc")):
        caller: Any = proxy
        assert caller.who() == {"thread": "MainThread", "wire": wire, "path": "/rpc2/who"}
        assert caller.plain().startswith("test-")
        assert caller.plain("x" * 20_000).startswith("test-")  # a large body is read on a thread as well


def test_many_calls_of_both_kinds_are_one_request(cli: TestClient) -> None:
    many: Any = rpc.MultiCall(cli.rpc("/rpc2"))
    many.who()
    many.plain()
    many.nothing()
    results = many()
    assert (results[0]["thread"], results[1].startswith("test-")) == ("MainThread", True)
    with pytest.raises(rpc.Fault, match="no method nothing"):
        results[2]


@pytest.mark.row("12.18")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "takes one array"),
        (("x",), "takes one array"),
        (([{}] * 101,), "takes 100 calls at most, not 101"),
    ],
)
def test_a_multicall_that_is_none(cli: TestClient, arguments: Any, text: str) -> None:
    answer = cli.post("/rpc2", rpc.dumps(arguments, "system.multicall").encode(), headers=XML)
    with pytest.raises(rpc.Fault, match=text):
        rpc.loads(answer.text)


def test_a_call_of_a_multicall_that_is_none_has_a_fault_of_its_own(cli: TestClient) -> None:
    server: Any = cli.rpc("/rpc2")
    items = [{"methodName": "plain"}, 3, {"methodName": 1, "params": []}, {"methodName": "system.multicall"}]
    results = server.system.multicall([*items, {"methodName": "plain", "params": [1]}])
    assert len(results[0]) == 1
    assert [item["faultCode"] for item in results[1:]] == [400, 400, 400, 400]
    assert "`text` should be text" in results[4]["faultString"]


def test_cookies_and_header_fields_of_the_handlers_travel_back(cli: TestClient) -> None:
    server: Any = cli.jsonrpc("/rpc2")
    assert [server.visit(), server.visit()] == [1, 2]
    answer = cli.post("/rpc2", rpc.dumps((), "visit").encode(), headers=XML)
    assert answer.headers["x-visits"] == "3"
    assert answer.headers.get_all("content-type") == ["text/xml; charset=utf-8"]
    batch = [{"jsonrpc": "2.0", "method": "visit", "id": number} for number in range(2)]
    answer = cli.post("/rpc2", json=batch, headers={"Content-Type": "application/json-rpc"})
    assert answer.headers.get_all("x-visits") == ["4"]  # each call saw the cookie that came in


def test_the_same_guards(app: Atila, cli: TestClient) -> None:
    server: Any = cli.jsonrpc("/rpc2")
    with pytest.raises(JsonRpcError) as caught:
        server.secret()
    assert caught.value.code == 401
    with pytest.raises(rpc.Fault) as fault:
        cli.rpc("/rpc2").secret()
    assert fault.value.faultCode == 401
    token = app.tokens.encode({"sub": "u1", "exp": 4102444800})
    assert cli.jsonrpc("/rpc2", authorization=f"Bearer {token}").secret() == "u1"
    assert cli.rpc("/rpc2", authorization=f"Bearer {token}").secret() == "u1"


def test_a_password_as_clients_send_it_with_the_address(app: Atila, cli: TestClient) -> None:
    app.users = {"hans": "1234"}
    app.route("/mine", authenticate="basic")(lambda was: str(was.request.user))
    sent = {"authorization": "Basic " + base64.b64encode(b"hans:1234").decode()}
    assert cli.rpc("/rpc2", **sent).mine() == cli.jsonrpc("/rpc2", **sent).mine() == "hans"
    with pytest.raises(rpc.Fault) as fault:
        cli.rpc("/rpc2").mine()
    assert fault.value.faultCode == 401


def test_other_origins_as_the_route_allows(cli: TestClient) -> None:
    headers = {"Content-Type": "application/json-rpc", "Origin": "https://x.example"}
    answer = cli.post("/rpc2", b'{"jsonrpc":"2.0","method":"shared","id":1}', headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://x.example"
    answer = cli.post("/rpc2", CALL, headers=headers)
    assert answer.headers.get("access-control-allow-origin") is None


def test_a_browser_of_another_origin_asks_first(app: Atila) -> None:
    """A path of calls is no route; one beside it answers the preflight."""
    app.access_control_allow_origin = ["https://x.example"]
    app.route("/", methods=["POST", "OPTIONS"])(lambda was: was.response("415 Unsupported Media Type"))
    headers = {"Origin": "https://x.example", "Access-Control-Request-Method": "POST"}
    sent = {"Origin": "https://x.example", "Content-Type": "application/json-rpc"}
    with app.test_client("/rpc2") as cli:
        asked = cli.options("/rpc2/", headers={**headers, "Access-Control-Request-Headers": "content-type"})
        assert asked.headers["access-control-allow-origin"] == "https://x.example"
        assert asked.headers["access-control-allow-headers"] == "content-type"
        answer = cli.post("/rpc2/", CALL, headers=sent)
        assert answer.json()["result"]["wire"] == "jsonrpc"
        assert answer.headers["access-control-allow-origin"] == "https://x.example"
        assert cli.post("/rpc2/", b"text").status_code == 415


def test_what_is_still_to_come_is_awaited(app: Atila, tmp_path: Path) -> None:
    app.alias("@db", DB_SQLITE3, str(tmp_path / "a.db"))

    @app.route("/later")
    def later(was: Any) -> Any:
        def answer(was: Any, replies: Any) -> Any:
            return was.API(rows=replies[0].fetch())

        return was.Futures([was.db("@db").execute("SELECT 7 AS n")]).then(answer)

    with app.test_client("/rpc2") as cli:
        assert cli.rpc("/rpc2").later() == cli.jsonrpc("/rpc2").later() == {"rows": [{"n": 7}]}


@pytest.mark.row("12.18")
def test_redirections_are_errors_and_streams_are_closed(app: Atila, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    opened: list[Any] = []

    @app.route("/file")
    def file(was: Any) -> Any:
        opened.append((tmp_path / "a.txt").open("rb"))
        return opened[-1] if len(opened) % 2 else was.response("200 OK", opened[-1])

    app.route("/moved")(lambda was: was.redirect("/elsewhere"))
    app.route("/named")(lambda was: was.File(str(tmp_path / "a.txt")))
    with app.test_client("/rpc2") as cli:
        for call in (cli.rpc("/rpc2").file, cli.rpc("/rpc2").file, cli.rpc("/rpc2").named):
            with pytest.raises(rpc.Fault, match="a file or stream has no form") as caught:
                call()
            assert caught.value.faultCode == 500
        assert [item.closed for item in opened] == [True, True]
        with pytest.raises(JsonRpcError) as moved:
            cli.jsonrpc("/rpc2").moved()
        assert moved.value.code == 302


@pytest.mark.row("12.20")
def test_json_is_a_call_only_where_the_app_says_so(app: Atila) -> None:
    app.config.jsonrpc_path = "/calls/"
    with app.test_client("/") as cli:
        for path in ("/calls", "/calls/"):
            answer = cli.post(path, CALL.replace(b"who", b"json"), headers={"Content-Type": "application/json"})
            assert answer.json()["error"]["code"] == -32601  # /calls/json, which is no route
        app.route("/calls/ping")(lambda was: "pong")
        answer = cli.post("/calls", json={"jsonrpc": "2.0", "method": "ping", "id": 1})
        assert (answer.headers["content-type"], answer.json()["result"]) == ("application/json", "pong")
        assert cli.post("/json", json={"jsonrpc": "2.0", "method": "who", "id": 1}).json()["sent"]["method"] == "who"
        assert cli.post("/", json={"jsonrpc": "2.0", "method": "who", "id": 1}).status_code == 404
        assert cli.post("/", CALL, headers={"Content-Type": "application/jsonrequest"}).json()["result"]["wire"]


@pytest.mark.row("12.16")
def test_where_calls_may_be_posted(app: Atila) -> None:
    @app.route("/rpc2/add")
    def add(was: Was, a: int, b: int) -> int:
        return a + b

    with app.test_client("/") as cli:
        assert cli.rpc("/rpc2").add(1, 2) == cli.rpc("/rpc2/").add(1, 2) == cli.rpc("/").rpc2.add(1, 2) == 3
        assert cli.jsonrpc("/rpc2").add(1, 2) == cli.jsonrpc("/").rpc2.add(1, 2) == 3


def test_a_job_whose_body_is_not_there_yet_may_block(app: Atila) -> None:
    """As an engine asks that wraps jobs before their bodies are read."""
    app.build()
    request = Request("POST", "/", "", {"content-type": "text/xml"})
    job = app.resolve(request)
    assert (job.blocking, job.found, job.body_limit) == (True, True, app.config.max_post_body_size)
    request.body = rpc.dumps((), "who").encode()
    assert not job.blocking
    assert all(hasattr(job, name) for name in Job.__slots__)  # it is one in every respect
