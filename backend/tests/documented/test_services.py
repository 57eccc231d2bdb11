"""Chapter 7, first half: mounting service modules, and loading them anew."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from atila import Atila, RouteError
from atila.testing.client import TestClient
from tests.documented.conftest import ClientOf
from tests.documented.project import Project

AUTH = """
    closed = []

    def __mount__(app):
        @app.route("/login")
        def login(was):
            return was.ab(login) + " " + str(__mntopt__.get("redirect"))

    def __umount__(app):
        closed.append(__mntopt__["point"])
""".replace("\n    ", "\n")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.forget()


def reload(cli: TestClient, *files: Path) -> list[str]:
    return asyncio.run(cli.app.reload(list(files)))


@pytest.mark.row("7.1", "7.2")
def test_imported_services_mount_themselves(project: Project, client_of: ClientOf) -> None:
    project.service("auth", AUTH)
    project.service("pets/dogs", "def __mount__(app):\n    app.route('/dogs')(lambda was: 'dogs')\n")
    project.service("words", "def titlize(text):\n    return text.title()\n")
    cli = client_of(project.app())
    assert cli.get("/login").text == "/login None"
    assert cli.get("/dogs").text == "dogs"


@pytest.mark.row("7.1")
@pytest.mark.parametrize("hook", ["__mount__(app)", "__setup__(app)", "mount(app)", "__mount__(context, app)"])
def test_older_and_newer_names_of_the_hook(project: Project, client_of: ClientOf, hook: str) -> None:
    project.service("auth", f"def {hook}:\n    app.route('/login')(lambda was: 'in')\n")
    assert client_of(project.app()).get("/login").text == "in"


@pytest.mark.row("7.1")
def test_a_mount_that_comes_from_elsewhere_is_no_hook(project: Project, client_of: ClientOf) -> None:
    project.service("disks", "from posixpath import ismount as mount\n")
    assert client_of(project.app()).get("/").status_code == 404


@pytest.mark.row("7.3")
def test_without_auto_mount_only_named_modules_are_mounted(project: Project, client_of: ClientOf) -> None:
    project.service("auth", AUTH)
    search = project.service("search", "def __mount__(app):\n    app.route('/search')(lambda was: 'found')\n")
    app = project.app()
    app.auto_mount = False
    app.mount(search)
    cli = client_of(app)
    assert (cli.get("/search").text, cli.get("/login").status_code) == ("found", 404)


@pytest.mark.row("7.4", "7.5", "7.6")
def test_a_prefix_goes_before_every_rule(project: Project, client_of: ClientOf) -> None:
    auth, pets = project.service("auth", AUTH), project.service("pets", AUTH.replace("login", "pets"))
    more = project.service("more", AUTH.replace("login", "more"))
    app = project.app()
    app.mount("/v2/", auth, pets)
    app.mount(more, mount="/v3")
    cli = client_of(app, "/sub")
    assert cli.get("/sub/v2/login").text == "/sub/v2/login None"
    assert cli.get("/sub/v2/pets").text == "/sub/v2/pets None"
    assert cli.get("/sub/v3/more").text == "/sub/v3/more None"
    assert cli.get("/sub/login").status_code == 404


@pytest.mark.row("7.4")
def test_what_cannot_be_mounted_is_refused_at_once(app: Atila) -> None:
    with pytest.raises(RouteError, match="starts with no slash"):
        app.mount("v2", threading)
    with pytest.raises(RouteError, match="names no module"):
        app.mount("/v2")
    with pytest.raises(RouteError, match="threading has no __mount__"):
        app.mount("/v2", threading)


@pytest.mark.row("7.7")
def test_a_namespace_goes_before_every_name(project: Project, client_of: ClientOf) -> None:
    app = project.app()
    app.mount("/regist", project.service("auth", AUTH), ns="regist")
    cli = client_of(app)
    assert app.build_url("regist.login") == "/regist/login"
    assert cli.get("/regist/login").text == "/regist/login None"
    with pytest.raises(NameError):
        app.build_url("login")


@pytest.mark.row("7.8")
def test_debug_only_services_are_not_there_otherwise(project: Project, client_of: ClientOf) -> None:
    app = project.app()
    app.mount(project.service("auth", AUTH), debug_only=True)
    cli = client_of(app)
    assert cli.get("/login").status_code == 404
    cli.close()
    app.debug = True
    assert client_of(app).get("/login").status_code == 200


@pytest.mark.row("7.9")
def test_authentication_of_a_whole_module(project: Project, client_of: ClientOf) -> None:
    app = project.app()
    app.securekey = "s" * 40
    app.mount(project.service("auth", AUTH), authenticate="bearer")
    app.route("/open")(lambda was: was.mkjwt({"username": "hans"}))
    cli = client_of(app)
    refused = cli.get("/login")
    assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
    token = cli.get("/open").text
    assert cli.get("/login", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.row("7.10")
def test_a_module_finds_its_options(project: Project, client_of: ClientOf) -> None:
    auth = project.service("auth", AUTH)
    app = project.app()
    app.mount("/regist", auth, ns="regist", redirect="index")
    assert client_of(app).get("/regist/login").text == "/regist/login index"
    assert auth.__mntopt__ == {"ns": "regist", "redirect": "index", "point": "/regist"}


@pytest.mark.row("7.11")
def test_umount_runs_when_the_app_stops(project: Project, client_of: ClientOf) -> None:
    auth = project.service("auth", AUTH)
    app = project.app()
    app.mount("/a", auth)
    cli = client_of(app)
    assert auth.closed == []
    cli.close()
    assert auth.closed == ["/a"]
    assert client_of(app).get("/a/login").status_code == 200  # and once more


@pytest.mark.row("7.12")
def test_a_module_mounted_twice_serves_both_with_their_own_options(project: Project, client_of: ClientOf) -> None:
    auth = project.service("auth", AUTH)
    app = project.app()
    app.mount("/a", auth, ns="a", redirect="one")
    app.mount("/b", auth, ns="b", redirect="two")
    cli = client_of(app)
    for _ in range(2):
        assert cli.get("/a/login").text == "/a/login one"
        assert cli.get("/b/login").text == "/b/login two"
    assert set(auth.__mntopt__) == {"ns", "redirect", "point"}
    cli.close()
    assert sorted(auth.closed) == ["/a", "/b"]


@pytest.mark.row("1.18", "7.1", "7.11")
def test_a_changed_module_is_loaded_anew_and_the_others_stay(project: Project, client_of: ClientOf) -> None:
    auth = project.service("auth", AUTH)
    project.service("pets", AUTH.replace("login", "pets"))
    cli = client_of(project.app())
    file = project.write("services/auth", AUTH.replace('"/login"', '"/signin"').replace('" "', '" new "'))
    assert reload(cli, file) == [auth.__name__]
    assert cli.get("/signin").text == "/signin new None"
    assert cli.get("/login").status_code == 404
    assert cli.get("/pets").text == "/pets None"
    assert auth.closed == [""]
    assert reload(cli, file.with_name("nothing.py")) == []


@pytest.mark.row("1.18")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def __mount__(app:\n", "SyntaxError"),
        ("import no_such_module\n", "ModuleNotFoundError"),
        ("x = 1\n", "has no __mount__"),
        ("def __mount__(app):\n    app.route('/pets')(lambda was: '')\n", "routed twice"),
        ("def __mount__(app):\n    raise ValueError('broken')\n", "broken"),
    ],
)
def test_a_broken_module_keeps_its_old_version_serving(
    project: Project, client_of: ClientOf, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    auth = project.service("auth", AUTH)
    project.service("pets", AUTH.replace("login", "pets"))
    app = project.app()
    cli = client_of(app)
    with caplog.at_level(logging.ERROR):
        assert reload(cli, project.write("services/auth", text)) == []
    assert f"{auth.__name__} could not be reloaded and stays as it was" in caplog.text
    assert said in app.services.broken[auth.__name__]
    assert [cli.get("/login").text, cli.get("/pets").text] == ["/login None", "/pets None"]
    assert reload(cli, project.write("services/auth", AUTH)) == [auth.__name__]
    assert app.services.broken == {}


@pytest.mark.row("1.18")
def test_a_debugging_app_shows_in_the_browser_what_could_not_be_reloaded(project: Project, client_of: ClientOf) -> None:
    project.service("auth", AUTH)
    app = project.app()
    app.debug = True
    app.route("/data")(lambda was: was.API(a=1))
    cli = client_of(app)
    reload(cli, project.write("services/auth", "def __mount__(app:\n    <b>\n"))
    page = cli.get("/login")
    assert page.text.startswith("/login None<pre")
    assert "SyntaxError" in page.text
    assert "<b>" not in page.text
    data = cli.get("/data")
    assert data.data == {"a": 1}
    assert "services.auth could not be reloaded" in data.headers["x-reload-error"]
    reload(cli, project.write("services/auth", AUTH))
    assert cli.get("/login").text == "/login None"
    assert app.hooks.teardown is None


@pytest.mark.row("1.18")
def test_what_uses_a_changed_module_is_loaded_anew_too(project: Project, client_of: ClientOf) -> None:
    words = project.service("words", "def title(text):\n    return text.title()\n")
    views = project.service(
        "views",
        "from . import words\nfrom .words import title\n"
        "def __mount__(app):\n"
        "    app.route('/')(lambda was: title('a') + words.title('b'))\n",
    )
    cli = client_of(project.app())
    assert cli.get("/").text == "AB"
    file = project.write("services/words", "def title(text):\n    return text * 2\n")
    assert reload(cli, file) == [words.__name__, views.__name__]
    assert cli.get("/").text == "aabb"


@pytest.mark.row("1.18")
def test_what_a_module_declared_goes_with_it(project: Project, client_of: ClientOf) -> None:
    seen = (
        "def __mount__(app):\n"
        "    app.on('hit')(lambda was: app.store.change('seen', lambda n: n + {0}, 0))\n"
        "    app.before_request(lambda was: was.app.store.set('before', {0}))\n"
    )
    project.service("auth", seen.format(1))
    app = project.app()
    app.route("/")(app.emit_after("hit")(lambda was: "ok"))
    cli = client_of(app)
    cli.get("/")
    assert (app.store.get("seen"), app.store.get("before")) == (1, 1)
    reload(cli, project.write("services/auth", seen.format(10)))
    cli.get("/")
    assert (app.store.get("seen"), app.store.get("before")) == (11, 10)


@pytest.mark.row("1.18")
def test_requests_that_run_meanwhile_are_all_answered(project: Project, client_of: ClientOf) -> None:
    project.service("auth", AUTH)
    cli = client_of(project.app())
    stop = threading.Event()
    text = AUTH.replace('" "', '" {} "')

    def change() -> None:
        for number in range(30):
            reload(cli, project.write("services/auth", text.format(number)))
        stop.set()

    changer = threading.Thread(target=change)
    changer.start()
    answers = set()
    while not stop.is_set():
        answers.add(cli.get("/login").status_code)
    changer.join()
    assert answers == {200}
    assert cli.get("/login").text == "/login 29 None"
