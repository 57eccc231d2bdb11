"""Blocks on hooks around requests, the life of an app, events, the store and other apps."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import atila
from atila import Atila
from atila.alias import DB_SQLITE3
from atila.testing.client import TestClient
from tests.documented.blocks.conftest import Write
from tests.documented.conftest import ClientOf


def test_hooks_around_a_request(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("err501.htm", "{{ msg }}")
    steps: list[str] = []

    @app.before_request
    def before_request(was: Any) -> Any:
        if was.request.get_header("x-user") is None:
            return "Not Authorized"
        return None

    @app.finish_request
    def finish_request(was: Any) -> None:
        steps.append(f"finish {was.g.user_id} {was.g.user_status}")

    @app.failed_request
    def failed_request(was: Any, exc_info: Any) -> Any:
        steps.append(f"failed {was.g.user_id} {exc_info[0].__name__}")
        return was.response("501 Server Error", was.render("err501.htm", msg="We're sorry but something's going wrong"))

    @app.teardown_request
    def teardown_request(was: Any) -> None:
        if "resource" in was.g.__dict__:
            was.g.resource.close()

    @app.route("/view-account")
    def view_account(was: Any, userid: str) -> str:
        was.g.user_id = "jerry"
        was.g.user_status = "active"
        was.g.resource = SimpleNamespace(close=lambda: steps.append("closed"))
        return str(1 / int(userid))

    cli = client_of(app)
    sent = {"X-User": "jerry"}
    assert cli.get("/view-account?userid=1").text == "Not Authorized"
    assert cli.get("/view-account?userid=1", headers=sent).text == "1.0"
    answer = cli.get("/view-account?userid=0", headers=sent)
    assert (answer.status_code, answer.text) == (501, "We&#39;re sorry but something&#39;s going wrong")
    assert steps == ["finish jerry active", "closed", "failed jerry ZeroDivisionError", "closed"]


def test_functions_before_and_after_a_handler(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("index.html", "index")
    steps: list[str] = []

    def pre1(was: Any) -> None:
        steps.append("pre1")

    def pre2(was: Any) -> None:
        steps.append("pre2")

    def post1(was: Any) -> None:
        steps.append("post1")

    @app.route("/")
    @app.run_before(pre1, pre2)
    @app.run_after(post1)
    def index(was: Any) -> Any:
        steps.append("index")
        return was.render("index.html")

    assert client_of(app).get("/").text == "index"
    assert steps == ["pre1", "pre2", "index", "post1"]


def test_work_when_a_file_or_a_key_has_changed(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("1")
    seen: list[str] = []
    app.deflu("weather-news")

    def reload_config(was: Any, path: str) -> None:
        seen.append(Path(path).read_text())

    def reload_cache(was: Any, key: str) -> None:
        seen.append(key)

    @app.route("/")
    @app.if_file_modified(str(config), reload_config, interval=0)
    @app.if_updated("weather-news", reload_cache, interval=0)
    def index(was: Any) -> str:
        return ", ".join(seen)

    @app.route("/weather")
    def add_weather(was: Any) -> str:
        was.setlu("weather-news")
        return ""

    cli = client_of(app)
    assert cli.get("/").text == "1, weather-news"  # the first call always
    config.write_text("22")
    later = time.time() + 5
    os.utime(config, (later, later))
    assert cli.get("/").text == "1, weather-news, 22"
    cli.get("/weather")
    assert cli.get("/").text == "1, weather-news, 22, weather-news"


def test_objects_for_all_apps(app: Atila, client_of: ClientOf) -> None:
    class Searcher:
        """Something made once and used by every app."""

        def __init__(self, threads: int) -> None:
            self.threads = threads
            self.state = "new"

        def query(self, text: str) -> str:
            return f"{text} {self.state}"

        def reset(self) -> None:
            self.state = "reset"

        def close(self) -> None:
            self.state = "closed"

    made: list[Searcher] = []

    @app.before_mount
    def before_mount(wac: Any) -> None:
        assert wac.logger.get("app") is not None
        assert wac.logger.make_logger("login", "daily") is not None
        assert wac.config is app.config
        made.append(Searcher(wac.numthreads))
        wac.register("searcher", made[0])

    @app.before_reload
    def before_remount(wac: Any) -> None:
        wac.searcher.reset()

    @app.umounted
    def umounted(wac: Any) -> None:
        wac.searcher.close()
        wac.unregister("searcher")

    other = Atila("other")
    other.platform = app.platform
    other.route("/")(lambda was: was.searcher.query("news"))
    app.route("/")(lambda was: was.searcher.query("ipad"))
    cli = TestClient(app)
    with cli, TestClient(other) as beside:
        assert (cli.get("/").text, beside.get("/").text) == ("ipad new", "news new")
        asyncio.run(app.reload([]))
        assert beside.get("/").text == "news reset"
    assert made[0].state == "closed"


def test_a_cache_filled_when_mounted_and_reloaded(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    app.alias("@mydb", DB_SQLITE3, str(tmp_path / "states.db"))

    def create_cache(res: Any) -> None:
        app.store.set("STATENAMES", {row.code: row.name for row in res.data})

    @app.mounted
    def mounted(was: Any) -> None:
        with was.db("@mydb") as db:
            db.execute("CREATE TABLE states (code, name)").commit()
            db.execute("INSERT INTO states VALUES ('VA', 'Virginia')").commit()
        was.db("@mydb", callback=create_cache).execute("select code, name from states;")

    @app.reloaded
    def reloaded(was: Any) -> None:
        app.store.set("STATENAMES", {})

    app.route("/")(lambda was: was.API(app.store.get("STATENAMES")))
    cli = client_of(app)
    end = time.monotonic() + 5
    while not app.store.get("STATENAMES") and time.monotonic() < end:
        time.sleep(0.01)
        cli.open()
    assert cli.get("/").data == {"VA": "Virginia"}


def test_handlers_of_the_frameworks_events(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("page.html", "{{ n }}")
    seen: list[Any] = []

    @app.on(atila.app_starting)
    def app_starting_handler(wasc: Any) -> None:
        seen.append("starting")

    @app.on(atila.request_failed)
    def request_failed_handler(was: Any, exc_info: Any) -> None:
        seen.append(exc_info[0].__name__)

    @app.on(atila.template_rendering)
    def template_rendering_handler(was: Any, template: Any, params: Any) -> None:
        seen.append(params["n"])

    app.route("/")(lambda was: was.render("page.html", n=7))
    app.route("/fail")(lambda was: 1 / 0)
    cli = client_of(app)
    cli.get("/")
    cli.get("/fail")
    assert seen == ["starting", 7, "ZeroDivisionError"]


def test_the_store_and_a_job(app: Atila, client_of: ClientOf) -> None:
    app.config.maintain_interval = 0.02
    app.defgs("cluster.num-nodes")
    app.store.set("num-nodes", 0)
    app.store.set("total-user", 1)
    told: list[float] = []

    @app.route("/users")
    def users(was: Any, current_users: int) -> str:
        total = app.store.get("total-user")
        app.store.set("total-user", total + current_users)
        was.setgs("cluster.num-nodes", 3)
        return str(app.store.get("total-user"))

    @app.maintain
    def maintain_num_nodes(was: Any, now: Any, count: int) -> None:
        num_nodes = was.getgs("cluster.num-nodes")
        if app.store["num-nodes"] != num_nodes:
            app.store["num-nodes"] = num_nodes
            app.broadcast("cluster:num_nodes")

    @app.on_broadcast("cluster:num_nodes")
    def told_of(was: Any) -> None:
        told.append(app.store["num-nodes"])

    cli = client_of(app)
    assert cli.get("/users?current_users=2").text == "3"
    end = time.monotonic() + 5
    while not told and time.monotonic() < end:
        time.sleep(0.01)
        cli.get("/none")
    assert told == [3]


def test_events_of_ones_own(app: Atila, client_of: ClientOf) -> None:
    seen: list[Any] = []

    @app.on("user-updated")
    def user_updated(was: Any, user: Any) -> None:
        seen.append(user)

    @app.route("/users", methods=["POST"])
    def users(was: Any) -> str:
        args = was.request.json()
        app.emit("user-updated", args["userid"])
        return ""

    assert client_of(app).post("/users", json={"userid": "hans"}).status_code == 200
    assert seen == ["hans"]


def test_a_chain_of_events(app: Atila, client_of: ClientOf) -> None:
    seen: list[str] = []

    @app.on("photo-updated")
    def photo_updated(was: Any) -> None:
        seen.append("photo")

    @app.on("user-updated")
    @app.emit_after("photo-updated")
    def user_updated(was: Any) -> None:
        seen.append("user")

    @app.route("/users", methods=["POST"])
    @app.emit_after("user-updated")
    def users(was: Any) -> str:
        seen.append(was.request.json()["userid"])
        return ""

    client_of(app).post("/users", json={"userid": "hans"})
    assert seen == ["hans", "user", "photo"]


def test_a_broadcast_from_app_to_app(app: Atila, tmp_path: Path) -> None:
    app.alias("@userdb", DB_SQLITE3, str(tmp_path / "users.db"))
    app.alias("@photodb", DB_SQLITE3, str(tmp_path / "photos.db"))
    photos = Atila("photos")
    photos.platform = app.platform

    @app.mounted
    def make(was: Any) -> None:
        for name in ("@userdb", "@photodb"):
            was.sqlite3(name).execute("CREATE TABLE changed (userid)").commit()

    @photos.on_broadcast("user:data-added")
    def refresh_user_cache(was: Any, userid: str) -> None:
        was.sqlite3("@photodb").execute("INSERT INTO changed VALUES (?)", (userid,)).commit()

    @app.route("/users", methods=["PATCH"])
    def users(was: Any) -> Any:
        args = was.request.json()
        was.sqlite3("@userdb").execute("INSERT INTO changed VALUES (?)", (args["userid"],)).commit()
        was.broadcast("user:data-added", args["userid"])
        return was.response("200 OK", json.dumps({}), [("Content-Type", "application/json")])

    @app.route("/after", methods=["PATCH"])
    @app.broadcast_after("some-event")
    def after(was: Any) -> str:
        return ""

    heard: list[str] = []
    photos.on_broadcast("some-event")(lambda was: heard.append("some-event"))
    photos.route("/changed")(lambda was: was.API(rows=was.sqlite3("@photodb").execute("SELECT * FROM changed").fetch()))
    with TestClient(app) as cli, TestClient(photos, "/photos") as beside:
        answer = cli.patch("/users", json={"userid": "hans"})
        assert (answer.data, answer.headers["content-type"]) == ({}, "application/json")
        assert beside.get("/photos/changed").data == {"rows": [{"userid": "hans"}]}
        cli.patch("/after")
        assert heard == ["some-event"]
