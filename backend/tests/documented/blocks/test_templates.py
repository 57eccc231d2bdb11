"""Blocks on templates, error pages, the log and remote calls."""

from __future__ import annotations

from typing import Any

import pytest

from atila import Atila
from tests.documented.blocks.conftest import Write
from tests.documented.conftest import ClientOf


def test_what_a_template_is_given(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("index.html", "{{ product }} {{ choice }}")
    app.route("/keywords")(lambda was: was.render("index.html", choice=2, product="Apples"))
    app.route("/dict")(lambda was: was.render("index.html", {"choice": 2, "product": "Apples"}))
    app.route("/both")(lambda was: was.render("index.html", {"choice": 2}, product="Apples"))
    cli = client_of(app)
    assert cli.get("/keywords").text == cli.get("/dict").text == "Apples 2"
    assert cli.get("/both").status_code == 500


def test_was_in_a_template(app: Atila, client_of: ClientOf, template: Write) -> None:
    template(
        "index.html",
        '{{ was.cookie.username }} choices item {{ was.request.args.get("choice", "N/A") }}.'
        "<a href=\"{{ was.ab('checkout', choice) }}\">Proceed</a>",
    )

    @app.route("/")
    def index(was: Any, choice: int = 0) -> Any:
        return was.render("index.html", choice=choice)

    @app.route("/checkout")
    def checkout(was: Any, choice: int) -> str:
        return str(choice)

    text = client_of(app).get("/?choice=2", headers={"Cookie": "username=Hans"}).text
    assert text == 'Hans choices item 2.<a href="/checkout?choice=2">Proceed</a>'


def test_g_in_a_template(app: Atila, client_of: ClientOf, template: Write) -> None:
    template(
        "index.html", '{% set g = was.g %}Checkout for {{ g.howmany }} {{ g.product }}{{ g.howmany > 1 and "s" or "" }}'
    )

    @app.route("/")
    def index(was: Any) -> Any:
        was.g.product = "Apple"
        was.g.howmany = 10
        return was.render("index.html")

    assert client_of(app).get("/").text == "Checkout for 10 Apples"


def test_globals_filters_and_the_environment(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("index.html", '{{ test_global() }} {{ "Hello" | reverse }} {{ form_token() }}')

    @app.template_global("test_global")
    def test(was: Any) -> str:
        return ", ".join(was.request.args.keys())

    @app.template_filter("reverse")
    def reverse_filter(text: str) -> str:
        return text[::-1]

    app.jinja_env.globals["form_token"] = lambda: "token"

    @app.route("/")
    def index(was: Any, **args: Any) -> Any:
        return was.render("index.html")

    assert client_of(app).get("/?a=1&b=2").text == "a, b olleH token"


def test_other_delimiters(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("index.html", "% for n in [1, 2]\n{{ n }}\n% endfor\n%% a comment\n{# another #}")
    app.jinja_overlay(
        variable_start_string="{{",
        variable_end_string="}}",
        block_start_string="{%",
        block_end_string="%}",
        comment_start_string="{#",
        comment_end_string="#}",
        line_statement_prefix="%",
        line_comment_prefix="%%",
    )
    app.route("/")(lambda was: was.render("index.html"))
    assert client_of(app).get("/").text.split() == ["1", "2"]


def test_error_pages(app: Atila, client_of: ClientOf, template: Write) -> None:
    lines = (
        "<h1>{{ error.code }} {{ error.message }}</h1>",
        "<p>{{ error.detail }}</p>",
        "<div>URL: {{ error.url }}</div>",
        "<div>Time: {{ error.time }}</div>",
    )
    template("default.htm", "default " + "".join(lines))
    template("404.htm", "".join(lines))

    @app.default_error_handler
    def default_error_handler(was: Any, error: Any) -> Any:
        return was.render("default.htm", error=error)

    @app.error_handler(404)
    def not_found(was: Any, error: Any) -> Any:
        return was.render("404.htm", error=error)

    @app.route("/gone")
    def gone(was: Any) -> Any:
        raise was.Error("410 Gone", "sold <out>")

    cli = client_of(app)
    assert "<h1>404 not found</h1>" in cli.get("/none").text
    assert "URL: http://testserver/none<" in cli.get("/none").text
    assert cli.get("/gone").text.startswith("default <h1>410 gone</h1><p>sold &lt;out&gt;</p>")


def test_errors_as_text(app: Atila, client_of: ClientOf) -> None:
    @app.default_error_handler
    def default_error_handler(was: Any, error: Any) -> str:
        return "<h1>{code} {message}</h1>".format(**error)

    @app.error_handler(404)
    def not_found(was: Any, error: Any) -> str:
        return "<h2>{code} {message}</h2>".format(**error)

    app.route("/", methods=["GET"])(lambda was: "")
    cli = client_of(app)
    assert (cli.get("/none").text, cli.post("/").text) == ("<h2>404 not found</h2>", "<h1>405 method not allowed</h1>")


def test_lines_in_the_log(app: Atila, client_of: ClientOf, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    @app.route("/")
    def total(was: Any) -> str:
        was.log("called index", "info")
        try:
            1 / 0  # noqa: B018 - it fails, as the block's does
        except ZeroDivisionError:
            was.log("exception occured", "error")
            was.traceback()
        was.log("done index", "info")
        return ""

    client_of(app).get("/")
    for text in ("called index", "exception occured", "ZeroDivisionError", "done index"):
        assert text in caplog.text


def test_a_handler_over_xml_rpc(app: Atila, client_of: ClientOf) -> None:
    @app.route("/add")
    def index(was: Any, num1: Any, num2: Any) -> Any:
        return num1 + num2

    assert client_of(app, "/rpc").rpc("/rpc").add(10000, 5000) == 15000
