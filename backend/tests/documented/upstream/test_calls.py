"""Chapter "Upstreams": calls to other services, and their replies."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import skitai
from atila import Atila
from atila.alias import PROTO_HTTP
from atila.upstream.task import STA_NETERR, STA_NORMAL, STA_REQFAIL, STA_TIMEOUT, STA_UNSENT
from tests.documented.conftest import ClientOf
from tests.documented.upstream.answers import answer_of
from tests.servers.upstream import Upstream, free_port


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
