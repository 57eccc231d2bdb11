"""Chapter 1: the app object, its folders, preferences, settings and limits."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

import atila
from atila import Atila, HTTPError, Preference, RouteError, Was
from atila.adapters.asgi import ASGI
from atila.config import DEFAULTS
from tests.documented import bystanders
from tests.documented.conftest import ClientOf


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an app in app.py; what is imported from it is forgotten at the end."""
    (tmp_path / "app.py").write_text(
        "from atila import Atila\n"
        "app = Atila(__name__)\n"
        "app.config.greeting = 'Hello'\n"
        "@app.route('/')\n"
        "def index(was):\n"
        '    return f\'{was.app.config.greeting} {was.app.config.get("name", "you")}\'\n'
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


class Note(msgspec.Struct):
    """What a client writes down."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    done: bool = False


def notebook() -> Atila:
    """A whole application: notes that are read by everybody and written by who holds a token."""
    app = Atila("tests")
    app.securekey = "k" * 40
    notes: dict[int, Note] = {}

    @app.permission_check_handler
    def check(was: Was, permissions: object) -> object:
        return None if was.request.JWT.get("name") else "who are you"

    @app.error_handler(404)
    def missing(was: Was, error: dict[str, Any]) -> object:
        return was.API(problem=error["message"], at=was.request.path)

    @app.route("/notes", methods=["GET"])
    @app.route("/list", methods=["GET", "POST"])
    def listed(was: Was, limit: int = 10) -> object:
        return was.API(notes=[{"id": key, **msgspec.to_builtins(note)} for key, note in notes.items()][:limit])

    @app.route("/notes", methods=["POST"])
    @app.permission_required([])
    def add(was: Was, note: Note) -> object:
        key = len(notes) + 1
        notes[key] = note
        was.response.set_header("location", was.urlfor(one, key))
        return was.API("201 Created", id=key)

    @app.route("/notes/<int:id>", methods=["GET"])
    async def one(was: Was, id: int) -> object:
        if id not in notes:
            raise HTTPError("404 No Such Note")
        return was.API(notes[id])

    return app


@pytest.mark.row("1.1")
def test_the_backend_of_a_small_application(client_of: ClientOf) -> None:
    app = notebook()
    cli = client_of(app)
    token = {"Authorization": f"Bearer {app.tokens.encode({'name': 'Hans', 'exp': 4_000_000_000})}"}
    assert cli.get("/notes").data == {"notes": []}
    assert cli.post("/notes", json={"title": "Milk"}).status_code == 401
    made = cli.post("/notes", json={"title": "Milk"}, headers=token)
    assert (made.status_code, made.data, made.headers["location"]) == (201, {"id": 1}, "/notes/1")
    cli.post("/notes", json={"title": "Bread", "done": True}, headers=token)
    assert cli.get("/notes/1").data == {"title": "Milk", "done": False}
    assert cli.get("/notes?limit=1").data == {"notes": [{"id": 1, "title": "Milk", "done": False}]}

    wrong = cli.get("/notes?limit=many")
    assert (wrong.status_code, wrong.data["code"]) == (400, 40050)
    assert wrong.data["errors"] == [{"name": "limit", "reason": "parameter `limit` should be an integer"}]
    assert cli.post("/notes", json={"title": ""}, headers=token).status_code == 400
    assert cli.get("/notes/9").data == {"problem": "no such note", "at": "/notes/9"}
    assert cli.delete("/notes").status_code == 405

    assert cli.rpc("/").list(1) == {"notes": [{"id": 1, "title": "Milk", "done": False}]}
    document = cli.get("/openapi.json").data
    assert sorted(document["paths"]) == ["/list", "/notes", "/notes/{id}"]
    assert document["paths"]["/notes"]["post"]["security"] == [{"bearer": []}]


@pytest.mark.row("1.7")
def test_importing_atila_changes_nothing_of_others() -> None:
    """Every function and class of every module that Atila imports is the one it was before Atila came."""
    said = bystanders.changes()
    assert said["looked_at"] > 5000
    assert said["changed"] == []


@pytest.mark.row("1.7")
def test_an_app_of_another_framework_beside_ours() -> None:
    ours = Atila("tests")
    ours.root = "/ours"
    ours.route("/")(lambda was: "ours")
    adapter = ASGI(ours)

    async def theirs(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith("/ours/"):
            await adapter(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"theirs"})

    async def get(path: str) -> bytes:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b""}
        await theirs({**scope, "headers": [(b"host", b"a.example")]}, receive, send)
        return b"".join(message.get("body", b"") for message in sent)

    async def visit() -> list[bytes]:
        return [await get("/ours/"), await get("/"), await get("/ours/nothing")]

    first, second, third = asyncio.run(visit())
    assert (first, second) == (b"ours", b"theirs")
    assert msgspec.json.decode(third)["code"] == 40400


@pytest.mark.row("1.3")
def test_an_app_is_made_of_its_modules_name() -> None:
    app = Atila(__name__)
    assert app.name == "test_app"
    assert app.home == Path(__file__).parent
    assert Atila("no.such.module").name == "module"
    assert Atila("no.such.module").home == Path.cwd()


@pytest.mark.row("1.4")
def test_a_handler_gets_was_and_then_its_parameters_by_name(app: Atila, client_of: ClientOf) -> None:
    @app.route("/items/<int:id>", methods=["POST"])
    def item(was: Was, id: int, topic: str, comment: str) -> object:
        return was.API(id=id, topic=topic, comment=comment)

    cli = client_of(app)
    answer = cli.post("/items/100?topic=Python", json={"comment": "It is a good idea"})
    assert answer.data == {"id": 100, "topic": "Python", "comment": "It is a good idea"}
    assert cli.post("/items/100").status_code == 400


@pytest.mark.row("1.4")
def test_the_first_argument_may_have_another_name(app: Atila, client_of: ClientOf) -> None:
    @app.route("/")
    def index(context: Was) -> str:
        return context.request.method

    assert client_of(app).get("/").text == "GET"


@pytest.mark.row("1.4")
def test_a_handler_that_cannot_be_called_is_refused_at_once(app: Atila) -> None:
    def nothing() -> str:
        return ""

    def unnamed(was: Was, *values: str) -> str:
        return ""

    def nameless(was: Was, id: int, /) -> str:
        return ""

    for handler, said in ((nothing, "first argument"), (unnamed, r"\*\*form"), (nameless, "before a /")):
        with pytest.raises(RouteError, match=said):
            app.route("/x")(handler)


@pytest.mark.row("1.5", "1.6")
def test_resources_lie_beside_the_app(app: Atila) -> None:
    home = Path(__file__).parents[1]
    assert app.get_resource() == str(home / "resources")
    assert app.get_resource("data", "a.txt") == str(home / "resources" / "data" / "a.txt")


@pytest.mark.row("1.5")
def test_a_static_folder_is_not_served_by_the_app(folder: Path, client_of: ClientOf) -> None:
    (folder / "static").mkdir()
    (folder / "static" / "a.txt").write_text("a")
    assert client_of(atila.load(str(folder / "app.py"))).get("/static/a.txt").status_code == 404


@pytest.mark.row("1.12")
def test_a_preference_overrides_the_app_and_merges_its_settings(folder: Path, client_of: ClientOf) -> None:
    pref = Preference(debug=True)
    pref.config.name = "Hans"
    pref.config["limit"] = 7
    app = atila.load(str(folder / "app.py"), pref)
    assert app.debug is True
    assert app.config.limit == 7
    assert client_of(app).get("/").text == "Hello Hans"
    with pytest.raises(AttributeError, match="set it with pref"):
        pref.missing  # noqa: B018 - reading it is the test


@pytest.mark.row("1.12")
def test_a_preference_mounts_services(folder: Path, client_of: ClientOf) -> None:
    (folder / "pets.py").write_text("def __mount__(app):\n    app.route('/list')(lambda was: 'pets')\n")
    app = atila.load(str(folder / "app.py"))
    import pets  # type: ignore[import-not-found]  # the file above

    pref = Preference()
    pref.mount("/pets", pets)
    pref.apply(app)
    assert client_of(app).get("/pets/list").text == "pets"


@pytest.mark.row("1.13")
def test_one_preference_sets_every_limit_of_a_body() -> None:
    app = Atila("tests")
    Preference(
        max_client_body_size=1000,
        use_reloader=True,
        securekey="x" * 40,
        access_control_allow_origin=["http://a.example"],
    ).apply(app)
    config = app.config
    assert config.max_post_body_size == config.max_multipart_body_size == config.max_upload_file_size == 1000
    assert app.use_reloader is True
    assert app.securekey == "x" * 40
    assert app.access_control_allow_origin == ["http://a.example"]


@pytest.mark.row("1.14")
def test_bootstrap_beside_the_app_runs_first_and_may_change_the_preference(folder: Path, client_of: ClientOf) -> None:
    package = folder / "shop"
    package.mkdir()
    (folder / "app.py").rename(package / "app.py")
    (folder / "urls.txt").write_text("Anna")
    (package / "__init__.py").write_text(
        "from pathlib import Path\ndef bootstrap(pref):\n    pref.debug = True\n"
        "    pref.config.name = Path(pref.config.urlfile).read_text()\n"
    )
    pref = Preference()
    pref.config.urlfile = str(folder / "urls.txt")
    app = atila.load(str(package / "app.py"), pref)
    assert client_of(app).get("/").text == "Hello Anna"
    assert app.debug is True


@pytest.mark.row("1.17")
@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_only_a_debugging_app_shows_tracebacks(app: Atila, client_of: ClientOf, accept: str) -> None:
    @app.route("/")
    def index(was: Was) -> object:
        return 1 / 0

    cli = client_of(app)
    headers = {"Accept": accept}
    quiet = cli.get("/", headers=headers)
    assert quiet.status_code == 500
    assert "ZeroDivisionError" not in quiet.text
    app.debug = True
    loud = cli.get("/", headers=headers)
    assert loud.status_code == 500
    assert "ZeroDivisionError" in loud.text
    assert "test_app.py" in loud.text


@pytest.mark.row("1.17", "1.18")
def test_debugging_and_reloading_are_off_by_default(app: Atila) -> None:
    assert (app.debug, app.use_reloader, app.auto_mount) == (False, False, True)
    assert (app.authenticate, app.authorization, app.session_timeout) == (False, "digest", None)


@pytest.mark.row("1.19")
def test_the_kill_switch_turns_both_off(folder: Path) -> None:
    from skitai.engine import Engine

    engine = Engine(folder)
    engine.production = True
    engine.mount("/", "app.py", pref=Preference(debug=True, use_reloader=True))
    engine.build()
    app = atila.load(str(folder / "app.py"))
    assert (app.debug, app.use_reloader) == (False, False)


@pytest.mark.row("1.21")
def test_settings_are_attributes_and_keys(app: Atila) -> None:
    app.config.my_setting = 1
    app.config["other"] = 2
    assert app.config["my_setting"] == 1
    assert app.config.other == 2
    del app.config.other
    with pytest.raises(AttributeError, match=r"app\.config\.other = "):
        app.config.other  # noqa: B018 - reading it is the test
    assert "my_setting" not in DEFAULTS


@pytest.mark.row("1.22")
def test_the_limits_have_the_documented_defaults(app: Atila) -> None:
    config = app.config
    assert config.max_post_body_size == config.max_cache_size == 5 * 1024 * 1024
    assert config.max_multipart_body_size == 20 * 1024 * 1024
    assert config.max_upload_file_size == 20_000_000


@pytest.mark.row("1.22")
def test_a_body_over_its_limit_is_413_and_reaches_no_handler(app: Atila, client_of: ClientOf) -> None:
    reached = []
    app.config.max_post_body_size = 100
    app.config.max_multipart_body_size = 1000
    app.config.max_upload_file_size = 500

    @app.route("/")
    def index(was: Was, **form: object) -> object:
        reached.append(form)
        return was.API(fields=len(form))

    cli = client_of(app)
    refused = cli.post("/", {"a": "x" * 200})
    assert refused.status_code == 413
    assert {"code": 41300, "message": "request entity too large"}.items() <= refused.data.items()
    assert refused.headers["connection"] == "close"
    assert cli.post("/", files={"a": ("a.txt", b"x" * 2000)}).status_code == 413
    assert cli.post("/", files={"a": ("a.txt", b"x" * 600)}).status_code == 413
    assert not reached
    assert cli.post("/", files={"a": ("a.txt", b"x" * 300)}).data == {"fields": 1}


@pytest.mark.row("1.23")
def test_the_interval_of_maintenance_is_a_setting(app: Atila) -> None:
    assert app.config.maintain_interval == 60


@pytest.mark.row("1.24")
def test_load_takes_a_path_or_a_module(folder: Path) -> None:
    app = atila.load(str(folder / "app.py"))
    assert isinstance(app, Atila)
    assert atila.load(str(folder)) is app
    assert atila.load(sys.modules[app.import_name]) is app
    assert atila.load(app) is app


@pytest.mark.row("1.24")
def test_load_says_what_is_missing(folder: Path) -> None:
    with pytest.raises(ImportError, match="there is no file"):
        atila.load(str(folder / "other.py"))
    (folder / "empty.py").write_text("")
    with pytest.raises(ImportError, match="no app named 'app'"):
        atila.load(str(folder / "empty.py"))
