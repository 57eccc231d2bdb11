"""The OpenAPI document: every kind of hint and option of a route, and that all of it is valid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from openapi_spec_validator import validate

from atila import API, Atila, File, Upload, Was
from atila.openapi.document import result_type
from contracts.photos.v1 import photos_pb2 as pb
from tests.atila.openapi.pets import Cage, Colour, Food, Pet


class Odd:
    """A type without a schema."""


REF = "#/components/schemas/"
LIST = {"type": "array", "items": {"type": "integer"}}
ANY = {"description": "any value"}


def document(app: Atila) -> dict[str, Any]:
    """Return the document of an app, which a validator of the standard has read."""
    made: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi()))
    validate(made)
    return made


def operation(app: Atila, path: str = "/", method: str = "get") -> dict[str, Any]:
    found: dict[str, Any] = document(app)["paths"][path][method]
    return found


def schema_of(hint: Any, default: Any = ..., method: str = "GET") -> dict[str, Any]:
    """Return the schema of a handler's argument `x` in the query, or in a JSON body."""
    app = Atila("tests")

    def handler(was: Was, x: Any) -> str:
        return ""

    handler.__annotations__["x"] = hint
    if default is not ...:
        handler.__defaults__ = (default,)
    app.route("/", methods=[method])(handler)
    described = operation(app, method=method.lower())
    if method == "GET":
        [parameter] = described["parameters"]
        assert (parameter["name"], parameter["in"], parameter["required"]) == ("x", "query", default is ...)
        found: dict[str, Any] = parameter["schema"]
        return found
    body = described["requestBody"]
    assert body["required"] is (default is ...)
    whole = body["content"]["application/json"]["schema"]
    assert whole.get("required", []) == (["x"] if default is ... else [])
    inner: dict[str, Any] = whole["properties"]["x"]
    return inner


