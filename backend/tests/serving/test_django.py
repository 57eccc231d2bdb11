"""Django as it comes, mounted beside an app of ours: its admin pages, static files, reloading, and its database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from .django_site import DjangoSite
from .engine_process import EngineProcess, wait_until

MOUNTED = """
pref = skitai.pref()
pref.use_reloader = True
pref.use_debug = True
skitai.mount("/django", "mydjangoapp/mydjangoapp/wsgi.py", "application", pref)
skitai.mount("/async", "mydjangoapp/mydjangoapp/asgi.py", "application")
skitai.alias("@entity", skitai.DJANGO, "mydjangoapp/mydjangoapp/settings.py")

@app.route("/made")
def made(was, title):
    from photos import models
    return was.API(id=models.Photo.objects.create(user="hans", title=title).pk)

@app.route("/photos/<name>")
def photos(was, name):
    from photos import models
    query = models.Photo.objects.filter(topic=1).order_by("title")
    return was.jstream(was.sqlite3("@" + name).execute(query).getwait().data, "data")

@app.route("/found")
async def found(was, word):
    from photos import models
    chosen = models.Photo.objects.filter(title__contains=word).values("title").order_by("-id")[:1]
    rows = await was.db("@mydjangoapp").execute(chosen)
    nothing = await was.db("@mydjangoapp").execute(models.Photo.objects.none())
    return was.API(rows=rows, nothing=nothing)

@app.route("/odd")
def odd(was):
    return was.API(rows=was.db("@entity").execute(object()).fetch())

skitai.mount("/", app)
"""


class Served(NamedTuple):
    """A Django project, and the engine that serves it."""

    site: DjangoSite
    engine: EngineProcess
    client: httpx.Client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("django")
    site = DjangoSite(folder)
    engine = EngineProcess(folder, MOUNTED, workers=2)
    try:
        engine.ready()
        with httpx.Client(base_url=engine.url, timeout=20) as client:
            yield Served(site, engine, client)
    finally:
        engine.end()


@pytest.mark.row("14.19")
def test_the_admin_pages_work_from_signing_in_to_saving(served: Served) -> None:
    client = served.client
    page = client.get("/django/admin/", follow_redirects=True)
    assert page.url.path == "/django/admin/login/"
    form = {"username": "admin", "password": "a long password", "csrfmiddlewaretoken": token(page.text)}
    there = client.post(page.url.path, data=form, headers={"Referer": str(page.url)}, params={"next": "/django/admin/"})
    assert (there.status_code, there.headers["location"]) == (302, "/django/admin/")
    page = client.get("/django/admin/photos/photo/add/")
    form = {"user": "hans", "title": "From the admin pages", "topic": "7", "csrfmiddlewaretoken": token(page.text)}
    saved = client.post(page.url.path, data=form, headers={"Referer": str(page.url)})
    assert (saved.status_code, saved.headers["location"]) == (302, "/django/admin/photos/photo/")
    assert "From the admin pages" in client.get("/django/admin/photos/photo/").text
    refused = client.post(page.url.path, data={"user": "eve"})
    assert refused.status_code == 403


def token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found is not None, page
    return found[1]


@pytest.mark.row("14.19")
@pytest.mark.parametrize("point", ["/django", "/async"])
def test_a_project_knows_where_it_is_mounted(served: Served, point: str) -> None:
    said = served.client.get(f"{point}/where").json()
    assert (said["path"], said["info"]) == (f"{point}/where", "/where")
    assert said["uri"] == f"{served.engine.url}{point}/where"


@pytest.mark.parametrize("point", ["/django", "/async"])
@pytest.mark.filterwarnings("ignore")
def test_streams_files_and_uploads(served: Served, point: str) -> None:
    client = served.client
    assert client.get(f"{point}/stream").text == "0\n1\n2\n"
    assert client.get(f"{point}/file").content == (served.site.root / "photos" / "views.py").read_bytes()
    sent = {"file": ("big.bin", b"x" * 4_000_000)}
    assert client.post(f"{point}/upload", files=sent).text == "big.bin 4000000"


@pytest.mark.row("14.19")
def test_static_files_are_served_by_the_engine(served: Served) -> None:
    page = httpx.get(f"{served.engine.url}/django/admin/login/").text  # as somebody who did not sign in
    found = re.search(r'href="(/django/static/admin/css/base\.css)"', page)
    assert found is not None, page
    file = served.client.get(found[1])
    assert file.headers["content-type"] == "text/css; charset=utf-8"
    assert "--primary" in file.text
    assert served.client.get(found[1], headers={"If-None-Match": file.headers["etag"]}).status_code == 304
    assert served.client.get("/django/static/admin/../../settings.py").status_code == 404


@pytest.mark.row("14.19")
def test_debug_is_as_the_preference_says(served: Served, tmp_path: Path) -> None:
    assert "Using the URLconf defined in" in served.client.get("/django/nothing").text
    shown = EngineProcess(served.site.root.parent, MOUNTED, arguments=("---production",)).ready()
    try:
        answer = httpx.get(f"{shown.url}/django/nothing")
        assert answer.status_code == 404
        assert "URLconf" not in answer.text
    finally:
        shown.end()


@pytest.mark.row("11.35", "14.20", "14.21")
@pytest.mark.parametrize("name", ["mydjangoapp", "entity"])
def test_query_sets_run_on_our_connections(served: Served, name: str) -> None:
    title = f"100 % of {name}?"
    made = served.client.get("/made", params={"title": title}).json()["id"]
    rows = served.client.get(f"/photos/{name}").json()["data"]
    mine = next(row for row in rows if row["id"] == made)
    assert (mine["user"], mine["title"], mine["topic"]) == ("hans", title, 1)
    assert [row["title"] for row in rows] == sorted(row["title"] for row in rows)
    answer = served.client.get("/found", params={"word": f"% of {name}"}).json()
    assert answer == {"rows": [{"title": title}], "nothing": []}


@pytest.mark.row("14.21")
def test_what_is_no_query_is_said_so(served: Served) -> None:
    assert served.client.get("/odd").status_code == 500
    assert "TypeError: object is no query" in served.engine.output


@pytest.mark.row("14.19")
def test_a_change_is_loaded(served: Served) -> None:
    client = served.client
    assert client.get("/django/where").json()["word"] == "first"
    views = served.site.root / "photos" / "views.py"
    views.write_text(views.read_text().replace('WORD = "first"', 'WORD = "second"'))
    wait_until(lambda: client.get("/django/where").json()["word"] == "second", 20, lambda: served.engine.output)
