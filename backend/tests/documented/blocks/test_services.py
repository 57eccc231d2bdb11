"""Blocks on service modules: how they lie beside an app, are mounted, named and told options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documented.conftest import ClientOf
from tests.documented.project import Project

LOGIN = """
def __mount__(app):
    @app.route("/login")
    def login(was):
        return was.ab("{}login".format(__mntopt__.get("ns") and __mntopt__["ns"] + "." or ""))
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(tmp_path)
    yield made
    made.forget()


def page(project: Project, name: str, text: str) -> None:
    path = project.folder / "templates" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_service_with_a_helper_beside_it(project: Project, client_of: ClientOf) -> None:
    project.service("helpers", "def titlize(text):\n    return text.title()\n")
    project.service(
        "views",
        """
from . import helpers

def __mount__(app):
    @app.route("/")
    def index(was):
        return was.render("index.html", title=helpers.titlize("first page"))
""",
    )
    page(project, "index.html", "{{ title }}")
    assert client_of(project.app()).get("/").text == "First Page"


def test_services_in_packages(project: Project, client_of: ClientOf) -> None:
    for name in ("views/index", "views/regist", "apis/codemap"):
        path = "/" if name == "views/index" else f"/{name.rpartition('/')[2]}"
        project.write(f"services/{name}", f"def __mount__(app):\n    app.route({path!r})(lambda was: {name!r})\n")
        project.write(f"services/{name.partition('/')[0]}/__init__", "")
    package = f"{project.name}.services"
    project.write(
        "app",
        f"from atila import Atila\nfrom {package}.views import index, regist\nfrom {package}.apis import codemap\n\n"
        "app = Atila(__name__)\n",
    )
    cli = client_of(project.app())
    assert [cli.get(path).text for path in ("/", "/regist", "/codemap")] == [
        "views/index",
        "views/regist",
        "apis/codemap",
    ]


def test_signing_in_and_out_by_a_service(project: Project, client_of: ClientOf) -> None:
    project.service(
        "auth",
        """
def authenticate(username, password):
    return username if password == "1234" else None

def __mount__(app):
    @app.login_handler
    def login_handler(was):
        if was.session.get("username"):
            return
        next_url = not was.request.uri.endswith("signout") and was.request.uri or ""
        return was.redirect(was.ab("signin", next_url))

    @app.route("/")
    @app.login_required
    def index(was):
        return "Hello " + was.session["username"]

    @app.route("/signout")
    def signout(was):
        was.session.remove("username")
        was.mbox.push("Signed out successfully", "success")
        return was.redirect(was.ab("index"))

    @app.route("/signin")
    def signin(was, next_url=None, **form):
        if was.request.args.get("username"):
            user = authenticate(was.request.args["username"], was.request.args["password"])
            if user:
                was.session.set("username", was.request.args["username"])
                return was.redirect(was.request.args["next_url"])
            was.mbox.push("Invalid User Name or Password", "error", icon="new_releases")
        return was.render("sign/signin.html", next_url=next_url or was.ab("index"))
""",
    )
    page(
        project,
        "sign/signin.html",
        "{% for note in was.mbox.get() %}{{ note.category }}: {{ note.msg }} {% endfor %}next {{ next_url }}",
    )
    app = project.app()
    app.securekey = "k" * 32

    @app.default_error_handler
    def default_error_handler(was: Any, e: Any) -> str:
        return str(e)

    cli = client_of(app)
    answer = cli.get("/")
    assert (answer.status_code, answer.headers["location"]) == (302, "/signin?next_url=%2F")
    form = {"username": "hans", "password": "1", "next_url": "/"}
    assert cli.post("/signin", form).text == "error: Invalid User Name or Password next /"
    assert cli.post("/signin", form | {"password": "1234"}).headers["location"] == "/"
    assert cli.get("/").text == "Hello hans"
    assert cli.get("/signout").headers["location"] == "/"
    assert cli.get("/signin").text == "success: Signed out successfully next /"
    assert "'code': 404" in cli.get("/nothing").text


@pytest.mark.parametrize(("named", "url"), [({}, "/regist/login"), ({"ns": "regist"}, "/regist/login")])
def test_a_prefix_and_a_namespace(project: Project, client_of: ClientOf, named: dict[str, str], url: str) -> None:
    auth = project.service("auth", LOGIN)
    app = project.app()
    app.auto_mount = False
    app.mount("/regist", auth, **named)
    page(project, "index.html", "{{ was.ab('regist.login' if named else 'login') }}")
    app.route("/")(lambda was: was.render("index.html", named=named))
    cli = client_of(app)
    assert cli.get("/regist/login").text == cli.get("/").text == url


def test_options_of_a_mount(project: Project, client_of: ClientOf) -> None:
    auth = project.service(
        "auth",
        """
def __mount__(app):
    @app.route("/regist/signout")
    def signout(was):
        return was.redirect(was.ab(__mntopt__.get("redirect", "index")))
""",
    )
    debug = project.service("debug", "def __mount__(app):\n    app.route('/debug')(lambda was: 'debug')\n")
    private = project.service("private", "def __mount__(app):\n    app.route('/private')(lambda was: 'private')\n")
    app = project.app()
    app.auto_mount = False
    app.mount(auth, redirect="home")
    app.mount(debug, debug_only=True)
    app.mount(private, authenticate="bearer")

    @app.route("/home")
    def home(was: Any) -> str:
        return "home"

    app.securekey = "k" * 32
    cli = client_of(app)
    assert auth.__mntopt__["redirect"] == "home"
    assert cli.get("/regist/signout").headers["location"] == "/home"
    assert cli.get("/debug").status_code == 404
    assert cli.get("/private").status_code == 401


def test_a_resource_closed_with_its_service(project: Project, client_of: ClientOf) -> None:
    service = project.service(
        "files",
        """
class Resource:
    closed = False

    def close(self):
        self.closed = True

resource = Resource()

def __mount__(app):
    app.something = resource

def __umount__(app):
    resource.close()
    app.something = None
""",
    )
    app: Any = project.app()
    with app.test_client() as cli:
        cli.get("/")
        assert app.something is service.resource
    assert (service.resource.closed, app.something) == (True, None)


def test_urls_within_a_namespace(project: Project, client_of: ClientOf) -> None:
    auth = project.service(
        "auth",
        """
def __mount__(app):
    @app.route("/func1")
    def func1(was, a):
        return a

    @app.route("/func2")
    def func2(was):
        named = "{}func1".format(__mntopt__.get("ns") and __mntopt__["ns"] + "." or "")
        return was.API(by_name=was.ab(named, "hello"), by_function=was.ab(func1, "hello"))
""",
    )
    app = project.app()
    app.auto_mount = False
    app.mount("/in", auth, ns="auth")
    assert client_of(app).get("/in/func2").data == dict.fromkeys(("by_name", "by_function"), "/in/func1?a=hello")


def test_several_modules_below_one_prefix(project: Project, client_of: ClientOf) -> None:
    modules = [
        project.service(name, f"def __mount__(app):\n    app.route('/{name}')(lambda was: '{name}')\n")
        for name in ("auth", "index", "pets")
    ]
    app = project.app()
    app.auto_mount = False
    app.mount("/v2", *modules[:2])
    app.mount("/v2", modules[2])
    cli = client_of(app)
    assert [cli.get(f"/v2/{name}").text for name in ("auth", "index", "pets")] == ["auth", "index", "pets"]
