"""Everything that `skitai.mount` takes, on one engine: apps in every form, folders, upstreams, hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .engine_process import EngineProcess

APP = """
from atila import Atila

app = Atila(__name__)
{name} = app

@app.route("/who", methods=["GET", "POST"])
def who(was):
    return was.API(who="{who}", home=was.app.home.name, bonus=was.app.config.get("bonus"))
"""
BOOTSTRAP = "def bootstrap(pref):\n    pref.config.bonus = pref.config.get('bonus', 0) + 1\n"
SCRIPT = """
import shop, market, market.stall

pref = skitai.pref()
pref.config.bonus = 41

@app.route("/who")
def who(was):
    return was.API(who="object")

@app.route("/paths")
def paths(was):
    absolute = skitai.abspath("x", "..", "y")
    return was.API(swd=skitai.getswd(), joined=skitai.joinpath("dist", "a.txt"), absolute=absolute)

skitai.mount("/", app)
skitai.mount("/", "./dist")
skitai.mount("/file", "alone.py")
skitai.mount("/named", "alone.py", "other")
skitai.mount("/package", "./shop", pref=pref)
skitai.mount("/module", market.stall)
skitai.mount("/dotted", "market.stall:second")
skitai.mount("/beside", (market, "kiosk.py"))
skitai.mount("/exported", shop)
skitai.mount("/wsgi", "market.classic:application")
skitai.mount("/async", "modern.py")
skitai.mount("/folder", "dist")
skitai.mount("/", "dist/guide", host="docs.example")
skitai.mount("/", "alone.py", "third", host="shop.example")
"""
WSGI = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'classic']\n"
ASGI = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"modern"})
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("targets")
    files = {
        "alone.py": "\n".join(APP.format(name=name, who=name) for name in ("third", "other", "app")),
        "shop/__init__.py": BOOTSTRAP,
        "shop/app.py": APP.format(name="app", who="package"),
        "shop/export/skitai/__export__.py": APP.format(name="app", who="exported"),
        "market/__init__.py": "",
        "market/stall.py": APP.format(name="app", who="module") + APP.format(name="second", who="dotted"),
        "market/kiosk.py": APP.format(name="app", who="beside"),
        "market/classic.py": WSGI,
        "modern.py": ASGI,
        "dist/index.html": "<title>the front page</title>",
        "dist/who": "the file",
        "dist/guide/index.html": "<title>the guide</title>",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    engine = EngineProcess(folder, SCRIPT)
    try:
        engine.ready()
        with httpx.Client(base_url=engine.url) as made:
            yield made
    finally:
        engine.end()


@pytest.mark.row("1.7", "1.8")
@pytest.mark.parametrize(
    ("point", "who"),
    [
        ("/file", "app"), ("/named", "other"), ("/package", "package"), ("/dotted", "dotted"),
        ("/beside", "beside"), ("/exported", "exported"),
    ],
)  # fmt: skip
def test_apps_of_atila(client: httpx.Client, point: str, who: str) -> None:
    assert client.get(f"{point}/who").json()["who"] == who


@pytest.mark.row("1.7", "1.8")
def test_apps_of_others(client: httpx.Client) -> None:
    assert client.get("/wsgi/x").text == "classic"
    assert client.get("/async/x").text == "modern"


@pytest.mark.row("1.8", "1.9")
def test_a_file_comes_before_a_route_and_other_methods_go_to_the_app(client: httpx.Client) -> None:
    assert client.get("/who").text == "the file"
    assert client.get("/paths").status_code == 200
    assert client.post("/who").json() == {"who": "object"}
    assert "the front page" in client.get("/", headers={"Accept": "text/html"}).text
    assert client.get("/folder/who").text == "the file"
    assert client.get("/folder").headers["location"] == "/folder/"


@pytest.mark.row("1.10")
def test_hosts_of_their_own(client: httpx.Client) -> None:
    for host in ("docs.example", "DOCS.example.", "docs.example:8080"):
        answer = client.get("/", headers={"Host": host})
        assert "the guide" in answer.text
        assert client.get("/paths", headers={"Host": host}).status_code == 404
    assert client.get("/who", headers={"Host": "shop.example"}).json()["who"] == "third"
    assert client.get("/who", headers={"Host": "any.example"}).text == "the file"


@pytest.mark.row("1.14")
def test_bootstrap_ran_once_before_the_app_was_mounted(client: httpx.Client) -> None:
    assert client.get("/package/who").json()["bonus"] == 42


@pytest.mark.row("1.15", "1.16")
def test_paths_start_where_the_script_lies(client: httpx.Client) -> None:
    said = client.get("/paths").json()
    home = Path(said["swd"])
    assert (home / "alone.py").is_file()
    assert said["joined"] == str(home / "dist" / "a.txt")
    assert said["absolute"] == str(home / "y")
