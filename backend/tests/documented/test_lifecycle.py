"""Chapter 9, first half: the steps of an app's life, what all requests share, the store and maintenance."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import atila
from atila import Atila, SettingError, Was
from atila.lifecycle import Wac
from tests.documented.conftest import ClientOf
from tests.documented.project import Project

STEPS = (
    "before_mount", "mounted", "mounted_or_reloaded", "before_reload", "reloaded", "before_umount", "umounted",
)  # fmt: skip
EVENTS = (
    atila.app_starting, atila.app_started, atila.app_restarting, atila.app_restarted, atila.app_mounted,
    atila.app_unmounting,
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.forget()


@pytest.mark.row("9.1", "9.10")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_steps_and_their_order(app: Atila, client_of: ClientOf, asynchronous: bool) -> None:
    trace: list[tuple[str, str]] = []

    def note(name: str) -> Any:
        def plain(subject: Any) -> None:
            trace.append((name, type(subject).__name__))

        async def coroutine(subject: Any) -> None:
            await asyncio.sleep(0)
            plain(subject)

        return coroutine if asynchronous else plain

    for name in STEPS:
        getattr(app, name)(note(name))
    for event in EVENTS:
        app.on(event)(note(event))
    cli = client_of(app)
    assert trace == [
        ("app:starting", "Wac"), ("app:started", "Wac"), ("before_mount", "Wac"), ("mounted", "Background"),
        ("app:mounted", "Background"), ("mounted_or_reloaded", "Background"),
    ]  # fmt: skip
    trace.clear()
    asyncio.run(app.reload([]))
    assert [name for name, _ in trace] == [
        "app:restarting", "before_reload", "reloaded", "mounted_or_reloaded", "app:restarted",
    ]  # fmt: skip
    trace.clear()
    cli.close()
    assert trace == [("app:unmounting", "Background"), ("before_umount", "Background"), ("umounted", "Wac")]


@pytest.mark.row("9.1")
def test_steps_that_a_service_declares_run_too(project: Project, client_of: ClientOf) -> None:
    project.service(
        "steps",
        "def __mount__(app):\n"
        "    app.before_mount(lambda wac: app.store.set('before', True))\n"
        "    app.on('app:starting')(lambda wac: app.store.set('starting', True))\n",
    )
    app = project.app()
    client_of(app)
    assert (app.store["before"], app.store["starting"]) == (True, True)


@pytest.mark.row("9.1")
def test_a_step_that_fails_keeps_the_app_from_starting(app: Atila) -> None:
    app.mounted(lambda was: 1 / 0)
    for adapter in ("rsgi", "asgi"):
        with pytest.raises(ZeroDivisionError), app.test_client(adapter=adapter):
            pass


@pytest.mark.row("9.1", "9.4")
def test_outside_a_request_there_is_none(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    seen: dict[str, str] = {}

    @app.mounted
    def mounted(was: Was) -> None:
        seen["url"] = was.ab("index")
        was.log("mounted")
        for name in ("request", "response", "cookie"):
            with pytest.raises(RuntimeError, match=r"no was\.request here|no was\.response here"):
                getattr(was, name)
        with pytest.raises(AttributeError, match="nothing registered it"):
            was.nothing  # noqa: B018 - reading it is the test

    app.route("/x")(_named("index", lambda was: ""))
    with caplog.at_level(logging.INFO):
        client_of(app, "/sub")
    assert seen == {"url": "/sub/x"}
    assert "mounted" in caplog.text


def _named(name: str, function: Any) -> Any:
    function.__name__ = name
    return function


@pytest.mark.row("9.2")
def test_wac_has_threads_logs_and_settings(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    app.config.urlfile = "urls.txt"
    app.platform.log_folder = tmp_path  # type: ignore[attr-defined]  # the local platform's

    @app.before_mount
    def before_mount(wac: Wac) -> None:
        assert wac.numthreads >= 1
        assert wac.config.urlfile == "urls.txt"
        assert wac.logger.get("app").name == "atila.app"
        login = wac.logger.make_logger("login", "daily")
        login.warning("hans signed in")
        for handler in login.handlers[:]:
            handler.close()
            login.removeHandler(handler)
        for name, period in (("login", "yearly"), ("../login", "daily")):
            with pytest.raises(SettingError):
                wac.logger.make_logger(name, period)

    client_of(app)
    assert "hans signed in" in (tmp_path / "login.log").read_text()


@pytest.mark.row("9.3")
def test_what_is_registered_is_on_every_was(app: Atila, client_of: ClientOf) -> None:
    closed: list[Any] = []

    @app.before_mount
    def before_mount(wac: Wac) -> None:
        wac.register("engine", {"kind": "login"})
        for name in ("engine", "no name"):
            with pytest.raises(ValueError, match="taken or no identifier"):
                wac.register(name, 1)

    @app.umounted
    def umounted(wac: Wac) -> None:
        closed.append(wac.engine)
        wac.unregister("engine")
        with pytest.raises(AttributeError, match="nothing registered it"):
            wac.engine  # noqa: B018 - reading it is the test

    app.route("/")(lambda was: was.API(was.engine))
    cli = client_of(app)
    assert cli.get("/").data == {"kind": "login"}
    cli.close()
    assert closed == [{"kind": "login"}]


@pytest.mark.row("1.27", "9.4")
def test_mounted_may_fill_a_cache_from_a_database(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    app.alias("@states", "sqlite3", str(tmp_path / "states.db"))

    @app.mounted
    def mounted(was: Was) -> None:
        with was.db("@states") as db:
            db.execute("create table state (code text, name text)").commit()
            db.insert("state").data(code="TX", name="Texas").execute().commit()
            app.store.set("STATES", {row.code: row.name for row in db.execute("select * from state").fetch()})

    app.route("/")(lambda was: was.API(was.app.store.get("STATES")))
    assert client_of(app).get("/").data == {"TX": "Texas"}


@pytest.mark.row("9.5")
def test_the_store(app: Atila) -> None:
    store = app.store
    store.set("total", 1)
    store["other"] = 2.5
    assert (store.get("total"), store["other"], store.get("none"), store.get("none", 7)) == (1, 2.5, None, 7)
    assert ("total" in store, "none" in store, list(store), len(store)) == (True, False, ["total", "other"], 2)
    del store["other"]
    store.remove("other")
    with pytest.raises(KeyError):
        store["other"]
    with pytest.raises(KeyError):
        del store["other"]
    assert Atila("tests").store.get("total") is None


@pytest.mark.row("9.5")
def test_the_store_is_safe_among_threads(app: Atila) -> None:
    def count() -> None:
        for _ in range(500):
            app.store.change("hits", lambda hits: hits + 1, 0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert app.store["hits"] == 2000


@pytest.mark.row("9.6")
def test_maintenance_jobs_run_again_and_again(
    app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture
) -> None:
    app.config.maintain_interval = 0.01
    runs: dict[str, list[Any]] = {"full": [], "short": [], "later": []}
    enough = threading.Event()

    @app.maintain
    def broken(was: Was, now: float, count: int) -> None:
        raise ValueError("broken job")

    @app.maintain
    def full(was: Was, now: float, count: int) -> None:
        runs["full"].append((was.app is app, abs(time.time() - now) < 5, count))

    @app.maintain
    def short(was: Was) -> None:
        runs["short"].append(was)

    @app.maintain
    async def later(was: Was, now: float) -> None:
        await asyncio.sleep(0)
        runs["later"].append(now)
        if len(runs["later"]) == 3:
            enough.set()

    @app.route("/wait")
    def wait(was: Was) -> str:
        return str(enough.wait(10))

    cli = client_of(app)
    assert cli.get("/wait").text == "True"
    cli.close()
    after = len(runs["later"])
    time.sleep(0.05)
    assert len(runs["later"]) == after
    assert runs["full"][:3] == [(True, True, 1), (True, True, 2), (True, True, 3)]
    assert len(runs["short"]) >= 3
    assert "maintenance: the job broken failed" in caplog.text
    assert "broken job" in caplog.text


@pytest.mark.row("9.6", "1.23")
def test_maintenance_that_cannot_be(app: Atila) -> None:
    def job(was: Was, now: float, count: int) -> None: ...

    app.maintain(job)
    with pytest.raises(SettingError, match="a job named 'job' already"):
        app.maintain(job)
    app.config.maintain_interval = 0
    with pytest.raises(SettingError, match="a number of seconds above 0"), app.test_client():
        pass
