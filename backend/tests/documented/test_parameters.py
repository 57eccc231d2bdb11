"""Chapter 3, second half: from the path, the query and the body to a handler's arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest

from atila import Atila, RouteError, Upload, Was
from tests.documented.conftest import ClientOf

MALFORMED = {"code": 40050, "message": "missing or bad parameter"}


class Pet(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    age: Annotated[int, msgspec.Meta(ge=0)] = 0
    tags: list[str] = []


def reasons(answer: Any) -> dict[str, str]:
    """The faulty parameters of a 400 and why each is refused."""
    assert answer.status_code == 400, answer
    assert MALFORMED.items() <= answer.data.items()
    assert answer.data["more_info"] == "; ".join(item["reason"] for item in answer.data["errors"])
    return {item["name"]: item["reason"] for item in answer.data["errors"]}


@pytest.mark.row("3.28", "3.31")
def test_an_argument_without_a_hint_gets_the_text_that_was_sent(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello")(lambda was, num=8: was.API(num=num))
    cli = client_of(app)
    assert cli.get("/hello?num=100").data == {"num": "100"}
    assert cli.get("/hello").data == {"num": 8}
    assert cli.get("/hello?num=").data == {"num": ""}


@pytest.mark.row("3.29")
def test_an_unknown_parameter_is_400(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello")(lambda was, num=8: was.API(num=num))
    app.route("/free")(lambda was: "free")
    cli = client_of(app)
    assert reasons(cli.get("/hello?num=1&x=2")) == {"x": "parameter `x` is unknown"}
    assert reasons(cli.post("/hello", json={"x": 2, "y": 3})).keys() == {"x", "y"}
    assert cli.get("/free?x=2").text == cli.post("/free", json={"x": 2}).text == "free"


@pytest.mark.row("3.30")
def test_a_missing_parameter_is_400(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello")(lambda was, num, size: "")
    assert reasons(client_of(app).get("/hello")) == {
        "num": "parameter `num` is missing", "size": "parameter `size` is missing",
    }  # fmt: skip


@pytest.mark.row("3.32")
def test_keywords_collect_what_no_argument_takes(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello/<int:id>")
    def hello(was: Was, userid: str, limit: int = 1, **form: object) -> object:
        return was.API(userid=userid, limit=limit, form=form)

    answer = client_of(app).post("/hello/5?limit=2&id=7&a=query&b=1", {"userid": "hans", "a": "form"})
    assert answer.data == {"userid": "hans", "limit": 2, "form": {"id": 5, "a": "form", "b": "1"}}


@pytest.mark.row("3.32")
def test_a_parameter_named_like_the_first_argument_is_refused(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello")(lambda was, **form: was.API(form=form))
    assert reasons(client_of(app).get("/hello?was=1&a=2")) == {"was": "parameter `was` is unknown"}


@pytest.mark.row("3.25", "3.27", "3.33", "3.35")
def test_binding_is_by_name_and_json_keeps_its_types(app: Atila, client_of: ClientOf) -> None:
    @app.route("/e/<int:id>")
    def episode(was: Was, id: object, topic: object, num: object, flag: object = None) -> object:
        return was.API(id=id, topic=topic, num=num, flag=flag)

    answer = client_of(app).post("/e/100?topic=Python&num=query&id=7", json={"num": 5, "flag": True})
    assert answer.data == {"id": 100, "topic": "Python", "num": 5, "flag": True}


@pytest.mark.row("3.34")
def test_the_body_is_bound_only_where_it_is_asked_for(app: Atila, client_of: ClientOf) -> None:
    app.route("/e/<int:number>")(lambda was, number: "")
    assert reasons(client_of(app).post("/e/1", json={"comment": "x"})) == {"comment": "parameter `comment` is unknown"}


@pytest.mark.row("3.37")
def test_json_that_is_no_object_is_400_when_it_is_bound(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello")(lambda was, num=8: "")
    cli = client_of(app)
    for value, said in (([1], "an array"), ("x", "a string"), (7, "a number"), (False, "a boolean")):
        answer = cli.post("/hello", json=value)
        assert answer.status_code == 400
        assert answer.data["more_info"] == f"the JSON body is {said}; an object is expected"


@pytest.mark.row("3.38")
def test_a_type_error_inside_a_handler_is_the_apps_own_fault(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello")
    def hello(was: Was, num: int = 1) -> object:
        return len(num)  # type: ignore[arg-type]  # the mistake is the test

    assert client_of(app).get("/hello").status_code == 500


@pytest.mark.row("3.50", "3.51")
def test_notme_is_for_get_only_where_a_permission_is_bound_to_it(app: Atila, client_of: ClientOf) -> None:
    asked: list[tuple[str, list[str]]] = []
    app.permission_check_handler(lambda was, permissions: asked.append((was.request.method, permissions)))

    @app.route("/episodes/<int:uid>", methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
    @app.permission_required(uid=["staff"])
    def episodes(was: Was, uid: object) -> object:
        return was.API(uid=uid)

    @app.route("/open/<int:uid>", methods=["DELETE"])
    def unbound(was: Was, uid: object) -> object:
        return was.API(uid=uid)

    cli = client_of(app)
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        answer = cli.request(method, "/episodes/notme")
        assert answer.status_code == 421
        assert {"code": 42100, "message": "method not allowed"}.items() <= answer.data.items()
    assert asked == []
    for method, who in (
        ("GET", "notme"),
        ("GET", "me"),
        ("DELETE", "me"),
        ("GET", "4"),
        ("GET", "new"),
        ("POST", "new"),
    ):
        assert cli.request(method, f"/episodes/{who}").status_code == 200
    staff = ["staff"]
    assert asked == [("GET", staff), ("GET", []), ("DELETE", []), ("GET", staff), ("GET", staff), ("POST", staff)]
    assert cli.delete("/open/notme").data == {"uid": "notme"}


# type hints: our own addition


@pytest.mark.row("3.28")
def test_hints_convert_and_validate(app: Atila, client_of: ClientOf) -> None:
    @app.route("/search")
    def search(
        was: Was,
        limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20,
        ratio: float = 0.5,
        deep: bool = False,
        sort: Literal["name", "age"] = "name",
        ids: list[int] | None = None,
        tag: str | None = None,
    ) -> object:
        return was.API(limit=limit, ratio=ratio, deep=deep, sort=sort, ids=ids, tag=tag)

    cli = client_of(app)
    assert cli.get("/search?limit=5&ratio=2&deep=true&sort=age&ids=1&ids=2&tag=7").data == {
        "limit": 5, "ratio": 2.0, "deep": True, "sort": "age", "ids": [1, 2], "tag": "7",
    }  # fmt: skip
    assert cli.get("/search?ids=3").data["ids"] == [3]
    assert cli.post("/search", json={"limit": 5, "tag": None, "ids": []}).data["ids"] == []
    wrong = reasons(cli.get("/search?limit=0&ratio=nan&deep=maybe&sort=size&ids=x&limit2=1"))
    assert wrong.keys() == {"limit", "ratio", "deep", "sort", "ids", "limit2"}
    assert wrong["ratio"] == "parameter `ratio` should be a number"
    assert wrong["deep"] == "parameter `deep` should be true or false"
    assert reasons(cli.get("/search?limit=x")) == {"limit": "parameter `limit` should be an integer"}
    assert reasons(cli.get("/search?limit=1&limit=2")) == {"limit": "parameter `limit` should be an integer"}
    # JSON has types of its own, so a number in a string is no number
    assert reasons(cli.post("/search", json={"limit": "5"})) == {"limit": "parameter `limit` should be an integer"}


@pytest.mark.row("3.33")
@pytest.mark.parametrize("kind", ["struct", "dataclass", "dict"])
def test_a_record_takes_the_whole_body(app: Atila, client_of: ClientOf, kind: str) -> None:
    @dataclass
    class PetData:
        name: str
        age: int = 0

    class PetDict(TypedDict):
        name: str
        age: int

    hints: dict[str, Any] = {"struct": Pet, "dataclass": PetData, "dict": PetDict}

    def add(was: Was, owner: int, pet: Any) -> object:
        return was.API(owner=owner, pet=pet["name"] if kind == "dict" else pet.name, kind=type(pet).__name__)

    add.__annotations__["pet"] = hints[kind]
    app.route("/owners/<int:owner>/pets", methods=["POST"])(add)
    cli = client_of(app)
    answer = cli.post("/owners/3/pets", json={"name": "Rex", "age": 4})
    assert answer.data == {"owner": 3, "pet": "Rex", "kind": "dict" if kind == "dict" else hints[kind].__name__}
    assert cli.post("/owners/3/pets", {"name": "Rex", "age": "4"}).status_code == 200
    assert cli.post("/owners/3/pets", json={"age": 4}).data["code"] == 40050
    assert cli.post("/owners/3/pets", json=[1]).data["code"] == 40050


@pytest.mark.row("3.40")
def test_every_faulty_field_of_a_record_is_told(app: Atila, client_of: ClientOf) -> None:
    @app.route("/pets")
    def add(was: Was, pet: Pet) -> str:
        return pet.name

    cli = client_of(app)
    wrong = reasons(cli.post("/pets", json={"age": -1, "tags": [1], "color": "red"}))
    assert wrong.keys() == {"name", "age", "tags", "color"}
    assert reasons(cli.post("/pets")) == {"pet": "a body is missing"}
    twice = cli.post("/pets", b'{"name": "a", "name": "b"}', headers={"Content-Type": "application/json"})
    assert twice.data["more_info"] == "the JSON body has the key 'name' twice in one object"
    assert cli.post("/pets", b"x", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.row("3.30")
def test_uploads_are_arguments(app: Atila, client_of: ClientOf) -> None:
    @app.route("/one")
    def one(was: Was, file: Upload, title: str = "") -> object:
        return was.API(name=file.name, size=file.size, title=title)

    @app.route("/many")
    def many(was: Was, files: list[Upload]) -> object:
        return was.API(names=[file.name for file in files])

    cli = client_of(app)
    a, b = ("a.txt", b"abc"), ("b.txt", b"")
    assert cli.post("/one", {"title": "T"}, files={"file": a}).data == {"name": "a.txt", "size": 3, "title": "T"}
    assert cli.post("/many", files={"files": [a, b]}).data == {"names": ["a.txt", "b.txt"]}
    assert cli.post("/many", files={"files": a}).data == {"names": ["a.txt"]}
    assert reasons(cli.post("/one", {"file": "text"}))["file"].endswith("should be a file of a multipart form")
    assert reasons(cli.post("/one", files={"file": [a, b]}))["file"].endswith("should be one file, not 2")


@pytest.mark.row("3.28")
def test_a_hint_that_no_request_can_fill_is_refused_at_the_start(app: Atila) -> None:
    def odd(was: Was, value: object) -> str:
        return ""

    def two(was: Was, a: Pet, b: Pet) -> str:
        return ""

    def unknown(was: Was, a: Any) -> str:
        return ""

    odd.__annotations__["value"] = type(app)
    unknown.__annotations__["a"] = "NoSuchType"
    for handler, said in ((odd, "cannot be read"), (two, "takes the body, not a and b"), (unknown, "cannot be found")):
        other = Atila("tests")
        other.route("/x")(handler)
        with pytest.raises(RouteError, match=said):
            other.build()


def test_very_many_faults_are_not_all_listed(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello")
    def hello(was: Was, num: int) -> str:
        return str(num)

    answer = client_of(app).post("/hello", json={f"x{number}": 1 for number in range(50_000)})
    assert (answer.status_code, len(answer.data["errors"])) == (400, 100)
    assert answer.data["errors"][0]["name"] == "num"
    assert len(answer.content) < 20_000