HINTS = [
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (str, {"type": "string"}),
    (bool, {"type": "boolean"}),
    (bytes, {"type": "string", "contentEncoding": "base64"}),
    (Any, {}),
    (object, {}),
    (datetime, {"type": "string"}),
    (Annotated[datetime, msgspec.Meta(tz=True)], {"type": "string", "format": "date-time"}),
    (date, {"type": "string", "format": "date"}),
    (UUID, {"type": "string", "format": "uuid"}),
    (Decimal, {"type": "string", "format": "decimal"}),
    (Literal["a", "b"], {"enum": ["a", "b"]}),
    (list[int], LIST),
    (set[str], {"type": "array", "items": {"type": "string"}, "uniqueItems": True}),
    (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
    (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
    (int | Literal["me"], {"anyOf": [{"type": "integer"}, {"enum": ["me"]}]}),
    (Annotated[int, msgspec.Meta(ge=1, le=9, description="a page")], {"type": "integer", "minimum": 1, "maximum": 9, "description": "a page"}),  # noqa: E501
    (Annotated[str, msgspec.Meta(pattern="^a", extra={"list": []})], {"type": "string", "pattern": "^a"}),
    (Colour, {"$ref": f"{REF}Colour"}),
    (list[Pet], {"type": "array", "items": {"$ref": f"{REF}Pet"}}),
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("hint", "schema"), HINTS, ids=[str(hint) for hint, _ in HINTS])
def test_a_hint_is_a_schema_in_the_query_and_in_a_body(hint: Any, schema: dict[str, Any], method: str) -> None:
    assert schema_of(hint, method=method) == schema


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("hint", "default", "shown"), [
    (int, 3, {"default": 3}), (str, "", {"default": ""}), (int | None, None, {}), (Any, None, {}),
    (list[int], (1, 2), {"default": [1, 2]}), (date, date(2026, 1, 2), {"default": "2026-01-02"}),
    (Any, Ellipsis.__class__, {"default": "<class 'ellipsis'>"}), (dict[str, int], {1: 2}, {"default": {"1": 2}}),
])  # fmt: skip
def test_a_default_makes_an_argument_optional(hint: Any, default: Any, shown: dict[str, Any], method: str) -> None:
    schema = schema_of(hint, default, method)
    assert {name: value for name, value in schema.items() if name == "default"} == shown


def test_a_default_beside_a_reference_is_not_shown() -> None:
    assert schema_of(Colour, Colour.RED) == {"$ref": f"{REF}Colour"}


@pytest.fixture
def app() -> Atila:
    app = Atila("tests")
    app.title, app.version, app.description = "Pets", "2.1", "All of <them>."
    return app


def test_the_whole_of_it(app: Atila) -> None:
    app.route("/")(lambda was: "")
    made = document(app)
    assert made["openapi"] == "3.1.0"
    assert made["info"] == {"title": "Pets", "version": "2.1", "description": "All of <them>."}
    assert made["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert list(made["components"]["schemas"]) == ["ErrorBody", "FaultyParameter"]
    app.description = ""
    assert "description" not in document(app)["info"]


@pytest.mark.parametrize(("hint", "name"), [(Pet, "Pet"), (Cage, "Cage"), (Food, "Food")])
@pytest.mark.parametrize("optional", [False, True])
def test_a_record_is_the_body(app: Atila, hint: Any, name: str, optional: bool) -> None:
    def may(was: Was, id: int, notify: bool = False, pet: Any = None) -> object:
        return ""

    def must(was: Was, id: int, pet: Any, notify: bool = False) -> object:
        return ""

    handler = may if optional else must
    handler.__annotations__["pet"] = hint
    app.route("/pets/<int:id>", methods=["PUT"])(handler)
    described = operation(app, "/pets/{id}", "put")
    assert described["requestBody"] == {
        "required": not optional, "content": {"application/json": {"schema": {"$ref": REF + name}}}
    }  # fmt: skip
    assert [(item["name"], item["in"]) for item in described["parameters"]] == [("id", "path"), ("notify", "query")]
    assert {"Pet", "Owner", "Colour"} <= set(document(app)["components"]["schemas"]) or name == "Food"


def test_two_types_of_one_name_are_two_schemas(app: Atila) -> None:
    first, second = (
        msgspec.defstruct("Item", [("value", kind)], module=f"tests.{kind.__name__}") for kind in (int, str)
    )

    def one(was: Was) -> object:
        return None

    def two(was: Was) -> object:
        return None

    one.__annotations__["return"], two.__annotations__["return"] = first, second
    app.route("/one", methods=["GET"])(one)
    app.route("/two", methods=["GET"])(two)
    made = document(app)
    references = [made["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
                  for path in ("/one", "/two")]  # fmt: skip
    kinds = [made["components"]["schemas"][name.rpartition("/")[2]]["properties"]["value"] for name in references]
    assert kinds == [{"type": "integer"}, {"type": "string"}]


FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}


@pytest.mark.parametrize(("hint", "schema"), [
    (Upload, FILE), (Upload | None, FILE), (list[Upload], {"type": "array", "items": FILE}),
])  # fmt: skip
def test_files_make_a_form(app: Atila, hint: Any, schema: dict[str, Any]) -> None:
    def handler(was: Was, id: int, title: str, file: Any, tag: str = "x") -> object:
        return ""

    handler.__annotations__["file"] = hint
    app.route("/pets/<int:id>", methods=["POST"])(handler)
    described = operation(app, "/pets/{id}", "post")
    assert described["requestBody"] == {
        "required": True,
        "content": {"multipart/form-data": {"schema": {
            "type": "object", "required": ["title", "file"],
            "properties": {"title": {"type": "string"}, "file": schema, "tag": {"type": "string", "default": "x"}},
        }}},
    }  # fmt: skip


@pytest.mark.parametrize(("rule", "hint", "path", "schema"), [
    ("/<int:id>", int, "/{id}", {"type": "integer", "minimum": 0}),
    ("/<float:id>", float, "/{id}", {"type": "number", "minimum": 0}),
    ("/<id>", str, "/{id}", {"type": "string"}), ("/a/<path:id>", Any, "/a/{id}", {"type": "string"}),
    ("/<id>/b", UUID, "/{id}/b", {"type": "string", "format": "uuid"}),
    ("/<id>", Colour, "/{id}", {"$ref": f"{REF}Colour"}),
    ("/<int:id>", int | Literal["me"], "/{id}", {"anyOf": [{"type": "integer"}, {"enum": ["me"]}]}),
    ("/<int:id>", Annotated[int, msgspec.Meta(le=9)], "/{id}", {"type": "integer", "maximum": 9}),
])  # fmt: skip
def test_a_parameter_of_the_path(app: Atila, rule: str, hint: Any, path: str, schema: dict[str, Any]) -> None:
    def handler(was: Was, id: Any) -> object:
        return ""

    handler.__annotations__["id"] = hint
    app.route(rule, methods=["GET"])(handler)
    described = operation(app, path)
    assert described["parameters"] == [{"name": "id", "in": "path", "required": True, "schema": schema}]
    assert sorted(described["responses"]) == ["200", "400", "404"]


@pytest.mark.parametrize(("method", "words"), [("GET", ["me", "new", "notme"]), ("PUT", ["me", "new"])])
def test_a_permission_that_is_bound_to_a_parameter_takes_words(app: Atila, method: str, words: list[str]) -> None:
    @app.route("/users/<int:uid>", methods=[method])
    @app.permission_required(uid=["staff"])
    def user(was: Was, uid: int) -> object:
        return ""

    described = operation(app, "/users/{uid}", method.lower())
    assert described["parameters"][0]["schema"] == {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "enum": words}]
    }
    assert described["security"] == [{"bearer": []}]
    assert sorted(described["responses"]) == ["200", "400", "401", "403", "404"]
    assert described["responses"]["403"] == {
        "description": "Forbidden", "content": {"application/json": {"schema": {"$ref": f"{REF}ErrorBody"}}}
    }  # fmt: skip


