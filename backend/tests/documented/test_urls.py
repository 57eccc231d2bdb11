"""Chapter 7, second half: from a handler back to its URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from atila import Atila, Was
from tests.documented.conftest import ClientOf


@pytest.fixture
def urls(app: Atila) -> Atila:
    """The app of the documentation's examples, mounted at /math."""
    app.root = "/math"

    @app.route("/add")
    def add(was: Was, num1: int, num2: int) -> object:
        return was.API(url=was.ab(add, num1, num2=num2), name=was.ab("add", 10, num2=60))

    @app.route("/hello/<name>")
    def hello(was: Was, name: str = "Hans Roh") -> str:
        return name

    @app.route("/episode/<int:id>")
    def episode(was: Was, id: int | None = None, **more: object) -> str:
        return ""

    @app.route("/user/<id>/pat")
    def pat(was: Was, id: str, topic: str = "") -> str:
        return ""

    @app.route("/download/<int:version>/<path>")
    def download(was: Was, version: int, path: str) -> str:
        return ""

    return app


@pytest.mark.row("7.13", "7.14")
@pytest.mark.parametrize(
    ("call", "url"),
    [
        (lambda build: build("add", 10, 40), "/math/add?num1=10&num2=40"),
        (lambda build: build("add", 10, num2=60), "/math/add?num1=10&num2=60"),
        (lambda build: build("hello", "Your Name"), "/math/hello/Your_Name"),
        (lambda build: build("hello"), "/math/hello"),
        (lambda build: build("hello", name="한"), "/math/hello/%ED%95%9C"),
        (lambda build: build("episode"), "/math/episode"),
        (lambda build: build("episode", 100), "/math/episode/100"),
        (lambda build: build("episode", "new", q="a b&", t=["x", "y"]), "/math/episode/new?q=a+b%26&t=x&t=y"),
        (lambda build: build("pat", "7", "x"), "/math/user/7/pat?topic=x"),
        (lambda build: build("pat", id=7, topic=None), "/math/user/7/pat"),
        (lambda build: build("download", 1, "version/1.1/win 32"), "/math/download/1/version/1.1/win%2032"),
        (lambda build: build("/static/a.css"), "/math/static/a.css"),
        (lambda build: build("/search", q="x"), "/math/search?q=x"),
    ],
)
def test_building_reads_like_a_call(urls: Atila, call: Callable[[Any], str], url: str) -> None:
    assert call(urls.build_url) == url


@pytest.mark.row("7.13", "7.20")
def test_was_builds_too_by_name_or_by_function(urls: Atila, client_of: ClientOf) -> None:
    data = client_of(urls, "/math").get("/math/add?num1=1&num2=2").data
    assert data == {"url": "/math/add?num1=1&num2=2", "name": "/math/add?num1=10&num2=60"}


@pytest.mark.row("7.15", "7.16", "2.7")
def test_what_is_built_is_answered(urls: Atila, client_of: ClientOf) -> None:
    cli = client_of(urls, "/math")
    for name in ("Your Name", "a.b", "100%", "x?y#z", "한글"):
        assert cli.get(urls.build_url("hello", name)).text == name
    assert cli.get(urls.build_url("hello")).text == "Hans Roh"


