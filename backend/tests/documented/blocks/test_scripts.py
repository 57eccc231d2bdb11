"""Blocks that are whole scripts of the engine: each is served, and asked."""

from __future__ import annotations

from pathlib import Path

import pytest

import skitai
from skitai.spawned import SpawnedClient
from tests.serving.engine_process import BACKEND, free_ports

APP = """
from atila import Atila

app = Atila(__name__)
app.use_reloader = True
app.debug = True

@app.route("/")
def index(was):
    return was.response("200 OK", f"{was.app.name} {was.app.debug} {was.app.use_reloader}")
"""
MAIN = """
if __name__ == "__main__":
    import skitai

    pref = skitai.pref()
    pref.use_reloader = True
    pref.debug = False

    skitai.mount('/', './static')
    skitai.mount('/', app, 'app', pref)
    skitai.run("127.0.0.1", port={port}, threads=1)
"""


class Served:
    """A folder of files, one of which is a script that serves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{port}", str(self.port)), encoding="utf-8")

    def run(self, script: str, *arguments: str) -> SpawnedClient:
        return skitai.test_client(
            self.folder / script, self.port, arguments=arguments, environment={"PYTHONPATH": str(BACKEND)}
        )


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_an_app_that_serves_itself_with_its_static_files(served: Served) -> None:
    served.write("app.py", APP + MAIN)
    served.write("static/style.css", "body {}")
    with served.run("app.py") as cli:
        assert cli.get("/").text == "app False True"  # the preference goes before the app
        assert cli.get("/style.css").text == "body {}"


def test_an_app_in_a_file_of_its_own(served: Served) -> None:
    served.write("myapp/atila_app.py", APP)
    served.write("static/style.css", "body {}")
    served.write(
        "serve.py",
        """
if __name__ == "__main__":
    import skitai
    import atila

    pref = skitai.pref()
    pref.use_reloader = True

    skitai.mount('/', './static')
    skitai.mount('/', 'myapp/atila_app.py', pref=pref)
    skitai.run("127.0.0.1", port={port}, threads=1)
""",
    )
    with served.run("serve.py", "---production") as cli:
        assert cli.get("/").text == "atila_app False False"  # three hyphens: neither, whatever is said
        assert cli.get("/style.css").text == "body {}"


def test_a_preference_and_the_bootstrap_beside_an_app(served: Served) -> None:
    served.write("urls.txt", "a  1\nb  2\n\nc  3\n")
    served.write(
        "app_v1/__init__.py",
        """
def bootstrap(pref):
    with open(pref.config.urlfile, "r") as f:
        pref.config.urllist = []
        while 1:
            line = f.readline().strip()
            if not line: break
            pref.config.urllist.append(line.split("  ", 4))
""",
    )
    served.write(
        "app_v1/app.py",
        """
from atila import Atila

app = Atila(__name__)

@app.route("/")
def index(was):
    config = was.app.config
    return was.API(a=config["prefA"], b=config.prefB, urls=config.urllist, debug=was.app.debug)
""",
    )
    served.write(
        "serve.py",
        """
import skitai
from skitai.spawned import SpawnedClient

if __name__ == "__main__":
    pref = skitai.pref()
    pref.use_reloader = 1
    pref.debug = 1

    pref.config["prefA"] = 1
    pref.config.prefB = 2
    pref.config.urlfile = skitai.abspath("urls.txt")

    skitai.mount("/v1", "app_v1/app.py", "app", pref)
    skitai.run("127.0.0.1", port={port}, threads=1)
""",
    )
    with served.run("serve.py") as cli:
        data = cli.get("/v1/").data
        assert (data["a"], data["b"], bool(data["debug"])) == (1, 2, True)
        assert data["urls"] == [["a", "1"], ["b", "2"]]


def test_several_apps_that_know_each_other(served: Served) -> None:
    served.write(
        "main.py",
        """
from atila import Atila

app = Atila(__name__)

@app.route("/")
def index(was):
    search_app = was.apps["search"]
    return was.API(save_path=search_app.config.save_path, url=was.ab("search:query", "Your Name"))
""",
    )
    served.write(
        "search.py",
        """
from atila import Atila

app = Atila(__name__)
app.config.save_path = "/data"

@app.route("/query")
def query(was, q):
    return q
""",
    )
    served.write(
        "serve.py",
        """
import skitai
from skitai.spawned import SpawnedClient
from atila import Atila

admin = Atila("admin")
admin.route("/")(lambda was: "admin")

if __name__ == "__main__":
    skitai.mount("/", "main.py")
    skitai.mount("/search", "search.py")
    skitai.mount("/admin", admin)
    skitai.run(address="127.0.0.1", port={port}, threads=1)
""",
    )
    with served.run("serve.py") as cli:
        assert cli.get("/").data == {"save_path": "/data", "url": "/search/query?q=Your+Name"}
        assert cli.get("/search/query?q=Your+Name").text == "Your Name"
        assert cli.get("/admin/").text == "admin"


def test_a_frontend_and_its_backend(served: Served) -> None:
    served.write("backend/services/__init__.py", "")
    served.write(
        "backend/services/api.py", "def __mount__(app):\n    app.route('/hello')(lambda was: was.API(hello=1))\n"
    )
    served.write("frontend/dist/index.html", "<html>the page</html>")
    served.write("frontend/dist/app.js", "let a = 1")
    served.write(
        "backend/serve.py",
        """
from atila import Atila
import skitai
from skitai.spawned import SpawnedClient
import sys
from services import api

app = Atila(__name__)
app.auto_mount = False
app.mount("/api/v1", api)

@app.route("/<path:path>")
def vapp(was, path=None):
    return was.File(skitai.joinpath("../frontend", "dist", "index.html"), "text/html")

if __name__ == "__main__":
    pref = skitai.pref()
    pref.securekey = None
    pref.max_client_body_size = 2 << 32
    pref.access_control_allow_origin = ["http://127.0.0.1:5000"]

    if "---production" not in sys.argv:
        pref.debug = True
        pref.use_reloader = True
        pref.access_control_allow_origin.append("http://127.0.0.1:8080")

    skitai.mount("/", app, pref=pref)
    skitai.mount("/", "../frontend/dist")
    skitai.run("127.0.0.1", name="myapp", port={port}, threads=1)
""",
    )
    with served.run("backend/serve.py") as cli:
        assert cli.get("/").text == cli.get("/any/page").text == "<html>the page</html>"
        assert cli.get("/app.js").text == "let a = 1"
        answer = cli.get("/api/v1/hello", headers={"Origin": "http://127.0.0.1:8080"})
        assert (answer.data, answer.headers["access-control-allow-origin"]) == ({"hello": 1}, "http://127.0.0.1:8080")