JSON = {"application/json": {"schema": {"$ref": f"{REF}Pet"}}}


@pytest.mark.parametrize(("hint", "content"), [
    (API[Pet], JSON), (Pet, JSON), (API[list[int]], {"application/json": {"schema": LIST}}),
    (Cage, {"application/json": {"schema": {"$ref": f"{REF}Cage"}}}), (API[Any], {"application/json": {"schema": {}}}),
    (File, {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}),
    (API, None), (str, None), (object, None), (Iterator[bytes], None),
    (API[Odd], {"application/json": {"schema": ANY}}),
])  # fmt: skip
def test_what_a_handler_returns(app: Atila, hint: Any, content: Any) -> None:
    def handler(was: Was) -> object:
        return ""

    handler.__annotations__["return"] = hint
    app.route("/", methods=["GET"])(handler)
    assert operation(app)["responses"] == {"200": {"description": "OK", **({"content": content} if content else {})}}
    assert result_type(hint) is (None if content is None or hint is File else getattr(hint, "__args__", (hint,))[0])


def test_further_answers(app: Atila) -> None:
    taken = {"description": "taken", "headers": {"retry-after": {"schema": {"type": "integer"}}}}
    image: dict[str, Any] = {"content": {"image/png": {"schema": {}}}}

    @app.route(
        "/<int:id>",
        methods=["POST"],
        status=201,
        responses={409: taken, 404: "no such pet", 530: "odd", 410: image, 499: "gone"},
    )
    def handler(was: Was, id: int) -> API[Pet]:
        return API()

    responses = operation(app, "/{id}", "post")["responses"]
    assert responses["201"] == {"description": "Created", "content": JSON}
    assert responses["409"] == taken
    assert responses["404"]["description"] == "no such pet"
    assert responses["404"]["content"] == responses["400"]["content"]
    assert responses["410"] == {"description": "Gone", **image}
    assert (responses["530"], responses["499"]) == ({"description": "odd"}, {"description": "gone"})
    assert list(responses) == sorted(responses)


@pytest.mark.parametrize("status", [204, 205, 304, 530])
def test_a_status_that_has_no_content(app: Atila, status: int) -> None:
    @app.route("/", methods=["DELETE"], status=status)
    def handler(was: Was) -> API[Pet]:
        return API()

    [(code, answer)] = operation(app, "/", "delete")["responses"].items()
    assert (code, "content" in answer) == (str(status), status == 530)


