"""Chapter 8: what runs around a request, and around one handler."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

import pytest

import atila
from atila import Atila, SettingError, Was
from skitai import Engine
from tests.documented.conftest import ClientOf

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def record_hooks(app: Atila, trace: list[str], asynchronous: bool = False) -> None:
    """Set the four hooks to write their names into the trace."""
    if not asynchronous:
        app.before_request(lambda was: trace.append("before"))
        app.finish_request(lambda was: trace.append("finish"))
        app.failed_request(lambda was, exc_info: trace.append("failed"))
        app.teardown_request(lambda was: trace.append("teardown"))
        return

    async def note(was: Was, name: str) -> None:
        trace.append(name)

    app.before_request(lambda was: note(was, "before"))
    app.finish_request(lambda was: note(was, "finish"))
    app.failed_request(lambda was, exc_info: note(was, "failed"))
    app.teardown_request(lambda was: note(was, "teardown"))


@pytest.mark.row("8.1", "8.2", "8.3", "8.4", "8.6")
@pytest.mark.parametrize("asynchronous_hooks", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_order_of_hooks(app: Atila, client_of: ClientOf, asynchronous: bool, asynchronous_hooks: bool) -> None:
    trace: list[str] = []
    record_hooks(app, trace, asynchronous_hooks)

    def plain(was: Was, fail: bool = False) -> str:
        trace.append("view")
        return str(1 / 0) if fail else "ok"

    async def coroutine(was: Was, fail: bool = False) -> str:
        return plain(was, fail)

    app.route("/")(coroutine if asynchronous else plain)
    cli = client_of(app)
    assert cli.get("/").text == "ok"
    assert trace == ["before", "view", "finish", "teardown"]
    trace.clear()
    assert cli.get("/?fail=1").status_code == 500
    assert trace == ["before", "view", "failed", "teardown"]
    trace.clear()
    assert cli.get("/?fail=maybe").status_code == 400
    assert trace == ["before", "failed", "teardown"]


@pytest.mark.row("8.1", "8.4")
def test_a_true_result_of_before_request_is_the_answer(app: Atila, client_of: ClientOf) -> None:
    trace: list[str] = []
    record_hooks(app, trace)

    @app.before_request
    def before(was: Was) -> object:
        return was.response("401 Not Authorized", "Not Authorized") if was.request.URL.get("who") else ""

    app.route("/")(lambda was, who="": trace.append("view") or "ok")  # type: ignore[func-returns-value]  # short
    cli = client_of(app)
    refused = cli.get("/?who=x")
    assert (refused.status_code, refused.text, trace) == (401, "Not Authorized", ["teardown"])
    assert cli.get("/").text == "ok"


@pytest.mark.row("8.3")
def test_failed_request_may_answer(app: Atila, client_of: ClientOf) -> None:
    seen: list[str] = []

    @app.failed_request
    def failed(was: Was, exc_info: ExcInfo) -> object:
        seen.append(exc_info[0].__name__)
        assert isinstance(exc_info[1], exc_info[0])
        if isinstance(exc_info[1], ZeroDivisionError):
            return was.response("501 Server Error", "We're sorry")
        return None

    app.route("/zero")(lambda was: 1 / 0)
    app.route("/missing")(lambda was: was.response.throw("404 Not Here"))
    cli = client_of(app)
    answer = cli.get("/zero")
    assert (answer.status_code, answer.text) == (501, "We're sorry")
    assert cli.get("/missing").data == {"code": 40400, "message": "not here"}
    assert seen == ["ZeroDivisionError", "HTTPError"]


@pytest.mark.row("8.2", "8.3", "8.4")
def test_hooks_that_fail(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    trace: list[str] = []
    app.route("/")(lambda was: "ok")
    app.finish_request(lambda was: 1 / 0)
    app.failed_request(lambda was, exc_info: [].pop())
    app.teardown_request(lambda was: trace.append("teardown") or 1 / 0)  # type: ignore[func-returns-value]  # short
    answer = client_of(app).get("/")
    assert (answer.status_code, trace) == (500, ["teardown"])
    assert caplog.text.count("ZeroDivisionError") >= 1


@pytest.mark.row("8.5")
def test_g_belongs_to_one_request(app: Atila, client_of: ClientOf) -> None:
    app.before_request(lambda was: setattr(was.g, "user", was.request.URL.get("user")))
    app.route("/")(lambda was, user="": was.API(user=was.g.user, other=hasattr(was.g, "other")))
    app.route("/set")(lambda was: setattr(was.g, "other", 1) or "")  # type: ignore[func-returns-value]  # short
    cli = client_of(app)
    cli.get("/set")
    assert cli.get("/?user=jerry").data == {"user": "jerry", "other": False}
    app.route("/get")(lambda was: was.g.missing)
    assert cli.get("/get").status_code == 500


@pytest.mark.row("8.7")
def test_the_order_of_hooks_and_events(app: Atila, client_of: ClientOf) -> None:
    trace: list[str] = []
    record_hooks(app, trace)
    for event in (
        atila.request_starting, atila.request_success, atila.request_failed, atila.request_tearing_down,
        atila.request_finished,
    ):  # fmt: skip
        app.on(event)(lambda was, *rest, event=event: trace.append(event))

    @app.route("/")
    @app.run_before(lambda was: trace.append("run_before"))
    @app.run_after(lambda was: trace.append("run_after"))
    def view(was: Was, fail: bool = False) -> str:
        trace.append("view")
        return str(1 / 0) if fail else "ok"

    cli = client_of(app)
    cli.get("/")
    assert trace == [
        "request:started", "before", "run_before", "view", "run_after", "request:success", "finish",
        "request:teardown", "teardown", "request:finished",
    ]  # fmt: skip
    trace.clear()
    cli.get("/?fail=1")
    assert trace == [
        "request:started", "before", "run_before", "view", "request:failed", "failed", "request:teardown", "teardown",
        "request:finished",
    ]  # fmt: skip


@pytest.mark.row("8.8")
def test_a_second_function_takes_the_place_of_the_first(app: Atila, client_of: ClientOf) -> None:
    app.before_request(lambda was: "first")
    app.before_request(lambda was: "second")
    app.route("/")(lambda was: "view")
    assert client_of(app).get("/").text == "second"


@pytest.mark.row("8.1")
def test_hooks_that_nobody_set_are_none() -> None:
    hooks = Atila("tests").hooks
    assert (hooks.before, hooks.finish, hooks.failed, hooks.teardown) == (None, None, None, None)


@pytest.mark.row("8.1", "8.7")
def test_plain_functions_run_on_the_worker_thread(app: Atila, client_of: ClientOf) -> None:
    threads: list[str] = []

    def note(was: Was, *rest: object) -> None:
        threads.append(threading.current_thread().name)

    app.before_request(note)
    app.teardown_request(note)
    app.on(atila.request_starting)(note)
    app.route("/")(app.run_before(note)(app.if_file_modified(__file__, note)(lambda was: note(was) or "")))  # type: ignore[func-returns-value]  # short
    client_of(app).get("/")
    assert len(threads) == 6
    assert len(set(threads)) == 1
    assert threads[0].startswith("test-")


@pytest.mark.row("8.9", "8.10")
def test_run_before_and_run_after(app: Atila, client_of: ClientOf) -> None:
    trace: list[str] = []

    @app.route("/")
    @app.run_before(lambda was: trace.append("one"), lambda was: was.request.URL.get("stop"))
    @app.run_before(lambda was: trace.append("two"))
    @app.run_after(lambda was: trace.append("after") or "ignored")  # type: ignore[func-returns-value]  # short
    def view(was: Was, stop: str | None = None) -> str:
        trace.append("view")
        return "ok"

    cli = client_of(app)
    assert cli.get("/").text == "ok"
    assert trace == ["one", "two", "view", "after"]
    trace.clear()
    assert cli.get("/?stop=stopped").text == "stopped"
    assert trace == ["one"]


@pytest.mark.row("8.11")
def test_if_file_modified(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("one")
    read: list[str] = []

    def load(was: Was, path: str) -> object:
        text = Path(path).read_text()
        read.append(text)
        if text == "broken":
            raise ValueError(text)
        return was.response("503 Starting", "wait") if text == "wait" else None

    app.route("/")(app.if_file_modified(str(file), load, interval=0)(lambda was: "ok"))
    cli = client_of(app)
    assert [cli.get("/").text for _ in range(3)] == ["ok"] * 3
    assert read == ["one"]
    for number, (text, status) in enumerate((("two", 200), ("wait", 503), ("broken", 500))):
        file.write_text(text)
        os.utime(file, ns=(0, number))
        assert cli.get("/").status_code == status
    assert cli.get("/").status_code == 500  # what failed is tried again
    assert read == ["one", "two", "wait", "broken", "broken"]


@pytest.mark.row("8.11")
def test_a_file_is_not_looked_at_more_often_than_said(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    runs: list[int] = []
    rarely = app.if_file_modified(tmp_path / "none", lambda was, path: runs.append(1), interval=3600)
    app.route("/")(rarely(lambda was: ""))
    cli = client_of(app)
    cli.get("/")
    (tmp_path / "none").write_text("now")
    cli.get("/")
    assert runs == [1]


@pytest.mark.row("8.12", "8.13", "8.14")
def test_if_updated(app: Atila, client_of: ClientOf) -> None:
    told: list[object] = []
    runs: list[str] = []
    app.on_broadcast("model-changed:news")(lambda was, *rest, **more: told.append((rest, more)))
    app.on_broadcast("news")(lambda was, *rest, **more: told.append("news"))
    app.route("/")(app.if_updated("news", lambda was, key: runs.append(key), interval=0)(lambda was: ""))
    app.route("/add")(lambda was: was.setlu("news", 7, by="me") or "")
    app.route("/when")(lambda was: was.API(one=was.getlu("news"), both=was.getlu("news", "old")))
    app.deflu("old")
    cli = client_of(app)
    first = cli.get("/when").data
    assert first["one"] == first["both"] > 1_000_000_000
    cli.get("/")
    cli.get("/")
    assert runs == ["news"]
    cli.get("/add")
    cli.get("/")
    assert runs == ["news", "news"]
    assert told == [((7,), {"by": "me"}), "news"]
    second = cli.get("/when").data
    assert second["both"] == second["one"] > first["one"]


@pytest.mark.row("8.13", "8.15")
def test_a_key_that_was_not_declared_is_refused(app: Atila, client_of: ClientOf) -> None:
    failures: list[str] = []

    @app.failed_request
    def failed(was: Was, exc_info: ExcInfo) -> str:
        failures.append(str(exc_info[1]))
        return "failed"

    app.deflu("known")
    app.route("/setlu")(lambda was: was.setlu("unknown"))
    app.route("/getlu")(lambda was: was.getlu("known", "unknown"))
    app.route("/setgs")(lambda was: was.setgs("unknown", 1))
    app.route("/getgs")(lambda was: was.getgs("unknown"))
    cli = client_of(app)
    assert [cli.get(path).text for path in ("/setlu", "/getlu", "/setgs", "/getgs")] == ["failed"] * 4
    assert all("no shared key 'unknown'" in text for text in failures)
    with pytest.raises(SettingError, match="a shared key is a text"):
        app.deflu("")


@pytest.mark.row("8.15")
def test_shared_numbers(app: Atila, client_of: ClientOf) -> None:
    told: list[object] = []
    app.defgs("cluster.num-nodes")
    app.on_broadcast("cluster.num-nodes")(lambda was, *rest: told.append((was.getgs("cluster.num-nodes"), rest)))
    app.route("/set")(lambda was, n: was.setgs("cluster.num-nodes", n if n == "x" else int(n), "why") or "")
    app.route("/get")(lambda was: was.API(n=was.getgs("cluster.num-nodes")))
    cli = client_of(app)
    assert cli.get("/get").data == {"n": 0}
    assert cli.get("/set?n=5").status_code == 200
    assert cli.get("/get").data == {"n": 5}
    assert told == [(5, ("why",))]
    assert cli.get("/set?n=x").status_code == 500


@pytest.mark.row("1.28")
def test_the_engine_declares_shared_keys_for_its_apps(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.updates.declare("weather-news", "other")
    engine.numbers.declare("nodes")
    app.platform = engine
    app.route("/")(lambda was: was.API(n=was.getgs("nodes"), newest=was.getlu("weather-news", "other") > 0))
    assert client_of(app).get("/").data == {"n": 0, "newest": True}


@pytest.mark.row("8.16")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_testpass_required(app: Atila, client_of: ClientOf, asynchronous: bool) -> None:
    outcomes: dict[str, object] = {"true": True, "none": None, "false": False}

    def test(was: Was) -> object:
        kind = was.request.URL.kind
        return outcomes[kind] if kind in outcomes else was.response("403 Staff Permission Required", "sorry")

    async def test_later(was: Was) -> object:
        return test(was)

    app.route("/")(app.testpass_required(test_later if asynchronous else test)(lambda was, kind: "ok"))
    cli = client_of(app)
    kinds = ("true", "none", "false", "other")
    assert [cli.get(f"/?kind={kind}").status_code for kind in kinds] == [200, 200, 403, 403]
    assert cli.get("/?kind=false").data == {"code": 40300, "message": "permission denied"}
    assert cli.get("/?kind=other").text == "sorry"
