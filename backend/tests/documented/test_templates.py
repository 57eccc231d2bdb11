"""Chapter 13: templates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import atila
from atila import Atila, Was
from tests.documented.conftest import ClientOf


class Templates:
    """A folder of templates beside an app."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "templates"
        self.folder.mkdir()

    def __setitem__(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def app(tmp_path: Path) -> Atila:
    app = Atila("tests")
    app.home = tmp_path
    app.debug = True
    return app


@pytest.fixture
def templates(tmp_path: Path, app: Atila) -> Templates:
    return Templates(tmp_path)


@pytest.mark.row("13.1", "4.33")
def test_a_template_is_a_page(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = "{{ product }}: {{ choice }}é"
    templates["sub/deep.html"] = "{% extends 'sub/base.html' %}{% block body %}deep{% endblock %}"
    templates["sub/base.html"] = "<{% block body %}{% endblock %}>"
    app.route("/keywords")(lambda was: was.render("index.html", choice=2, product="Apples"))
    app.route("/dict")(lambda was: was.render("index.html", {"choice": 2, "product": "Apples"}))
    app.route("/deep")(lambda was: was.render("sub/deep.html"))
    client = client_of(app)
    for path in ("/keywords", "/dict"):
        answer = client.get(path)
        assert (answer.text, answer.headers["content-type"]) == ("Apples: 2é", "text/html; charset=utf-8")
    assert client.get("/deep").text == "<deep>"


@pytest.mark.row("13.2", "4.33")
def test_a_dict_and_keywords_are_not_both(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = "x"
    app.route("/")(lambda was: was.render("index.html", {"choice": 2}, product="Apples"))
    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "not both" in answer.data["more_info"]


@pytest.mark.row("13.1")
@pytest.mark.parametrize("name", ["missing.html", "../secret.html", "/etc/passwd", ""])
def test_a_template_that_is_not_there_is_an_error(
    app: Atila, client_of: ClientOf, templates: Templates, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret.html").write_text("secret")
    app.route("/")(lambda was: was.render(name))
    answer = client_of(app).get("/")
    assert answer.status_code == 500
    assert "TemplateNotFound" in answer.data["more_info"]


@pytest.mark.row("13.3")
def test_was_is_in_every_template(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = (
        "{{ was.cookie.username }} chose {{ was.request.args.get('choice', 'N/A') }}, not {{ was.cookie.other }}."
        " <a href='{{ was.ab('checkout', 7) }}'>go</a> {% import 'macros.html' as macros %}{{ macros.path() }}"
    )
    templates["macros.html"] = "{% macro path() %}{{ was.request.path }}{% endmacro %}"

    @app.route("/shop")
    def shop(was: Was, **form: Any) -> str:
        return was.render("index.html", was="not this")

    @app.route("/checkout/<int:item>")
    def checkout(was: Was, item: int) -> str:
        return "x"

    client = client_of(app)
    text = client.get("/shop?choice=2", headers={"Cookie": "username=hans"}).text
    assert text == "hans chose 2, not . <a href='/checkout/7'>go</a> /shop"
    assert "chose N/A" in client.get("/shop").text


@pytest.mark.row("13.4")
def test_g_takes_what_many_pages_need(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = (
        "{% set g = was.g %}{{ g.howmany }} {{ g.product }}{{ g.howmany > 1 and 's' or '' }}{{ g.no }}!"
    )

    @app.route("/")
    def page(was: Was) -> str:
        was.g.product = "Apple"
        was.g.howmany = 10
        return was.render("index.html")

    assert client_of(app).get("/").text == "10 Apples!"


@pytest.mark.row("13.5")
def test_the_environment_can_be_changed(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = "{{ form_token() }}"

    @app.route("/")
    def page(was: Was) -> str:
        was.app.jinja_env.globals["form_token"] = lambda: "token"
        return was.render("index.html")

    assert client_of(app).get("/").text == "token"


@pytest.mark.row("13.6")
@pytest.mark.parametrize("early", [True, False])
def test_other_delimiters_leave_the_usual_ones_to_the_browser(
    app: Atila, client_of: ClientOf, templates: Templates, early: bool
) -> None:
    templates["index.html"] = (
        "%% a comment of a line\n{{ vue }} [[ mine ]]{# not a comment #}\n% for n in (1, 2)\n"
        "<{$ if n $}[[ n ]]{$ endif $}>\n"
        "% endfor\n"
    )
    if not early:
        assert app.jinja_env.variable_start_string == "{{"
    app.jinja_overlay("[[", "]]", "{$", "$}", "{*", "*}", "%", "%%")
    app.route("/")(lambda was: was.render("index.html", mine="seen"))
    assert client_of(app).get("/").text.split() == [
        "{{",
        "vue",
        "}}",
        "seen{#",
        "not",
        "a",
        "comment",
        "#}",
        "<1>",
        "<2>",
    ]
    assert app.jinja_env.variable_start_string == "[["


@pytest.mark.row("13.6")
@pytest.mark.parametrize("mark", ["#", "@@", "$"])
def test_a_mark_that_starts_and_ends_is_doubled_to_stand_for_itself(
    app: Atila, client_of: ClientOf, templates: Templates, mark: str
) -> None:
    templates["index.html"] = f"{mark}name{mark} costs {mark}{mark}5 {{{{ vue }}}} {mark}price * 2{mark}"
    app.jinja_overlay(variable_start_string=mark, variable_end_string=mark)
    app.route("/")(lambda was: was.render("index.html", name="<b>", price=4))
    assert client_of(app).get("/").text == f"&lt;b&gt; costs {mark}5 {{{{ vue }}}} 8"


@pytest.mark.row("13.7")
@pytest.mark.parametrize("early", [True, False])
def test_a_global_function_gets_was(app: Atila, client_of: ClientOf, templates: Templates, early: bool) -> None:
    templates["index.html"] = "{{ names('-', last='!') }}"
    assert early or app.jinja_env

    @app.template_global("names")
    def names(was: Was, joint: str, last: str) -> str:
        return joint.join(was.request.args) + last

    @app.route("/")
    def page(was: Was, **form: Any) -> str:
        return was.render("index.html")

    assert client_of(app).get("/?a=1&b=2").text == "a-b!"


@pytest.mark.row("13.8")
@pytest.mark.parametrize("early", [True, False])
def test_a_filter(app: Atila, client_of: ClientOf, templates: Templates, early: bool) -> None:
    templates["index.html"] = "{{ 'Hello' | backwards }}"
    assert early or app.jinja_env

    @app.template_filter("backwards")
    def backwards(text: str) -> str:
        return text[::-1]

    app.route("/")(lambda was: was.render("index.html"))
    assert client_of(app).get("/").text == "olleH"


@pytest.mark.row("13.9")
@pytest.mark.parametrize("name", ["index.html", "index.htm", "index.txt", "index"])
def test_what_users_send_is_escaped(app: Atila, client_of: ClientOf, templates: Templates, name: str) -> None:
    templates[name] = "{{ was.request.args.a }} {{ was.csrf_token_input }}"
    app.securekey = "k" * 40

    @app.route("/")
    def page(was: Was, a: str) -> str:
        return was.render(name)

    text = client_of(app).get("/", {"a": "<script>'\""}).text
    assert text.startswith("&lt;script&gt;&#39;&#34; <input ")


@pytest.mark.row("13.10", "4.8")
def test_a_template_can_end_the_request(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = "before {{ was.response.throw('503 Upstream Is Away') }} after"
    app.route("/")(lambda was: was.render("index.html"))
    answer = client_of(app).get("/")
    assert (answer.status_code, answer.data["message"]) == (503, "upstream is away")


@pytest.mark.row("13.11")
def test_page_templates_are_chameleons(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.pt"] = '<b>${name}</b><i tal:repeat="n (1, 2)">${n}</i> ${was.request.path}'
    app.route("/page")(lambda was: was.render("index.pt", name="<x>"))
    assert "".join(client_of(app).get("/page").text.split()) == "<b>&lt;x&gt;</b><i>1</i><i>2</i>/page"


@pytest.mark.row("14.1", "14.2", "4.4")
def test_error_templates(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["404.htm"] = (
        "<h1>{{ error.code }} {{ error.message }}</h1><p>{{ error.detail }}</p><div>URL: {{ error.url }}</div>"
    )
    templates["default.htm"] = "default {{ error.code }} {{ error.detail }}"

    @app.default_error_handler
    def default(was: Was, error: dict[str, Any]) -> str:
        return was.render("default.htm", error=error)

    @app.error_handler(404)
    def not_found(was: Was, error: dict[str, Any]) -> str:
        return was.render("404.htm", error=error)

    @app.route("/explained")
    def explained(was: Was) -> object:
        return was.response.with_explain("503 Service Unavailable", "please visit on Thursday")

    client = client_of(app)
    missing = client.get("/<script>")
    assert missing.status_code == 404
    assert missing.text.startswith("<h1>404 not found</h1>")
    assert missing.text.endswith("<div>URL: http://testserver/%3Cscript%3E</div>")
    assert client.get("/explained").text == "default 503 please visit on Thursday"


@pytest.mark.row("10.1", "13.1")
def test_a_login_page_is_a_page_and_no_refusal(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["login.html"] = "sign in"
    app.login_handler(lambda was: was.render("login.html"))
    app.route("/")(app.login_required(lambda was: "inside"))
    answer = client_of(app).get("/")
    assert (answer.status_code, answer.text) == (200, "sign in")


@pytest.mark.row("9.11")
def test_rendering_is_an_event(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = "{{ a }}"
    seen: list[object] = []

    @app.on(atila.template_rendering)
    def rendering(was: Was, template: str, params: dict[str, Any]) -> None:
        seen.append((was.request.path, template, params))

    app.route("/")(lambda was: was.render("index.html", a=1))
    client_of(app).get("/")
    assert seen == [("/", "index.html", {"a": 1})]


@pytest.mark.row("14.3", "13.1")
@pytest.mark.parametrize("text", ["one\ntwo\n{{ nothing.at.all }}\n<four>\n", "one\ntwo\n{% nonsense %}\n<four>\n"])
def test_in_debug_a_mistake_in_a_template_is_shown_with_its_lines(
    app: Atila, client_of: ClientOf, templates: Templates, text: str
) -> None:
    templates["broken.html"] = text
    app.route("/")(lambda was: was.render("broken.html"))
    client = client_of(app)
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 500
    assert "broken.html, line 3" in page.text
    assert "<mark>    3 {" in page.text
    assert "&lt;four&gt;" in page.text
    app.debug = False
    assert "broken" not in client.get("/", headers={"Accept": "text/html"}).text


@pytest.mark.row("13.1")
def test_in_debug_a_changed_template_is_read_again(app: Atila, client_of: ClientOf, templates: Templates) -> None:
    templates["index.html"] = "old"
    app.route("/")(lambda was: was.render("index.html"))
    client = client_of(app)
    assert client.get("/").text == "old"
    templates["index.html"] = "new"
    os.utime(templates.folder / "index.html", (1, 1))
    assert client.get("/").text == "new"
