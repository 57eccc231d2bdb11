"""The page that shows a document: everything is there, nothing gets out of its place."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Annotated, Any

import msgspec

from atila import API, Atila, Upload, Was
from atila.openapi.page import STYLE, render_page

EVIL = "<script>alert('x')</script>\"&"


class Reader(HTMLParser):
    """Reads a page: its tags, what is open at its end, its texts and links."""

    VOID = {"meta", "link", "br"}  # noqa: RUF012 - of this test only

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.links: list[str | None] = []
        self.ids: list[str | None] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        found = dict(attributes)
        self.links += [found["href"]] if "href" in found else []
        self.ids += [found["id"]] if "id" in found else []
        assert not any(name.startswith("on") or name == "style" for name in found)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


class Pet(msgspec.Struct):
    """A pet <b>bold</b>."""

    name: Annotated[str, msgspec.Meta(examples=[EVIL])] = EVIL


def evil_app() -> Atila:
    app = Atila("tests")
    app.title = app.version = app.description = EVIL

    @app.route(
        "/pets/<int:id>", methods=["GET"], tags=[EVIL], operation_id=EVIL, responses={409: EVIL}, authenticate="basic"
    )
    def get(was: Was, id: int, size: str = EVIL) -> API[Pet]:
        """One </pre>.

        More </pre></div>.
        """
        return API()

    app.route("/a&'\"", methods=["PUT"], summary=EVIL)(lambda was: "")
    return app


def page_of(app: Atila) -> tuple[str, Reader]:
    page = render_page(app.openapi(), "/openapi.json?a&b", "/docs/style.css")
    return page, Reader(page)


def test_nothing_of_the_document_is_markup() -> None:
    page, read = page_of(evil_app())
    assert "script" not in read.tags
    assert read.open == []
    assert "<script" not in page
    assert read.text.count(EVIL) >= 7  # where it was said, it is shown
    assert read.links == ["/docs/style.css", "/openapi.json?a&b"]
    assert "More </pre></div>." in read.text


def test_each_operation_is_shown_with_all_its_parts() -> None:
    app = Atila("tests")

    @app.route("/pets/<int:id>", methods=["PUT"], tags=["pets"], status=201)
    @app.permission_required()
    def put_pet(was: Was, id: int, pet: Pet, notify: bool = False) -> API[Pet]:
        """Change a pet.

        Whoever owns it.
        """
        return API()

    @app.route("/pictures", methods=["POST"], tags=["files"])
    def add_picture(was: Was, file: Upload) -> str:
        return ""

    app.route("/plain", methods=["GET"], operation_id="plain")(lambda was: "")
    page, read = page_of(app)
    assert read.ids == ["addPicture", "putPet", "plain", "schema-ErrorBody", "schema-FaultyParameter", "schema-Pet"]
    assert page.index("<h2>files</h2>") < page.index("<h2>pets</h2>") < page.index("<h2>test_page</h2>")
    start = page.index('id="putPet"')
    operation = page[start : page.index("</details>", start)]
    for part in (
        'class="method put">PUT<', "<code>/pets/{id}</code>", "Change a pet", "<p>Whoever owns it.</p>",
        "needs authentication: bearer", "<code>id</code></td><td>path, required</td>",
        "<code>notify</code></td><td>query</td>",
        "Body: application/json", "<td>201</td><td>Created</td><td>application/json",
        "<td>403</td><td>Forbidden</td>", "&quot;$ref&quot;: &quot;#/components/schemas/Pet&quot;",
    ):  # fmt: skip
        assert part in operation
    start = page.index('id="plain"')
    plain = page[start : page.index("</details>", start)]
    assert not any(part in plain for part in ("needs authentication", "Parameters", "Body:", "<p></p>"))
    assert "<tr><td>200</td><td>OK</td><td></td></tr>" in plain
    assert "Body: multipart/form-data" in page


def test_several_schemes_are_named() -> None:
    document: dict[str, Any] = evil_app().openapi()
    document["paths"]["/pets/{id}"]["get"]["security"] = [{"basic": []}, {"bearer": []}]
    assert "needs authentication: basic, bearer" in render_page(document, "", "")


def test_the_style_is_whole() -> None:
    assert STYLE.count("{") == STYLE.count("}") > 10
    assert "url(" not in STYLE
    assert "@import" not in STYLE
