"""Error answers, as pages and as JSON, in debug and not: a text in them is text."""

from __future__ import annotations

import json
import xmlrpc.client as rpc
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import quote
from xml.etree import ElementTree as ET

import msgspec
import pytest

from atila import Atila, Was
from atila.testing.client import TestClient
from tests.documented.conftest import ClientOf
from tests.injection.attempts import ATTEMPTS

BROWSER = {"Accept": "text/html"}


class Shape(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, object]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", None))

    def handle_comment(self, data: str) -> None:
        self.tags.append(("!", data))

    def handle_data(self, data: str) -> None:
        self.text += data


class Point(msgspec.Struct):
    """A body."""

    x: int


def refuse(was: Was, text: str) -> object:
    raise was.Error("400 Bad Request", text)


def fail(was: Was, text: str) -> object:
    raise ValueError(text)


def fail_twice(was: Was, text: str) -> object:
    try:
        raise KeyError(text)
    except KeyError as error:
        raise ValueError(f"again {text}") from error


def explain(was: Was, text: str) -> object:
    return was.response.with_explain("404 Not Found", text)


def convert(was: Was, text: str, limit: int) -> object:
    return limit


def named(text: str) -> type[Exception]:
    return type(f"Odd{text}Error", (Exception,), {})


def fail_oddly(was: Was, text: str) -> object:
    raise named("<b>")(text)


HANDLERS: tuple[Callable[..., object], ...] = (refuse, fail, fail_twice, explain, convert, fail_oddly)


def routed(app: Atila, debug: bool) -> None:
    app.debug = debug
    for handler in HANDLERS:
        app.route(f"/{handler.__name__}", methods=["GET", "POST"])(handler)


def sent(client: TestClient, path: str, text: str, accept: dict[str, str]) -> str:
    answer = client.get(f"/{path}?text={quote(text)}&limit={quote(text)}&{quote(text)}=1", headers=accept)
    assert answer.status_code >= 400
    return answer.text


@pytest.mark.parametrize("debug", [True, False])
def test_a_text_changes_no_tag_of_the_page(app: Atila, client_of: ClientOf, debug: bool) -> None:
    routed(app, debug)
    client = client_of(app)
    for handler in HANDLERS:
        plain = Shape(sent(client, handler.__name__, "harmless", BROWSER))
        for text in ATTEMPTS:
            shape = Shape(sent(client, handler.__name__, text, BROWSER))
            assert shape.tags == plain.tags, (handler, text)
            assert "8660237" not in shape.text or "{{ 1237 * 7001 }}" in shape.text


@pytest.mark.parametrize("debug", [True, False])
def test_the_text_itself_is_there(app: Atila, client_of: ClientOf, debug: bool) -> None:
    routed(app, debug)
    client = client_of(app)
    for text in ATTEMPTS:
        if "\r" not in text and "\0" not in text:  # HTML reads \r as \n, and has no NUL
            page = client.get("/explain", {"text": text}, headers=BROWSER).text
            assert text in Shape(page).text
        assert client.get("/explain", {"text": text}).json()["more_info"] == text


@pytest.mark.parametrize("debug", [True, False])
def test_json_keeps_its_members(app: Atila, client_of: ClientOf, debug: bool) -> None:
    routed(app, debug)
    client = client_of(app)
    for handler in HANDLERS:
        plain = json.loads(sent(client, handler.__name__, "harmless", {}))
        for text in ATTEMPTS:
            answer = sent(client, handler.__name__, text, {})
            assert json.loads(answer).keys() == plain.keys()
            assert "\n" not in answer


@pytest.mark.parametrize("accept", [BROWSER, {}])
def test_half_a_character_is_a_500_and_no_torn_answer(
    app: Atila, client_of: ClientOf, accept: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.logger, "propagate", False)  # what pytest captures must be text that it can pass on
    app.route("/refuse")(lambda was: refuse(was, "\ud800"))
    app.route("/fail")(lambda was: fail(was, "\ud800"))
    for app.debug in (True, False):
        client = client_of(app)
        for path in ("/refuse", "/fail"):
            answer = client.get(path, headers=accept)
            assert answer.status_code == 500
            assert "\ud800" not in answer.text


def test_a_path_that_nobody_has_is_not_repeated(app: Atila, client_of: ClientOf) -> None:
    client = client_of(app)
    for debug in (True, False):
        app.debug = debug
        for text in ATTEMPTS:
            for accept in (BROWSER, {}):
                answer = client.get(f"/{quote(text)}", headers=accept)
                assert answer.status_code in (400, 404)
                assert "alert" not in answer.text
                assert "evil" not in answer.text


def test_a_faulty_body_is_not_markup(app: Atila, client_of: ClientOf) -> None:
    @app.route("/", methods=["POST"])
    def page(was: Was, point: Point) -> str:
        return "x"

    client = client_of(app)
    plain = Shape(client.post("/", json={"x": "harmless", "y": 1}, headers=BROWSER).text)
    for text in ATTEMPTS:
        shape = Shape(client.post("/", json={"x": text, text: 1}, headers=BROWSER).text)
        assert shape.tags == plain.tags
        twice = f'{{"x": 1, {json.dumps(text)}: 1, {json.dumps(text)}: 2}}'
        answer = client.post("/", twice, headers={**BROWSER, "Content-Type": "application/json"})
        assert answer.status_code == 400
        assert not {"script", "img", "svg", "b"} & {tag for tag, _ in Shape(answer.text).tags}


def test_a_redirections_link_is_text(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was, text: was.redirect(f"/{text}"))
    client = client_of(app)
    for text in ATTEMPTS:
        tags = Shape(client.get("/", {"text": text}).text).tags
        assert [tag for tag, _ in tags if not tag.startswith("/")] == ["html", "head", "title", "body", "a"]


def test_an_xml_fault_is_a_text_in_its_place(app: Atila, client_of: ClientOf) -> None:
    @app.route("/refuse")
    def refused(was: Was, number: int) -> object:
        raise was.Error("400 Bad Request", ATTEMPTS[number])

    @app.route("/repeat")
    def repeated(was: Was, number: int) -> object:
        return was.API(text=ATTEMPTS[number])

    client = client_of(app)
    for method in ("refuse", "repeat"):
        for number in range(len(ATTEMPTS)):
            body = rpc.dumps((number,), method)
            answer = client.post("/", body, headers={"Content-Type": "text/xml"})
            tree = ET.fromstring(answer.content)
            assert {element.tag for element in tree.iter()} <= {
                "methodResponse", "fault", "params", "param", "value", "struct", "member", "name", "int", "string",
            }  # fmt: skip
