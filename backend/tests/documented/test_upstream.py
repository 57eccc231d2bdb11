"""Chapter "Upstreams": calls to other services, side by side."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2
from jsonrpclib.SimpleJSONRPCServer import SimpleJSONRPCServer

import skitai
from atila import Atila
from atila.alias import DB_MONGODB, DB_REDIS, DB_SQLITE3, PROTO_HTTP
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_REQFAIL, STA_TIMEOUT, STA_UNSENT
from tests.servers.redis import RedisServer
from tests.servers.upstream import Upstream, free_port

from .conftest import ClientOf


@pytest.fixture
def app(upstream: Upstream) -> Atila:
    """An app that knows a server by a name."""
    app = Atila("tests")
    app.alias("@shop", PROTO_HTTP, upstream.address)
    return app


def answer_of(app: Atila, client_of: ClientOf, handler: Any, path: str = "/") -> Any:
    """What a handler answers to GET."""
    app.route(path)(handler)
    return client_of(app).get(path)


@pytest.mark.row("11.1")
def test_every_method_calls_an_alias_or_a_url(app: Atila, client_of: ClientOf, upstream: Upstream) -> None:
    def call(was: Any) -> Any:
        sent = [
            was.get("@shop/echo", {"q": "a b", "n": [1, 2]}),
            was.delete(f"{upstream.url}/echo?x=1", params={"y": 2}),
            was.options("@shop/echo"),
            was.post("@shop/echo", {"n": 1}),
            was.put("@shop/echo", {"n": 1}, headers={"Content-Type": "application/x-www-form-urlencoded"}),
            was.patch("@shop/echo", "text", [("X-Mine", "yes")]),
            was.post("@shop/echo", b"\x00\x01".hex().encode()),
            was.post("@shop/echo", [1, None, "ü"]),
        ]
        return was.API(answers=[task.fetch() for task in sent])

    get, delete, options, post, put, patch, raw, listed = answer_of(app, client_of, call).data["answers"]
    assert (get["method"], get["path"], get["body"]) == ("GET", "/echo?q=a+b&n=1&n=2", "")
    assert (delete["method"], delete["path"]) == ("DELETE", "/echo?x=1&y=2")
    assert options["method"] == "OPTIONS"
    assert (post["method"], post["body"], post["headers"]["content-type"]) == ("POST", '{"n":1}', "application/json")
    assert (put["method"], put["body"]) == ("PUT", "n=1")
    assert (patch["method"], patch["body"], patch["headers"]["x-mine"]) == ("PATCH", "text", "yes")
    assert patch["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert (raw["body"], raw["headers"]["content-type"]) == ("0001", "application/octet-stream")
    assert listed["body"] == '[1,null,"ü"]'


@pytest.mark.row("11.1")
def test_upload_sends_a_multipart_form(app: Atila, client_of: ClientOf, tmp_path: Any) -> None:
    (tmp_path / "note.txt").write_text("from a path")
    received = Atila("receiver")

    @received.route("/", methods=["POST"])
    def receive(was: Any, title: str, file: Any, other: Any) -> Any:
        return was.API(title=title, file=[file.name, file.read().decode()], other=[other.name, other.read().decode()])

    def call(was: Any) -> Any:
        files = {"title": "Sea", "file": tmp_path / "note.txt", "other": ("b.txt", b"bytes", "text/plain")}
        return was.API(was.upload("@shop/echo", files).fetch())

    sent = answer_of(app, client_of, call).data
    kind = sent["headers"]["content-type"]
    assert kind.startswith("multipart/form-data; boundary=")
    answer = client_of(received).post("/", sent["body"], headers={"Content-Type": kind})
    assert answer.data == {"title": "Sea", "file": ["note.txt", "from a path"], "other": ["b.txt", "bytes"]}


@pytest.mark.row("11.1")
def test_credentials_and_callbacks(app: Atila, client_of: ClientOf, upstream: Upstream) -> None:
    app.alias("@member", PROTO_HTTP, f"us:p%40ss@{upstream.address}/base")
    told: list[Any] = []
    heard = threading.Event()

    def hear(reply: Any) -> None:
        told.append((reply.status_code, reply.data["path"]))
        heard.set()

    def call(was: Any) -> Any:
        was.get("@shop/called-back", callback=hear)
        basic = was.get("@shop/echo", auth=("alice", "secret"))
        bearer = was.get("@shop/echo", auth="token")
        member = was.get("@member/echo")
        return was.API(
            basic=basic.fetch()["headers"]["authorization"],
            bearer=bearer.fetch()["headers"]["authorization"],
            member=member.fetch()["headers"]["authorization"],
            path=member.data["path"],
        )

    assert answer_of(app, client_of, call).data == {
        "basic": "Basic YWxpY2U6c2VjcmV0",
        "bearer": "Bearer token",
        "member": "Basic dXM6cEBzcw==",
        "path": "/base/echo",
    }
    assert heard.wait(5)
    assert told == [(200, "/called-back")]


@pytest.mark.row("11.2")
def test_upstreams_learn_of_the_transaction_and_the_trace(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def call(was: Any) -> Any:
        return was.API(fields=[task["headers"] for task in was.Tasks([was.get("@shop/a"), was.get("@shop/b")]).fetch()])

    cli = client_of(app)
    first, second = cli.get("/").data["fields"]
    assert (first["x-ltxn-id"], second["x-ltxn-id"]) == ("1000", "1001")
    assert first["x-gtxn-id"] == second["x-gtxn-id"] != ""
    again = cli.get("/").data["fields"][0]
    assert again["x-gtxn-id"] != first["x-gtxn-id"]
    assert again["x-ltxn-id"] == "1000"

    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = {"X-Gtxn-Id": "order-7", "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    passed = cli.get("/", headers=sent).data["fields"][0]
    assert passed["x-gtxn-id"] == "order-7"
    assert passed["traceparent"].startswith(f"00-{trace}-")
    assert cli.get("/", headers={"X-Gtxn-Id": "no good; x=1"}).data["fields"][0]["x-gtxn-id"] != "no good; x=1"


@pytest.mark.row("11.3", "11.4", "11.5", "11.13")
def test_dispatch_gives_the_reply(app: Atila, client_of: ClientOf) -> None:
    def call(was: Any) -> Any:
        reply = was.get("@shop/echo").dispatch()
        text = was.get("@shop/text").dispatch(timeout=5)
        return was.API(
            status=reply.status == STA_NORMAL == 3,
            code=reply.status_code,
            reason=reply.reason,
            method=reply.data["method"],
            kind=reply.get_header("Content-Type"),
            none=reply.get_header("X-None", "default"),
            raw=text.data == "grün".encode("latin-1"),
            text=text.text,
            rows=was.get("@shop/rows/2").dispatch().fetch(),
            row=was.get("@shop/rows/1").dispatch().one(),
        )

    assert answer_of(app, client_of, call).data == {
        "status": True,
        "code": 200,
        "reason": "OK",
        "method": "GET",
        "kind": "application/json",
        "none": "default",
        "raw": True,
        "text": "grün",
        "rows": [{"id": 0}, {"id": 1}],
        "row": {"id": 0},
    }


@pytest.mark.row("11.3")
def test_dispatch_without_waiting_or_with_errors(app: Atila, client_of: ClientOf) -> None:
    closed = free_port()

    def call(was: Any) -> Any:
        task = was.get("@shop/slow?seconds=0.3")
        early = task.dispatch(wait=False)
        late = task.dispatch(timeout=0.05)
        end = task.dispatch()
        with pytest.raises(Exception, match="connection") as caught:
            was.get(f"http://127.0.0.1:{closed}/").dispatch(reraise=True)
        return was.API(
            early=early.status == STA_UNSENT, late=late.status == STA_TIMEOUT, end=end.status, error=str(caught.value)
        )

    data = answer_of(app, client_of, call).data
    assert (data["early"], data["late"], data["end"]) == (True, True, STA_NORMAL)


@pytest.mark.row("11.5")
def test_the_states_of_an_exchange() -> None:
    states = [skitai.STA_REQFAIL, skitai.STA_UNSENT, skitai.STA_TIMEOUT, skitai.STA_NETERR, skitai.STA_NORMAL]
    assert states == [-1, 0, 1, 2, 3]


@pytest.mark.row("11.5", "11.6")
def test_what_did_not_complete_has_a_code_of_700_and_more(app: Atila, client_of: ClientOf) -> None:
    closed = free_port()

    def call(was: Any) -> Any:
        tasks = [
            was.get(f"http://127.0.0.1:{closed}/"),
            was.get("http://nowhere.invalid/"),
            was.get("@shop/slow?seconds=1", timeout=0.1),
            was.get("@shop/cut"),
            was.get("nonsense"),
            was.get("@shop/malformed"),
        ]
        replies = [task.dispatch() for task in tasks]
        return was.API(found=[[reply.status, reply.status_code, reply.reason, reply.data] for reply in replies])

    assert answer_of(app, client_of, call).data["found"] == [
        [STA_NETERR, 701, "Network Error", None],
        [STA_NETERR, 704, "Name Not Resolved", None],
        [STA_TIMEOUT, 702, "Timeout", None],
        [STA_NETERR, 706, "Connection Lost", None],
        [STA_REQFAIL, 700, "Request Failure", None],
        [STA_REQFAIL, 708, "Malformed Answer", None],
    ]


@pytest.mark.row("11.7", "11.8")
@pytest.mark.parametrize("method", ["dispatch_or_throw", "fetch", "commit", "wait_or_throw"])
@pytest.mark.parametrize(("path", "ours"), [("404", 404), ("409", 409), ("500", 502), ("302", 502)])
def test_a_failed_call_becomes_our_answer(app: Atila, client_of: ClientOf, method: str, path: str, ours: int) -> None:
    def call(was: Any) -> Any:
        getattr(was.get(f"@shop/status/{path}"), method)(5)

    assert answer_of(app, client_of, call).status_code == ours


@pytest.mark.row("11.8")
def test_an_upstream_that_is_away_is_502_and_a_late_one_504(app: Atila, client_of: ClientOf) -> None:
    closed = free_port()

    @app.route("/away")
    def away(was: Any) -> Any:
        return was.API(was.get(f"http://127.0.0.1:{closed}/").fetch())

    @app.route("/late")
    def late(was: Any) -> Any:
        return was.API(was.get("@shop/slow", timeout=0.1).fetch())

    cli = client_of(app)
    assert (cli.get("/away").status_code, cli.get("/late").status_code) == (502, 504)


@pytest.mark.row("11.9")
@pytest.mark.parametrize(("count", "status"), [(0, 404), (1, 200), (2, 409)])
def test_one_is_exactly_one(app: Atila, client_of: ClientOf, count: int, status: int) -> None:
    def call(was: Any) -> Any:
        return was.API(was.get(f"@shop/rows/{count}").one(timeout=5))

    assert answer_of(app, client_of, call).status_code == status


@pytest.mark.row("11.10", "11.11", "11.12")
def test_waiting_under_every_name(app: Atila, client_of: ClientOf) -> None:
    def call(was: Any) -> Any:
        task = was.post("@shop/echo", {})
        assert task.wait(5) is task.commit(5) is task.wait_or_throw(5) is task
        assert task.getwait(5) is task.getswait() is task.getwait_or_throw() is task.dispatch()
        return was.API(code=was.get("@shop/status/404").wait().dispatch().status_code)

    @app.route("/old")
    def old(was: Any) -> Any:
        was.get("@shop/status/404").wait_or_throw("500 Server Error")

    @app.route("/new")
    def new(was: Any) -> Any:
        was.get("@shop/status/404").wait_or_throw(5, "503 Come Back")

    assert answer_of(app, client_of, call).data == {"code": 404}
    cli = client_of(app)
    assert (cli.get("/old").status_code, cli.get("/new").status_code) == (500, 503)


@pytest.mark.row("11.14", "11.15")
def test_calls_are_fired_in_the_handler_and_awaited_in_the_template(
    app: Atila, client_of: ClientOf, tmp_path: Any
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "page.html").write_text(
        "{% set a = was.g.a.dispatch() %}{% if a.status != 3 %}{{ was.response.throw('500 Internal Server Error') }}"
        "{% endif %}{{ a.data.slow }} {{ was.g.b.fetch().slow }} {{ was.g.c.dispatch_or_throw('503 Later').data.slow }}"
    )
    (tmp_path / "templates" / "failing.html").write_text("{{ was.g.a.dispatch_or_throw('503 Come Back') }}")

    @app.route("/")
    def page(was: Any) -> Any:
        was.g.a, was.g.b, was.g.c = (was.get("@shop/slow?seconds=0.5") for _ in range(3))
        return was.render("page.html")

    @app.route("/failing")
    def failing(was: Any) -> Any:
        was.g.a = was.get("@shop/status/500")
        return was.render("failing.html")

    cli = client_of(app, approot=tmp_path)
    started = time.monotonic()
    assert cli.get("/").text == "True True True"
    assert time.monotonic() - started < 1.4
    assert cli.get("/failing").status_code == 503


@pytest.fixture
def books() -> Any:
    """The standard library's XML-RPC server."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True) as server:
        server.register_introspection_functions()
        server.register_function(lambda *values: list(values), "echo")
        server.register_function(lambda a, b: a // b, "divide")
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.row("11.16")
def test_remote_methods_by_xml_rpc(app: Atila, client_of: ClientOf, books: SimpleXMLRPCServer) -> None:
    app.alias("@books", PROTO_HTTP, f"127.0.0.1:{books.server_address[1]}")

    @app.route("/")
    def call(was: Any) -> Any:
        with was.rpc("@books/RPC2") as stub:
            echo = stub.echo(1, "ü<&", None, True, 1.5, [1, {"a": 2}], b"\x00")
            names = stub.system.listMethods()
        *plain, data = echo.fetch()
        return was.API(
            echo=plain,
            data=data == b"\x00",
            names="divide" in names.fetch(),
            sum=was.xmlrpc("@books/RPC2").divide(7, 2).fetch(),
        )

    @app.route("/fault")
    def fault(was: Any) -> Any:
        reply = was.rpc("@books/RPC2").divide(1, 0).dispatch()
        return was.API(status=reply.status, code=reply.status_code, words=str(reply.error))

    @app.route("/raised")
    def raised(was: Any) -> Any:
        was.rpc("@books/RPC2").divide(1, 0).fetch()

    cli = client_of(app)
    assert cli.get("/").data == {
        "echo": [1, "ü<&", None, True, 1.5, [1, {"a": 2}]], "data": True, "names": True, "sum": 3,
    }  # fmt: skip
    failure = cli.get("/fault").data
    assert (failure["status"], failure["code"]) == (STA_NORMAL, 500)
    assert "ZeroDivisionError" in failure["words"]
    assert cli.get("/raised").status_code == 500


@pytest.mark.row("11.17")
def test_a_websocket_client(app: Atila, client_of: ClientOf) -> None:
    from websockets.sync.server import serve

    def echo(connection: Any) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        app.alias("@chat", "ws", f"127.0.0.1:{server.socket.getsockname()[1]}")

        @app.route("/")
        def call(was: Any) -> Any:
            asked = was.ws("@chat/room", "hello")
            with was.ws("@chat/room") as socket:
                socket.send("one")
                socket.send(b"two")
                received = [socket.receive().fetch(), socket.receive(5).fetch().decode()]
            return was.API(asked=asked.fetch(), received=received)

        @app.route("/async")
        async def call_async(was: Any) -> Any:
            async with was.ws("@chat/room") as socket:
                await socket.send("three")
                return was.API(received=await socket.receive(), asked=await was.ws("@chat/room", "four"))

        cli = client_of(app)
        assert cli.get("/").data == {"asked": "hello", "received": ["one", "two"]}
        assert cli.get("/async").data == {"asked": "four", "received": "three"}
        server.shutdown()


@pytest.mark.row("11.19")
def test_redis_by_its_own_name(app: Atila, client_of: ClientOf, redis_server: RedisServer) -> None:
    app.alias("@cache", DB_REDIS, f":{redis_server.password}@127.0.0.1:{redis_server.port}")

    def call(was: Any) -> Any:
        with was.redis("@cache", text=True) as cache:
            cache.set("name", "Emma").commit()
            counted = cache.pipeline(("incr", "hits"), ("incr", "hits"))
            wrong = cache.lpush("name", 1).dispatch()
            return was.API(
                name=cache.get("name").fetch(),
                raw=was.redis("@cache").get("name").fetch() == b"Emma",
                hits=counted.fetch(),
                wrong=[wrong.status, wrong.status_code, wrong.reason],
            )

    assert answer_of(app, client_of, call).data == {
        "name": "Emma", "raw": True, "hits": [1, 2], "wrong": [STA_NORMAL, 500, "Redis Error"],
    }  # fmt: skip


@pytest.mark.row("11.19")
def test_a_mongodb_that_is_away(app: Atila, client_of: ClientOf) -> None:
    app.alias("@docs", DB_MONGODB, f"127.0.0.1:{free_port()}/library?serverSelectionTimeoutMS=200")

    def call(was: Any) -> Any:
        reply = was.mongodb("@docs", "books").find_one({"title": "Emma"}).dispatch()
        return was.API(found=[reply.status, reply.status_code])

    assert answer_of(app, client_of, call).data == {"found": [STA_NETERR, 701]}


@pytest.mark.row("11.27")
def test_servers_take_turns_by_weight_and_map_asks_all(client_of: ClientOf, upstreams: list[Upstream]) -> None:
    app = Atila("tests")
    first, second, _ = upstreams
    app.alias("@farm", PROTO_HTTP, [f"{first.address} 2", second.address])
    app.alias("@all", PROTO_HTTP, [server.address for server in upstreams])

    def call(was: Any) -> Any:
        was.Tasks([was.get.lb("@farm/turn") for _ in range(6)]).fetch()
        mapped = was.post.map("@all/mapped", {"n": 1})
        return was.API(bodies=[reply.data["body"] for reply in mapped])

    assert answer_of(app, client_of, call).data == {"bodies": ['{"n":1}'] * 3}
    turns = [[seen.path for seen in server.seen].count("/turn") for server in upstreams]
    assert turns == [4, 2, 0]
    assert all("/mapped" in [seen.path for seen in server.seen] for server in upstreams)


@pytest.mark.row("11.27")
def test_the_next_server_answers_when_one_is_down(client_of: ClientOf, upstream: Upstream) -> None:
    app = Atila("tests")
    app.alias("@farm", PROTO_HTTP, [f"127.0.0.1:{free_port()} 9", upstream.address])

    def call(was: Any) -> Any:
        return was.API(codes=[was.post("@farm/x", {}).dispatch().status_code for _ in range(5)])

    assert answer_of(app, client_of, call).data == {"codes": [200] * 5}
    assert len(upstream.seen) == 5


@pytest.mark.row("11.27")
def test_remote_methods_of_every_server(app: Atila, client_of: ClientOf, books: SimpleXMLRPCServer) -> None:
    port = books.server_address[1]
    app.alias("@books", PROTO_HTTP, [f"127.0.0.1:{port}", f"localhost:{port}"])

    def call(was: Any) -> Any:
        return was.API(
            each=was.rpc.map("@books/RPC2").divide(9, 2).fetch(), one=was.rpc.lb("@books/RPC2").divide(4, 2).fetch()
        )

    assert answer_of(app, client_of, call).data == {"each": [4, 4], "one": 2}


@pytest.mark.row("11.28", "11.3")
def test_replies_are_kept_when_asked_for(app: Atila, client_of: ClientOf, upstream: Upstream) -> None:
    app.deflu("prices")

    @app.route("/kept")
    def kept(was: Any) -> Any:
        data = was.get("@shop/prices").fetch(cache=60)
        data["changed"] = True  # the caller's own copy
        return was.API(was.get("@shop/prices").fetch())

    @app.route("/fresh")
    def fresh(was: Any) -> Any:
        return was.API(was.get("@shop/prices", use_cache=False).fetch())

    @app.route("/since")
    def since(was: Any) -> Any:
        return was.API(was.get("@shop/prices", use_cache=was.getlu("prices")).fetch(cache=60))

    @app.route("/change")
    def change(was: Any) -> Any:
        was.setlu("prices")
        return was.API()

    @app.route("/missing")
    def missing(was: Any) -> Any:
        was.get("@shop/status/404").dispatch(cache=60)
        was.get("@shop/status/404").dispatch(cache=60, cache_if=(200, 404))
        return was.API(code=was.get("@shop/status/404").dispatch().status_code)

    cli = client_of(app)

    def asked(path: str) -> int:
        before = len(upstream.seen)
        assert cli.get(path).status_code == 200
        return len(upstream.seen) - before

    assert "changed" not in cli.get("/kept").data
    assert asked("/kept") == 0
    assert asked("/fresh") == 1
    assert asked("/since") == 0
    cli.get("/change")
    assert [asked("/since"), asked("/since")] == [1, 0]
    assert asked("/missing") == 2


@pytest.mark.row("11.29")
def test_tasks_hold_several_replies(app: Atila, client_of: ClientOf, tmp_path: Any) -> None:
    app.alias("@db", DB_SQLITE3, str(tmp_path / "stocks.db"))

    @app.route("/")
    def call(was: Any) -> Any:
        calls = [was.get("@shop/rows/1"), was.get("@shop/rows/1"), was.db("@db").execute("SELECT 7 AS id")]
        tasks = was.Tasks(calls, timeout=10)
        assert len(tasks.wait()) == len(tasks.commit()) == len(tasks) == 3
        return was.API(
            codes=[reply.status_code for reply in tasks], last=tasks[2].data, rows=tasks.fetch(), each=tasks.one()
        )

    @app.route("/async")
    async def call_async(was: Any) -> Any:
        first, second = await was.Tasks([was.get("@shop/rows/1"), was.get("@shop/rows/2")])
        return was.API(sizes=[len(first), len(second)])

    @app.route("/late")
    def late(was: Any) -> Any:
        tasks = was.Tasks([was.get("@shop/slow"), was.get("@shop/echo")], timeout=0.3)
        return was.API(status=[reply.status for reply in tasks])

    cli = client_of(app)
    assert cli.get("/").data == {
        "codes": [200, 200, 200], "last": [{"id": 7}], "rows": [[{"id": 0}], [{"id": 0}], [{"id": 7}]],
        "each": [{"id": 0}, {"id": 0}, {"id": 7}],
    }  # fmt: skip
    assert cli.get("/async").data == {"sizes": [1, 2]}
    assert cli.get("/late").data == {"status": [STA_TIMEOUT, STA_NORMAL]}


@pytest.mark.row("11.30", "11.31")
def test_futures_answer_when_all_calls_have_ended(app: Atila, client_of: ClientOf, tmp_path: Any) -> None:
    app.alias("@db", DB_SQLITE3, str(tmp_path / "stocks.db"))

    @app.route("/")
    def index(was: Any) -> Any:
        def respond(was: Any, replies: Any, b: int, status_code: list[int]) -> Any:
            return was.API(status_code_db=[reply.status_code for reply in replies], b=b, status_code=status_code)

        def check_db(was: Any, replies: Any, a: int) -> Any:
            calls = [was.db("@db").execute("SELECT 1 AS one")]
            return was.Futures(calls).then(respond, b=a + 100, status_code=[reply.status_code for reply in replies])

        calls = [was.get("@shop/project/skitai/"), was.get("@shop/project/rs4/")]
        return was.Futures(calls).then(check_db, a=100)

    @app.route("/async")
    async def index_async(was: Any) -> Any:
        async def respond(was: Any, replies: Any) -> Any:
            return was.API(count=len(replies), more=await was.get("@shop/rows/1"))

        return was.Futures([was.get("@shop/a")], timeout=2).then(respond)

    @app.route("/stock")
    def stock(was: Any) -> Any:
        def respond(was: Any, replies: Any, stock: Any) -> Any:
            stock.announcements = replies[0].fetch()
            return was.API(stock)

        found = was.db("@db").execute("SELECT 5 AS id").one()
        calls = [was.db("@db").execute("SELECT ? AS stock", (found.id,))]
        return was.Futures(calls).then(respond, stock=found)

    @app.route("/failing")
    def failing(was: Any) -> Any:
        return was.Futures([was.get("@shop/status/404")]).then(lambda was, replies: was.API(replies[0].fetch()))

    cli = client_of(app)
    assert cli.get("/").data == {"status_code_db": [200], "b": 200, "status_code": [200, 200]}
    assert cli.get("/async").data == {"count": 1, "more": [{"id": 0}]}
    assert cli.get("/stock").data == {"id": 5, "announcements": [{"stock": 5}]}
    assert cli.get("/failing").status_code == 404


@pytest.mark.row("11.30")
def test_hooks_come_after_futures(app: Atila, client_of: ClientOf) -> None:
    steps: list[str] = []

    @app.finish_request
    def finished(was: Any) -> None:
        steps.append("finish")

    @app.teardown_request
    def torn_down(was: Any) -> None:
        steps.append("teardown")

    def respond(was: Any, replies: Any) -> Any:
        steps.append("respond")
        return "done"

    def call(was: Any) -> Any:
        return was.Futures([was.get("@shop/slow?seconds=0.05")]).then(respond)

    assert answer_of(app, client_of, call).text == "done"
    assert steps == ["respond", "finish", "teardown"]


@pytest.mark.row("11.32")
def test_promise_says_what_took_its_place(app: Atila, client_of: ClientOf) -> None:
    def call(was: Any) -> Any:
        with pytest.raises(RuntimeError, match=r"was\.Futures"):
            was.promise(lambda: None)
        return "told"

    assert answer_of(app, client_of, call).text == "told"


@pytest.mark.row("11.37")
@pytest.mark.parametrize("threads", [0, 1])
def test_calls_in_the_test_client(app: Atila, client_of: ClientOf, threads: int) -> None:
    """Without threads plain handlers run on the loop, and their calls end all the same."""

    @app.mounted
    def mounted(was: Any) -> None:
        app.store.set("names", was.get("@shop/rows/2").fetch())

    @app.route("/")
    def call(was: Any) -> Any:
        return was.API(names=app.store.get("names"), more=was.Tasks([was.get("@shop/rows/1").wait()]).fetch()[0])

    @app.route("/futures")
    def futures(was: Any) -> Any:
        return was.Futures([was.get("@shop/rows/1")]).then(lambda was, replies: was.API(rows=replies[0].data))

    cli = client_of(app, threads=threads)
    assert cli.get("/").data == {"names": [{"id": 0}, {"id": 1}], "more": [{"id": 0}]}
    assert cli.get("/futures").data == {"rows": [{"id": 0}]}


@pytest.mark.row("11.16")
def test_remote_methods_by_json_rpc(app: Atila, client_of: ClientOf) -> None:
    server = SimpleJSONRPCServer(("127.0.0.1", 0), logRequests=False)
    server.register_function(lambda *values: list(values), "echo")
    server.register_function(lambda a, b: a - b, "subtract")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    app.alias("@math", PROTO_HTTP, f"127.0.0.1:{server.server_address[1]}")

    def call(was: Any) -> Any:
        math = was.jsonrpc("@math/")
        unknown = math.multiply(1, 2).dispatch()
        return was.API(
            echo=math.echo("ü", None, [1, {"a": 2}]).fetch(),
            position=math.subtract(42, 23).fetch(),
            names=math.subtract(b=23, a=42).fetch(),
            unknown=[unknown.status, unknown.status_code, unknown.error.code],
        )

    data = answer_of(app, client_of, call).data
    server.shutdown()
    server.server_close()
    assert data == {
        "echo": ["ü", None, [1, {"a": 2}]], "position": 19, "names": 19, "unknown": [STA_NORMAL, 500, -32601],
    }  # fmt: skip


@pytest.mark.row("11.16")
def test_remote_methods_by_grpc(app: Atila, client_of: ClientOf) -> None:
    """The official health and reflection services, whose methods take and give single messages and streams."""
    server = grpc.server(ThreadPoolExecutor(4))
    servicer = health.HealthServicer()
    servicer.set("ready", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(["grpc.health.v1.Health"], server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    app.alias("@health", PROTO_HTTP, [f"127.0.0.1:{free_port()} 5", f"127.0.0.1:{port}"])  # the first one is down
    asked = health_pb2.HealthCheckRequest(service="ready")

    @app.route("/")
    def call(was: Any) -> Any:
        with was.grpc("@health/grpc.health.v1.Health") as stub:
            first = stub.Check(asked)
            unknown = stub.Check(health_pb2.HealthCheckRequest(service="other")).dispatch()
        watched = next(iter(was.grpc(f"127.0.0.1:{port}/grpc.health.v1.Health").Watch(asked)))
        listing = [reflection_pb2.ServerReflectionRequest(list_services="")]
        said = was.grpc(f"127.0.0.1:{port}/grpc.reflection.v1alpha.ServerReflection").ServerReflectionInfo(listing)
        names = [service.name for service in said.fetch()[0].list_services_response.service]
        return was.API(
            first=first.fetch().status,
            unknown=[unknown.status, unknown.status_code],
            watched=watched.status,
            names=names,
        )

    @app.route("/async")
    async def call_async(was: Any) -> Any:
        stub = was.grpc("@health/grpc.health.v1.Health")
        answer = await stub.Check(asked)
        watched = [message.status async for message in first_of(stub.Watch(asked))]
        return was.API(status=answer.status, watched=watched)

    @app.route("/unknown")
    def unknown(was: Any) -> Any:
        was.grpc("@health/grpc.health.v1.Health").Check(health_pb2.HealthCheckRequest(service="other")).fetch()

    cli = client_of(app)
    assert cli.get("/").data == {
        "first": 1, "unknown": [STA_NORMAL, 404], "watched": 1,
        "names": ["grpc.health.v1.Health"],
    }  # fmt: skip
    assert cli.get("/async").data == {"status": 1, "watched": [1]}
    assert cli.get("/unknown").status_code == 404
    server.stop(None)


async def first_of(stream: Any) -> Any:
    async for message in stream:
        yield message
        return