def test_words_come_from_the_docstring_or_the_options(app: Atila) -> None:
    @app.route("/said", methods=["GET"])
    def get_one_pet(was: Was) -> str:
        """One pet.

        Nobody's pet is
        a 404.
        """
        return ""

    @app.route("/told", methods=["GET"], summary="Told", tags=["a", "b"], operation_id="tell")
    def handler(was: Was) -> str:
        """Not this."""
        return ""

    said, told = operation(app, "/said"), operation(app, "/told")
    assert said.items() >= {
        "operationId": "getOnePet", "summary": "One pet", "description": "Nobody's pet is\na 404.",
        "tags": ["test_document"],
    }.items()  # fmt: skip
    assert told.items() >= {"operationId": "tell", "summary": "Told", "tags": ["a", "b"]}.items()
    assert "description" not in told


def test_an_operation_id_is_there_once(app: Atila) -> None:
    def pets(was: Was) -> str:
        return ""

    def _(was: Was) -> str:
        return ""

    app.route("/a", methods=["GET"])(pets)
    app.route("/b", methods=["GET"])(pets)
    app.route("/c", methods=["GET", "POST", "OPTIONS"])(pets)
    app.route("/d", methods=["GET"], operation_id="pets")(lambda was: "")
    app.route("/e", methods=["GET"])(lambda was: "")
    app.route("/f", methods=["GET"])(_)
    paths = document(app)["paths"]
    ids = {path: {method: item["operationId"] for method, item in one.items()} for path, one in paths.items()}
    assert ids == {
        "/a": {"get": "pets"}, "/b": {"get": "pets2"}, "/c": {"get": "getPets", "post": "postPets"},
        "/d": {"get": "pets3"}, "/e": {"get": "lambda"}, "/f": {"get": "operation"},
    }  # fmt: skip
    assert paths["/f"]["get"]["summary"] == "operation"


def test_what_stays_out(app: Atila) -> None:
    app.route("/hidden", include_in_schema=False)(lambda was, odd=...: "")
    app.route("/options", methods=["OPTIONS"])(lambda was: "")
    app.route("/shown", methods=["GET", "HEAD", "OPTIONS"])(lambda was: "")
    paths = document(app)["paths"]
    assert {path: list(item) for path, item in paths.items()} == {"/shown": ["get"]}


def test_several_functions_share_a_path_and_the_mount_point_stands_before_it(app: Atila) -> None:
    app.root = "/api"
    app.route("/pets", methods=["GET"])(lambda was: "")
    app.route("/pets", methods=["POST"])(lambda was: "")
    app.route("", methods=["PUT"])(lambda was: "")
    assert {path: sorted(item) for path, item in document(app)["paths"].items()} == {
        "/api/": ["put"], "/api/pets": ["get", "post"]
    }  # fmt: skip


@pytest.mark.parametrize("scheme", ["basic", "digest", "bearer"])
def test_the_scheme_of_a_route(app: Atila, scheme: str) -> None:
    app.route("/", methods=["GET"], authenticate=scheme)(lambda was: "")
    assert operation(app)["security"] == [{scheme: []}]
    schemes = document(app)["components"]["securitySchemes"]
    assert schemes[scheme]["scheme"] == scheme
    assert set(schemes) == {"bearer", scheme}


def test_a_message_of_grpc_is_any_value(app: Atila) -> None:
    @app.route("/contracts.photos.v1.PhotoService/Get", methods=["POST"])
    def get(was: Was, request: pb.GetRequest) -> pb.Photo:
        return pb.Photo()

    described = operation(app, "/contracts.photos.v1.PhotoService/Get", "post")
    body = described["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"] == {"request": {"description": "any value"}}
    assert "content" not in described["responses"]["200"]


def test_every_method_that_has_a_body_says_so(app: Atila) -> None:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]

    @app.route("/", methods=methods)
    def handler(was: Was, x: int) -> str:
        return ""

    item = document(app)["paths"]["/"]
    bodies = {method for method in methods if "requestBody" in item[method.lower()]}
    assert bodies == {"POST", "PUT", "PATCH"}
    assert {method for method in methods if "parameters" in item[method.lower()]} == {"GET", "DELETE"}
