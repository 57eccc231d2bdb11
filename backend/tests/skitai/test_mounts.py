"""Which of what is mounted answers: existing file, app route, folder index, fallback of a single-page application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, SettingError
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import FileBody, Response
from skitai.engine import Engine

PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
Ask = Callable[..., Response]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "guide").mkdir()
    (folder / "index.html").write_text("the application")
    (folder / "taken.txt").write_text("the file")
    (folder / "guide" / "index.html").write_text("the guide")
    (folder / "assets" / "app.js").write_text("js")
    return folder


def make_app() -> Atila:
    app = Atila("tests.shop")

    @app.route("/taken.txt", methods=["GET", "POST"])
    def taken(was: Any) -> Any:
        return "the route"

    @app.route("/users")
    def users(was: Any) -> Any:
        return "the route"

    @app.route("/api/v1/photos")
    def photos(was: Any) -> Any:
        return was.API(photos=[])

    return app


def site(engine: Engine) -> Ask:
    """Build what is mounted and return a function that asks it."""
    mounts = engine.build()

    async def answer(request: Request) -> Response:
        await mounts.start(asyncio.get_running_loop())
        return await mounts.resolve(request).respond(request)

    def ask(path: str, method: str = "GET", accept: str = PAGE, host: str = "127.0.0.1") -> Response:
        path, _, query = path.partition("?")
        request = Request(method, path, query, Headers([("accept", accept), ("host", host)]))
        return asyncio.run(answer(request))

    return ask


def text(response: Response) -> str:
    body = response.body
    return Path(body.path).read_text() if isinstance(body, FileBody) else bytes(body).decode()


@pytest.fixture
def ask(dist: Path) -> Ask:
    engine = Engine(dist.parent)
    engine.mount("/", "dist")
    engine.mount("/", make_app())
    return site(engine)


def test_an_existing_file_comes_before_a_route(ask: Ask) -> None:
    assert text(ask("/taken.txt")) == "the file"
    assert ask("/taken.txt", "HEAD").status == 200


def test_other_methods_go_to_the_app(ask: Ask) -> None:
    assert text(ask("/taken.txt", "POST")) == "the route"


def test_a_route_comes_before_the_fallback(ask: Ask) -> None:
    assert text(ask("/users")) == "the route"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/photos/7/edit", "/rpc2", "/apis", "/web"])
def test_a_deep_link_gets_the_application(ask: Ask, path: str) -> None:
    response = ask(path)
    assert (response.status, text(response)) == (200, "the application")
    assert response.get_header("cache-control") == "no-cache"


@pytest.mark.parametrize(
    ("path", "method", "accept"),
    [
        ("/api/v1/nothing", "GET", PAGE),
        ("/api", "GET", PAGE),
        ("/rpc/nothing", "GET", PAGE),
        ("/ws/nothing", "GET", PAGE),
        ("/.well-known/nothing", "GET", PAGE),
        ("/assets/app-old.js", "GET", PAGE),
        ("/missing.png", "GET", PAGE),
        ("/sign-in", "GET", "application/json"),
        ("/sign-in", "GET", "*/*"),
        ("/sign-in", "GET", "text/html;q=0"),
        ("/sign-in", "POST", PAGE),
        ("/sign-in", "DELETE", PAGE),
    ],
)
def test_everything_else_is_a_real_404(ask: Ask, path: str, method: str, accept: str) -> None:
    response = ask(path, method, accept)
    assert response.status == 404
    assert "the application" not in text(response)


def test_an_api_404_is_json(ask: Ask) -> None:
    response = ask("/api/v1/nothing", accept="application/json")
    assert response.get_header("content-type") == "application/json"
    assert '"code":40400' in text(response)


def test_a_wrong_method_on_a_route_stays_405(ask: Ask) -> None:
    assert ask("/users", "DELETE").status == 405


def test_a_folder_index_and_the_redirect_to_it_keeps_the_query(ask: Ask) -> None:
    assert text(ask("/guide/")) == "the guide"
    moved = ask("/guide?page=2")
    assert (moved.status, moved.get_header("location")) == (301, "/guide/?page=2")


@pytest.mark.parametrize("path", ["//evil.example/..", "//evil.example", "/guide//", "///guide"])
def test_no_redirect_leads_to_another_host(ask: Ask, path: str) -> None:
    location = ask(path).get_header("location")
    assert location is None or not location.startswith(("//", "/\\", "http"))


def test_a_folder_without_an_app_is_a_plain_site(dist: Path) -> None:
    engine = Engine(dist.parent)
    engine.mount("/static", "./dist")
    ask = site(engine)
    assert text(ask("/static/taken.txt")) == "the file"
    assert text(ask("/static/")) == "the application"
    assert ask("/static").get_header("location") == "/static/"
    for path in ("/static/deep", "/", "/staticx", "/other"):
        assert ask(path).status == 404, path
    refused = ask("/static/taken.txt", "POST")
    assert (refused.status, refused.get_header("allow")) == (405, "GET, HEAD")


def test_the_fallback_can_be_had_or_left_out_by_name(dist: Path) -> None:
    engine = Engine(dist.parent)
    engine.mount("/", "dist", single_page=False)
    engine.mount("/", make_app())
    assert site(engine)("/sign-in").status == 404
    alone = Engine(dist.parent)
    alone.mount("/", "dist", single_page=True)
    assert text(site(alone)("/sign-in")) == "the application"


def test_a_build_that_is_made_later_is_found(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    engine.mount("/", "./dist")
    engine.mount("/", make_app())
    ask = site(engine)
    assert ask("/").status == 404
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("built")
    assert text(ask("/")) == "built"


def test_the_longest_point_answers(dist: Path) -> None:
    engine = Engine(dist.parent)
    sub = Atila("tests.sub")

    @sub.route("/where")
    def where(was: Any) -> Any:
        return f"{was.request.root}{was.ab('where')}"

    engine.mount("/", make_app())
    engine.mount("/sub", sub)
    ask = site(engine)
    assert text(ask("/users")) == "the route"
    assert text(ask("/sub/where")) == "/sub/sub/where"
    assert ask("/sub/users").status == 404
    assert ask("/subway").status == 404


def test_a_mount_point_without_its_slash_is_redirected_with_its_query() -> None:
    engine = Engine()
    sub = Atila("tests.sub")

    @sub.route("/")
    def index(was: Any) -> Any:
        return "index"

    engine.mount("/sub", sub)
    ask = site(engine)
    moved = ask("/sub?a=1")
    assert (moved.status, moved.get_header("location")) == (301, "/sub/?a=1")
    assert text(ask("/sub/")) == "index"


def test_hosts_have_mounts_of_their_own(dist: Path) -> None:
    engine = Engine(dist.parent)
    engine.mount("/", make_app())
    engine.mount("/", "dist", host="files.example")
    ask = site(engine)
    assert text(ask("/taken.txt", host="files.example:8080")) == "the file"
    assert text(ask("/taken.txt", host="FILES.example.")) == "the file"
    assert text(ask("/taken.txt", host="other.example")) == "the route"
    assert ask("/sign-in", host="files.example").status == 404


def test_mistakes_are_told_when_mounting() -> None:
    engine = Engine()
    with pytest.raises(SettingError, match="starts with '/'"):
        engine.mount("sub", make_app())
    engine.mount("/", make_app())
    engine.mount("/", make_app())
    with pytest.raises(SettingError, match="two apps are mounted at /"):
        engine.build()


def test_the_kill_switch_wins_over_preferences() -> None:
    engine = Engine()
    engine.production = True
    app = make_app()
    preference_app = app
    preference_app.debug = preference_app.use_reloader = True
    engine.mount("/", app)
    engine.build()
    assert (app.debug, app.use_reloader) == (False, False)


def test_apps_know_each_other_by_name_and_share_aliases(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    for name in ("main", "search"):
        (tmp_path / f"{name}.py").write_text("from atila import Atila\napp = Atila(__name__)\n")
    engine.mount("/", "main.py")
    engine.mount("/search", "search.py")
    mounts = engine.build()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(mounts.start(loop))
    assert set(engine.apps) == {"main", "search"}
    engine.apps["main"].alias("@files", "sqlite3", "files.db")
    assert "@files" in engine.apps["search"].platform.aliases
    loop.run_until_complete(mounts.stop())
    loop.close()
