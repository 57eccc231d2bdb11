"""Chapter 14: what earlier versions added, renamed and took away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import atila
from atila import Atila, Was
from tests.documented.conftest import ClientOf

WITHOUT_JINJA = """
import sys
sys.modules["jinja2"] = None  # as if it were not installed
from atila import Atila
app = Atila("tests")
app.debug = True
app.route("/")(lambda was: "works")
app.route("/page")(lambda was: was.render("index.html"))
with app.test_client() as client:
    print(client.get("/").text)
    print(client.get("/page").data["more_info"])
"""


@pytest.mark.row("14.23", "1.2")
def test_jinja_is_optional() -> None:
    backend = Path(atila.__file__).parents[1]
    run = subprocess.run([sys.executable, "-c", WITHOUT_JINJA], cwd=backend, capture_output=True, text=True, check=True)
    first, second = run.stdout.splitlines()
    assert first == "works"
    assert second.endswith("was.render needs Jinja: pip install jinja2")


@pytest.mark.row("14.23")
def test_the_names_that_were_added(app: Atila, client_of: ClientOf) -> None:
    for name in ("store", "maintain", "bearer_handler", "test_params", "permission_required"):
        assert hasattr(app, name)
    seen: dict[str, object] = {}

    @app.route("/", methods=["POST"])
    def page(was: Was, a: str, b: str) -> object:
        request = was.request
        seen.update(URL=request.URL, FORM=request.FORM, JSON=request.JSON, DATA=request.DATA, ARGS=request.ARGS)
        assert (was.API, was.File, was.Error) == (atila.API, atila.File, atila.HTTPError)
        return was.Fault("400 Bad Request", "x")

    client_of(app).post("/?a=1", {"b": "2"})
    assert seen == {
        "URL": {"a": "1"},
        "FORM": {"b": "2"},
        "JSON": None,
        "DATA": {"b": "2"},
        "ARGS": {"a": "1", "b": "2"},
    }


@pytest.mark.row("14.22")
def test_what_was_removed_is_not_there(app: Atila, client_of: ClientOf) -> None:
    """Routes and logins by way of Django, signals of its models: the names are gone, and say so."""
    for name in ("storage", "model_signal", "redirect_signals", "add_signal"):
        assert not hasattr(app, name)
    app.debug = True
    app.route("/")(lambda was: was.django)
    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "was has no 'django'" in answer.data["more_info"]


@pytest.mark.row("6.34")
def test_the_arguments_are_a_mapping_and_no_function(app: Atila, client_of: ClientOf) -> None:
    """Where the documentation calls `was.request.args('username')`, `.get` is meant."""

    @app.route("/get")
    def get(was: Was, **form: str) -> object:
        return was.API(sent=was.request.args.get("username"), other=was.request.args.get("token"))

    @app.route("/call")
    def call(was: Was, **form: str) -> object:
        return was.request.args("username")  # type: ignore[operator]  # the documentation's slip

    client = client_of(app)
    assert client.get("/get?username=hans").data == {"sent": "hans", "other": None}
    assert client.get("/call?username=hans").status_code == 500
