"""Where the document and its page are, and that they tell of the routes as they are now."""

from __future__ import annotations

from pathlib import Path

import pytest

from atila import Atila
from atila.testing.client import TestClient
from tests.documented.project import Project


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.title = "Pets"
    app.route("/pets", methods=["GET"])(lambda was: "")
    return app


def paths(client: TestClient, at: str = "/openapi.json") -> list[str]:
    answer = client.get(at)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    return list(answer.data["paths"])


@pytest.mark.parametrize("point", ["/", "/api"])
def test_the_document_and_its_page(app: Atila, point: str) -> None:
    root = point.rstrip("/")
    with app.test_client(point) as client:
        assert paths(client, f"{root}/openapi.json") == [f"{root}/pets"]
        page = client.get(f"{root}/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert f'href="{root}/openapi.json"' in page.text
        assert f'href="{root}/docs/style.css"' in page.text
        style = client.get(f"{root}/docs/style.css")
        assert style.headers["content-type"] == "text/css; charset=utf-8"
        assert client.head(f"{root}/openapi.json").status_code == 200
        assert client.post(f"{root}/openapi.json").status_code == 405


def test_their_urls_are_settings(app: Atila) -> None:
    app.openapi_url, app.docs_url = "/spec.json", "/read"
    with app.test_client() as client:
        assert paths(client, "/spec.json") == ["/pets"]
        assert 'href="/spec.json"' in client.get("/read").text
        assert client.get("/openapi.json").status_code == client.get("/docs").status_code == 404


def test_the_page_can_be_left_out(app: Atila) -> None:
    app.docs_url = None
    with app.test_client() as client:
        assert paths(client) == ["/pets"]
        assert client.get("/docs").status_code == client.get("/docs/style.css").status_code == 404


def test_both_can_be_left_out_and_the_app_still_knows_its_document(app: Atila) -> None:
    app.openapi_url = None
    with app.test_client() as client:
        assert client.get("/openapi.json").status_code == client.get("/docs").status_code == 404
    assert list(app.openapi()["paths"]) == ["/pets"]


def test_a_route_of_the_apps_own_goes_first(app: Atila) -> None:
    app.route("/docs")(lambda was: "mine")
    with app.test_client() as client:
        assert client.get("/docs").text == "mine"
        assert client.get("/docs/style.css").status_code == 200


def test_routes_that_come_late_are_told_of(app: Atila) -> None:
    with app.test_client() as client:
        assert paths(client) == ["/pets"]
        app.route("/cats", methods=["GET"])(lambda was: "")
        assert paths(client) == ["/cats", "/pets"]
        assert "/cats" in client.get("/docs").text


def test_a_module_that_was_reloaded_is_told_of_anew(tmp_path: Path) -> None:
    project = Project(tmp_path)
    try:
        project.service("pets", "def __mount__(app):\n    app.route('/dogs', methods=['GET'])(lambda was: '')\n")
        app = project.app()
        with app.test_client() as client:
            assert paths(client) == ["/dogs"]
            file = project.write(
                "services/pets", "def __mount__(app):\n    app.route('/cats', methods=['GET'])(lambda was: '')\n\n"
            )
            assert app.services.reload([file]) == [f"{project.name}.services.pets"]
            assert paths(client) == ["/cats"]
    finally:
        project.forget()
