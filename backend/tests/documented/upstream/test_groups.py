"""Chapter "Upstreams": several servers, kept replies, several calls at once."""

from __future__ import annotations

from typing import Any

import pytest

from atila import Atila
from atila.alias import DB_SQLITE3, PROTO_HTTP
from atila.upstream.task import STA_NORMAL, STA_TIMEOUT
from tests.documented.conftest import ClientOf
from tests.documented.upstream.answers import answer_of
from tests.servers.upstream import Upstream, free_port


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
