"""Chapter 9, second half: events of one app, and those that every app of the process hears."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import Any

import pytest

import atila
from atila import Atila, Was
from atila.testing.wires import ServerCall
from tests.documented.conftest import ClientOf


@pytest.mark.row("9.7", "9.8")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_handlers_of_an_event_run_where_it_is_emitted(app: Atila, client_of: ClientOf, asynchronous: bool) -> None:
    trace: list[Any] = []

    @app.on("user-updated", "user-added")
    def user_updated(was: Was, user: str, *, by: str = "") -> None:
        trace.append((was.request.path, user, by, threading.get_ident()))

    def plain(was: Was, user: str) -> str:
        app.emit("user-updated", user, by="me")
        app.emit("user-added", user)
        app.emit("nobody-listens", user)
        trace.append(threading.get_ident())
        return ""

    async def coroutine(was: Was, user: str) -> str:
        return plain(was, user)

    app.route("/users")(coroutine if asynchronous else plain)
    client_of(app).get("/users?user=hans")
    here = trace[2]
    assert trace == [("/users", "hans", "me", here), ("/users", "hans", "", here), here]


@pytest.mark.row("9.7")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_coroutine_may_handle_an_event(app: Atila, client_of: ClientOf, asynchronous: bool) -> None:
    trace: list[str] = []
    done = threading.Event()

    @app.on("hit")
    async def hit(was: Was) -> None:
        await asyncio.sleep(0)
        trace.append(was.request.path)
        done.set()

    app.on("hit")(lambda was: asyncio.sleep(0))

    @app.on(atila.request_starting)
    async def starting(was: Was) -> None:
        await asyncio.sleep(0)
        trace.append("starting")

    def plain(was: Was) -> str:
        app.emit("hit")
        return ",".join(trace)

    async def coroutine(was: Was) -> str:
        app.emit("hit")
        await asyncio.to_thread(done.wait)  # a coroutine's event runs beside it
        return ",".join(trace)

    app.route("/")(coroutine if asynchronous else plain)
    assert client_of(app).get("/").text == "starting,/"


@pytest.mark.row("9.7")
def test_a_handler_that_fails_is_logged_and_stops_nothing(
    app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture
) -> None:
    trace: list[str] = []

    @app.on("hit", atila.request_starting)
    def broken(was: Was) -> None:
        raise ValueError("broken handler")

    app.on("hit")(lambda was: trace.append("second"))
    app.route("/")(app.emit_after("hit")(lambda was: "ok"))
    with caplog.at_level(logging.ERROR):
        assert client_of(app).get("/").text == "ok"
    assert trace == ["second"]
    assert "event hit: its handler" in caplog.text
    assert "event request:started: its handler" in caplog.text
    assert "broken handler" in caplog.text


@pytest.mark.row("9.7")
def test_an_event_has_a_name(app: Atila) -> None:
    with pytest.raises(TypeError, match="takes the names of events"):
        app.on()
    with pytest.raises(TypeError, match="takes the names of events"):
        app.on(lambda was: None)  # type: ignore[arg-type]  # the mistake is the test


@pytest.mark.row("9.9")
def test_emit_after_makes_chains(app: Atila, client_of: ClientOf) -> None:
    trace: list[str] = []

    @app.on("photo-updated")
    def photo_updated(was: Was) -> None:
        trace.append("photo")

    @app.on("user-updated")
    @app.emit_after("photo-updated")
    def user_updated(was: Was) -> None:
        trace.append("user")

    @app.route("/users")
    @app.emit_after("user-updated")
    def users(was: Was, fail: bool = False) -> str:
        trace.append("view")
        return str(1 / 0) if fail else ""

    cli = client_of(app)
    cli.get("/users")
    assert trace == ["view", "user", "photo"]
    cli.get("/users?fail=1")
    assert trace[3:] == ["view"]


@pytest.mark.row("9.10")
def test_the_names_of_events() -> None:
    assert atila.app_starting == "app:starting"
    assert atila.request_starting == "request:started"
    assert atila.request_success == "request:success"
    assert atila.request_failed == "request:failed"
    assert atila.request_tearing_down == "request:teardown"
    assert atila.request_finished == "request:finished"


@pytest.mark.row("9.10")
def test_a_failed_requests_event_has_the_exception(app: Atila, client_of: ClientOf) -> None:
    seen: list[str] = []
    app.on(atila.request_failed)(lambda was, exc_info: seen.append(exc_info[0].__name__))
    app.route("/")(lambda was: 1 / 0)
    client_of(app).get("/")
    assert seen == ["ZeroDivisionError"]


@pytest.mark.row("9.7", "9.8")
def test_outside_a_request_handlers_get_a_was_without_one(app: Atila, client_of: ClientOf) -> None:
    seen: list[Was] = []
    app.on("hit")(seen.append)
    app.route("/")(lambda was: "")
    cli = client_of(app)
    cli.get("/")
    app.emit("hit")
    with pytest.raises(RuntimeError, match=r"no was\.request"):
        seen[0].request  # noqa: B018 - reading it is the test


@pytest.mark.row("9.8")
def test_requests_side_by_side_keep_their_was(app: Atila, client_of: ClientOf) -> None:
    seen: list[tuple[str, str]] = []
    app.on("hit")(lambda was, user: seen.append((was.request.URL.user, user)))

    @app.route("/")
    def index(was: Was, user: str) -> str:
        time.sleep(0.01)
        app.emit("hit", user)
        return ""

    async def many() -> None:
        headers = [("host", "testserver")]
        calls = [ServerCall("GET", "/", f"user={number}", headers, None) for number in range(8)]
        await asyncio.gather(*(cli._call(cli.adapter, call) for call in calls))

    cli = client_of(app, threads=4)
    assert cli._loop is not None
    cli._loop.run_until_complete(many())
    assert sorted(seen) == [(str(number), str(number)) for number in range(8)]


def neighbours(app: Atila) -> Atila:
    """Return a second app, mounted at /photos beside the first."""
    photos = Atila("photos")
    photos.root = "/photos"
    photos.route("/all")(_named("all_photos"))
    app.platform.apps["photos"] = photos
    photos.platform = app.platform
    return photos


def _named(name: str) -> Any:
    def handler(was: Was) -> str:
        return ""

    handler.__name__ = name
    return handler


@pytest.mark.row("9.12", "9.15")
def test_a_broadcast_reaches_every_app_of_the_process(app: Atila, client_of: ClientOf) -> None:
    seen: list[Any] = []
    photos = neighbours(app)

    @photos.on_broadcast("user:data-added", "user:data-removed")
    def refresh(was: Was, user: int, **more: object) -> None:
        seen.append((was.app.name, was.ab("all_photos"), was.request.path, user, more))

    app.on_broadcast("user:data-added")(lambda was, user, **more: seen.append((was.app.name, user)))
    app.on("user:data-added")(lambda was, *rest: seen.append("another bus"))
    app.route("/users")(lambda was: was.broadcast("user:data-added", 7, by="me") or "")
    client_of(app).get("/users")
    assert sorted(seen, key=repr) == [
        ("photos", "/photos/all", "/users", 7, {"by": "me"}), ("tests", 7),
    ]  # fmt: skip


@pytest.mark.row("9.13")
def test_an_app_may_broadcast_too(app: Atila, client_of: ClientOf) -> None:
    seen: list[Any] = []
    neighbours(app).on_broadcast("cluster:num_nodes")(lambda was, *rest: seen.append((was.app.name, rest)))
    client_of(app)
    app.broadcast("cluster:num_nodes", 5)
    assert seen == [("photos", (5,))]


@pytest.mark.row("9.14")
def test_broadcast_after(app: Atila, client_of: ClientOf) -> None:
    seen: list[str] = []
    neighbours(app).on_broadcast("some-event")(lambda was: seen.append(was.request.path))

    @app.route("/users")
    @app.broadcast_after("some-event")
    def users(was: Was, fail: bool = False) -> str:
        return str(1 / 0) if fail else "ok"

    cli = client_of(app)
    assert cli.get("/users").text == "ok"
    cli.get("/users?fail=1")
    assert seen == ["/users"]