@pytest.mark.row("7.17")
@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda build: build("nothing"), NameError, "no route is named 'nothing'; there are add, download"),
        (lambda build: build(lambda was: ""), NameError, "no route is named"),
        (lambda build: build("add", 1, 2, 3), ValueError, "takes 2 arguments, not 3"),
        (lambda build: build("add", 1, num1=2), ValueError, "given num1 twice"),
        (lambda build: build("add", 1, num3=2), ValueError, "takes no argument num3"),
        (lambda build: build("pat"), ValueError, "needs a value for id"),
        (lambda build: build("pat", ".."), ValueError, "cannot stand for <string:id>"),
        (lambda build: build("pat", "a/b"), ValueError, "cannot stand for <string:id>"),
        (lambda build: build("pat", "a\nb"), ValueError, "cannot stand for <string:id>"),
        (lambda build: build("pat", ""), ValueError, "cannot stand for <string:id>"),
        (lambda build: build("episode", "x"), ValueError, "cannot stand for <int:id>"),
        (lambda build: build("episode", -1), ValueError, "cannot stand for <int:id>"),
        (lambda build: build("download", 1, "a/../b"), ValueError, "cannot stand for <path:path>"),
        (lambda build: build("search:query"), NameError, "no app is named 'search'; there are none"),
    ],
)
def test_what_cannot_be_built_is_refused(
    urls: Atila, call: Callable[[Any], str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        call(urls.build_url)


@pytest.mark.row("7.18")
def test_partial_changes_some_of_the_current_parameters(app: Atila, client_of: ClientOf) -> None:
    @app.route("/navigate/<section>")
    def navigate(was: Was, section: str, limit: int = 20, pageno: int = 1, password: str = "") -> object:
        return was.API(
            next=was.partial("navigate", pageno=pageno + 1), without=was.partial(navigate, limit=None),
            elsewhere=was.partial("other"), whole=was.ab("navigate", section, was.request.args.limit, 3),
        )  # fmt: skip

    @app.route("/other")
    def other(was: Was, limit: int) -> str:
        return ""

    @app.route("/open")
    def open_ended(was: Was, **rest: str) -> str:
        return was.partial("open_ended", page=2)

    cli = client_of(app, "/sub")
    data = cli.get("/sub/navigate/news?limit=100&pageno=2").data
    assert data["next"] == data["whole"] == "/sub/navigate/news?limit=100&pageno=3"
    assert data["without"] == "/sub/navigate/news?pageno=2"
    assert data["elsewhere"] == "/sub/other?limit=100"
    posted = cli.post("/sub/navigate/news?limit=5", {"password": "secret"}).data
    assert posted["next"] == "/sub/navigate/news?limit=5&pageno=2"  # what was in the body stays there
    assert cli.get("/sub/open?a=1").text == "/sub/open?a=1&page=2"


@pytest.mark.row("7.19")
def test_basepath_ends_at_the_first_parameter(urls: Atila) -> None:
    build = urls.urls.basepath
    assert build("pat") == "/math/user/"
    assert build("hello") == "/math/hello/"
    assert build("add") == "/math/add"
    with pytest.raises(NameError):
        build("nothing")


@pytest.mark.row("7.21", "7.22", "7.23")
def test_apps_find_each_other(app: Atila, client_of: ClientOf) -> None:
    search = Atila("search")
    search.root = "/search"
    search.config.save_path = "/var/save"

    @search.route("/query")
    def query(was: Was, q: str) -> str:
        return q

    @app.route("/")
    def index(was: Was) -> object:
        other = was.apps["search"]
        return was.API(
            path=other.config.save_path, ab=was.ab("search:query", "Your Name"),
            same=other.build_url("query", "Your Name"),
        )  # fmt: skip

    app.platform.apps["search"] = search
    data = client_of(app).get("/").data
    assert data == {"path": "/var/save", "ab": "/search/query?q=Your+Name", "same": "/search/query?q=Your+Name"}
    with pytest.raises(NameError, match="no app is named 'shop'; there are search, tests"):
        app.build_url("shop:query")


@pytest.mark.row("7.13", "7.18", "7.19")
def test_the_later_names_mean_the_same(app: Atila, client_of: ClientOf) -> None:
    @app.route("/x/<int:id>")
    def x(was: Was, id: int) -> object:
        return was.API(urls=[was.urlfor("x", 1), was.urlpatch("x", id=2), was.baseurl("x")])

    assert client_of(app).get("/x/7").data == {"urls": ["/x/1", "/x/2", "/x/"]}
