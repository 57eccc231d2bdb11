"""The methods of an app: what names a route, and what is told of it."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest

from atila import API, Atila, Was
from atila.rpc.methods import Methods, UnknownMethodError, kind_of
from atila.testing.client import TestClient
from atila.testing.jsonrpc import JsonRpcError


class Photo(msgspec.Struct):
    """A picture with a title."""

    title: str
    size: int = 0


class Named(TypedDict):
    """A name."""

    name: str


@dataclass
class Point:
    """A place."""

    x: int


def view(was: Was, uid: int = 0) -> int:
    return uid


@pytest.fixture
def app() -> Atila:
    """An app whose handlers have types, docstrings and neither."""
    app = Atila("tests")

    @app.route("/math/add", methods=["POST"])
    def add(was: Was, a: int, b: float = 1, note: str | None = None) -> float:
        """Add two numbers.

        The note is for you.
        """
        return a + b

    @app.route("/photos/save")
    async def save(was: Was, photo: Photo, owner: str = "me") -> API[Photo]:
        return was.API(photo)

    @app.route("/photos/<int:id>/")
    def get(was: Was, id: int) -> object:
        return id

    @app.route("/either")
    def either(was: Was, photo: dict[str, Any] | int) -> object:
        return was.API(photo=photo)

    app.route("/anything")(lambda was, **fields: fields)
    app.route("/")(lambda was: "home")
    app.route("/socket")(app.websocket(1)(lambda was, message: message))
    app.openapi_url = "/openapi.json"
    return app


@pytest.fixture
def cli(app: Atila) -> Iterator[TestClient]:
    with app.test_client("/rpc2") as client:
        yield client


ALL = ["anything", "either", "math.add", "photos", "photos.save"]
SYSTEM = ["system.listMethods", "system.methodHelp", "system.methodSignature", "system.multicall"]


@pytest.mark.row("12.15")
def test_a_path_names_a_rule_without_its_parameters_and_post_goes_first() -> None:
    app = Atila("tests")
    app.route("/photos/list/<int:uid>", methods=["GET"])(view)
    post = app.route("/photos/list/<int:uid>", methods=["POST"])(lambda was, uid: uid)
    app.route("/photos/get", methods=["PUT", "GET"])(view)
    methods = Methods(app.router, lambda route: None)
    assert methods.find("", "photos.list").route.handler is post
    assert (methods.find("", "photos.list").verb, methods.find("/photos", "get").verb) == ("POST", "PUT")
    with pytest.raises(UnknownMethodError, match=r"no method photos\.none"):
        methods.find("", "photos.none")
    app.route("/photos/none")(view)
    assert methods.find("", "photos.none").route.handler is view


@pytest.mark.row("12.15")
def test_what_methods_there_are(cli: TestClient) -> None:
    for path in ("/rpc2", "/rpc2/"):
        assert cli.rpc(path).system.listMethods() == ALL + SYSTEM
    assert cli.rpc("/rpc2/photos").system.listMethods() == ["save", *SYSTEM]
    assert cli.jsonrpc("/rpc2").system.listMethods() == ALL + SYSTEM


@pytest.mark.row("12.15")
def test_what_a_method_is_for_and_what_it_takes(cli: TestClient) -> None:
    system: Any = cli.rpc("/rpc2").system
    assert system.methodHelp("math.add") == "Add two numbers.\n\nThe note is for you."
    assert system.methodHelp("anything") == ""
    assert system.methodSignature("math.add") == [
        ["double", "int"], ["double", "int", "double"], ["double", "int", "double", "string"],
    ]  # fmt: skip
    assert system.methodSignature("photos.save") == [["struct", "struct"], ["struct", "struct", "string"]]
    assert system.methodSignature("photos") == [["undef", "int"]]
    assert system.methodSignature("anything") == [["undef"]]
    for name in SYSTEM:
        assert system.methodHelp(name)
        assert system.methodSignature(name)[0]


def test_questions_that_make_no_sense(cli: TestClient) -> None:
    system: Any = cli.jsonrpc("/rpc2").system
    questions: list[tuple[Any, tuple[Any, ...], int]] = [
        (system.methodHelp, ("none",), -32601),
        (system.methodSignature, ("none",), -32601),
        (system.methodHelp, (), 400),
        (system.methodHelp, (3,), 400),
        (system.listMethods, ("x",), 400),
        (system.other, (), -32601),
        (cli.jsonrpc("/rpc2").socket, ("x",), -32601),  # a WebSocket is no method
    ]
    for question, arguments, code in questions:
        with pytest.raises(JsonRpcError) as caught:
            question(*arguments)
        assert caught.value.code == code
    assert system.methodHelp(name="anything") == ""


def test_an_app_may_keep_its_methods_to_itself(app: Atila) -> None:
    app.config.rpc_introspection = False
    with app.test_client("/rpc2") as cli:
        assert cli.jsonrpc("/rpc2").math.add(1, 2) == 3
        with pytest.raises(JsonRpcError, match="Method not found"):
            cli.jsonrpc("/rpc2").system.listMethods()


def test_a_route_may_answer_in_the_systems_place(app: Atila, cli: TestClient) -> None:
    app.route("/system/methodHelp")(lambda was, name: f"ours of {name}")
    assert cli.rpc("/rpc2").system.methodHelp("x") == "ours of x"


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (int, "int"),
        (bool, "boolean"),
        (float, "double"),
        (str, "string"),
        (bytes, "base64"),
        (datetime, "dateTime.iso8601"),
        (list[int], "array"),
        (tuple[int, ...], "array"),
        (dict[str, int], "struct"),
        (Photo, "struct"),
        (Point, "struct"),
        (Named, "struct"),
        (None, "nil"),
        (int | None, "int"),
        (int | str, "undef"),
        (Photo | None, "struct"),
        (Photo | int, "undef"),
        (Literal["a"], "undef"),
        (Annotated[int, msgspec.Meta(ge=1)], "int"),
        (API[dict[str, Any]], "struct"),
        (Any, "undef"),
        (object, "undef"),
    ],
)
def test_what_types_are_called(hint: Any, kind: str) -> None:
    assert kind_of(hint) == kind


def test_arguments_by_name_may_be_the_fields_of_a_record(cli: TestClient) -> None:
    proxy = cli.jsonrpc("/rpc2")
    saved = {"title": "Sea", "size": 2}
    assert proxy.photos.save(title="Sea", size=2, owner="you") == saved
    assert proxy.photos.save(saved) == saved
    assert proxy.photos.save(photo=saved) == saved
    assert cli.rpc("/rpc2").photos.save(saved) == saved


@pytest.mark.row("12.15")
def test_a_struct_alone_may_hold_the_arguments_by_name(cli: TestClient) -> None:
    rpc = cli.rpc("/rpc2")
    assert rpc.math.add({"a": 1, "b": 2}) == 3
    assert rpc.math.add({"a": 1}) == 2
    assert rpc.anything({"x": 1, "y": [2]}) == {"x": 1, "y": [2]}
    assert rpc.either({"photo": {"a": 1}}) == {"photo": {"photo": {"a": 1}}}  # which says it takes one
    with pytest.raises(xmlrpc.client.Fault, match="`a` should be an integer"):  # which is not all of them
        rpc.math.add({"b": 2})
