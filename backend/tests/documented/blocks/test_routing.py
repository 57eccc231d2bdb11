"""Blocks on routes and the parameters of requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, RouteError
from atila.alias import DB_SQLITE3
from tests.documented.blocks.conftest import Write
from tests.documented.conftest import ClientOf

ALL = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


def test_the_photos_of_a_user(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    app.alias("@mydb", DB_SQLITE3, str(tmp_path / "photos.db"))

    @app.permission_check_handler
    def may(was: Any, permissions: Any) -> Any:
        return was.request.JWT.get("err")

    @app.mounted
    def make(was: Any) -> None:
        was.db("@mydb").execute("CREATE TABLE photo (id integer primary key, uid integer, title text)").commit()

    @app.route("/<int:uid>/photos", methods=["GET", "DELETE", "POST", "OPTIONS"])
    @app.permission_required()
    def photos(was: Any, uid: Any, **DATA: Any) -> Any:  # noqa: N803 - as the documentation writes it
        uid = was.request.JWT["uid"] if uid == "me" else uid
        with was.db("@mydb") as db:
            if was.request.method == "GET":
                return was.API(rows=db.select("photo").filter(uid=uid).execute().fetch())
            if was.request.method == "DELETE":
                db.delete("photo").filter(uid=uid).execute().commit()
                return was.API("205 No Content")
            if not DATA.get("title"):
                raise was.Error("400 Bad Request", "title required")
            DATA["uid"] = uid
            row = db.insert("photo").data(**DATA).returning("id").execute().one()
            return was.API("201 Created", id=row.id)

    cli = client_of(app)
    sent = {"Authorization": f"Bearer {app.tokens.encode({'uid': 7, 'exp': 4_000_000_000})}"}
    assert cli.get("/me/photos").status_code == 401
    assert cli.post("/me/photos", {}, headers=sent).data["more_info"] == "title required"
    made = cli.post("/me/photos", {"title": "Sea"}, headers=sent)
    assert (made.status_code, made.data) == (201, {"id": 1})
    assert cli.get("/7/photos", headers=sent).data == {"rows": [{"id": 1, "uid": 7, "title": "Sea"}]}
    assert cli.delete("/me/photos", headers=sent).status_code == 205
    assert cli.get("/me/photos", headers=sent).data == {"rows": []}


def test_a_page_at_one_url_and_at_several(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("hello.htm", "Hello")

    @app.route("/hello", methods=["POST"])
    @app.route("/")
    def hello_world(was: Any) -> Any:
        return was.render("hello.htm")

    cli = client_of(app)
    assert cli.get("/").text == cli.post("/hello").text == "Hello"
    assert cli.get("/hello").status_code == 405


def test_a_method_and_a_type_of_body(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("hello.htm", "Hello")

    @app.route("/hello", methods=["POST"], content_types=["text/xml"])
    def hello_world(was: Any) -> Any:
        return was.render("hello.htm")

    cli = client_of(app)
    assert cli.post("/hello", b"<a/>", headers={"Content-Type": "text/xml"}).text == "Hello"
    assert cli.post("/hello", b"{}", headers={"Content-Type": "application/json"}).status_code == 415
    with pytest.raises(RouteError, match="mehotd"):  # the block's misspelling is told, not swallowed
        app.route("/other", mehotd=["POST"])(hello_world)


@pytest.mark.parametrize(("rule", "path"), [("", "/sub"), ("/", "/sub/")])
def test_the_mount_point_without_and_with_its_slash(
    app: Atila, client_of: ClientOf, template: Write, rule: str, path: str
) -> None:
    template("hello.htm", "Hello")

    @app.route(rule)
    def hello_world(was: Any) -> Any:
        return was.render("hello.htm")

    assert client_of(app, "/sub").get(path).text == "Hello"


def test_a_parameter_of_the_path(app: Atila, client_of: ClientOf) -> None:
    @app.route("/episode/<int:id>")
    def episode(was: Any, id: int) -> str:
        return str(id)

    cli = client_of(app)
    assert cli.get("/episode/100").text == "100"
    assert cli.get("/episode").status_code == 404  # `id` has no default


def test_parameters_of_the_path_by_keywords(app: Atila, client_of: ClientOf) -> None:
    @app.route("/episode/<int:id>")
    def episode(was: Any, **karg: Any) -> str:
        assert karg == {"id": 100}
        return str(was.request.ARGS.get("id"))

    assert client_of(app).get("/episode/100").text == "100"


def test_a_collection_and_its_members_in_one_handler(app: Atila, client_of: ClientOf) -> None:
    @app.route("/episode/<int:id>", methods=ALL)
    def episode(was: Any, id: Any = None) -> Any:
        if was.request.method == "POST" and id is None:
            return was.API(id=101, urls=[was.ab("episode"), was.ab("episode", 100)])
        return was.API(method=was.request.method, id=id)

    cli = client_of(app)
    assert cli.post("/episode").data == {"id": 101, "urls": ["/episode", "/episode/100"]}
    assert cli.put("/episode/100").data == {"method": "PUT", "id": 100}


def test_the_root_is_no_collection_of_itself(app: Atila, client_of: ClientOf) -> None:
    @app.route("/<int:id>", methods=ALL)
    def episode(was: Any, id: Any = None) -> Any:
        return was.API(id=id)

    cli = client_of(app)
    assert cli.get("/100").data == {"id": 100}
    assert cli.post("/").status_code == 404  # "/" is to be routed for itself


def test_a_query(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello")
    def hello_world(was: Any, num: Any = 8) -> str:
        return str(num)

    @app.route("/args")
    def by_args(was: Any, **more: Any) -> str:
        return str(was.request.ARGS.get("num"))

    @app.route("/keywords")
    def by_keywords(was: Any, **url: Any) -> str:
        assert url.get("num") == was.request.URL.get("num")
        return str(url.get("num"))

    cli = client_of(app)
    assert (cli.get("/hello").text, cli.get("/hello?num=100").text) == ("8", "100")
    assert (cli.get("/args?num=100").text, cli.get("/keywords?num=100").text) == ("100", "100")


def test_a_form(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello")
    def hello(was: Any, **form: Any) -> str:
        return f"Post {form.get('userid', '')} {form.get('comment', '')}"

    @app.route("/world")
    def hello_world(was: Any, userid: str, **form: Any) -> str:
        return f"Post {userid} {form.get('comment', '')}"

    cli = client_of(app)
    for path in ("/hello", "/world"):
        assert cli.post(path, {"userid": "hansroh", "comment": "Hi"}).text == "Post hansroh Hi"
        assert cli.post(path, json={"userid": "hansroh"}).text == "Post hansroh "


def test_parameters_of_the_path_the_query_and_the_body_together(app: Atila, client_of: ClientOf) -> None:
    @app.route("/topic/<int:id>")
    def by_argument(was: Any, id: int, topic: str) -> Any:
        return was.API(id=id, topic=topic)

    @app.route("/comment/<int:id>")
    def by_arguments(was: Any, id: int, topic: str, comment: str) -> Any:
        return was.API(id=id, topic=topic, comment=comment)

    @app.route("/keywords/<int:id>")
    def by_keywords(was: Any, id: int, **karg: Any) -> Any:
        return was.API(topic=karg.get("topic"))

    @app.route("/args/<int:id>")
    def by_args(was: Any, id: int, **more: Any) -> Any:
        return was.API(topic=was.request.args.get("topic"))

    cli = client_of(app)
    assert cli.get("/topic/100?topic=Python").data == {"id": 100, "topic": "Python"}
    answer = cli.post("/comment/100?topic=Python", {"comment": "good"}).data
    assert answer == {"id": 100, "topic": "Python", "comment": "good"}
    assert cli.get("/keywords/100?topic=Python").data == cli.get("/args/100?topic=Python").data == {"topic": "Python"}


def test_checks_of_parameters(app: Atila, client_of: ClientOf, template: Write) -> None:
    template("test.html", "fine")

    @app.route("/test")
    @app.test_params("ARGS", ["id"], ints=["id"])
    def test(was: Any, id: Any) -> Any:
        return was.render("test.html")

    @app.route("/1")
    @app.test_params("ARGS", a__gte=5, b__between=(-4, -1), c__in=(1, 2))
    def index6(was: Any, **more: Any) -> str:
        return "1"

    @app.route("/2")
    @app.test_params("ARGS", a=re.compile("^hans"))
    def index7(was: Any, **more: Any) -> str:
        return "2"

    @app.route("/3")
    @app.test_params("ARGS", a__len__between=(4, 8))
    def index8(was: Any, **more: Any) -> str:
        return "3"

    @app.route("/kinds")
    @app.test_params("ARGS", required=["n"], ints=["n"], floats=["f"], emails=["e"], uuids=["u"], n__lt=9)
    def kinds(was: Any, **more: Any) -> str:
        return "kinds"

    cli = client_of(app)
    good = ("/test?id=1", "/1?a=5&b=-4&c=2", "/2?a=hansroh", "/3?a=four", "/kinds?n=8&f=1.5&e=a@b.example")
    bad = (
        "/test",
        "/test?id=x",
        "/1?a=4",
        "/1?b=0",
        "/1?c=3",
        "/2?a=x",
        "/3?a=six",
        "/kinds?f=1",
        "/kinds?n=9",
        "/kinds?n=1&u=x",
    )
    assert [cli.get(path).status_code for path in good] == [200] * len(good)
    assert [cli.get(path).status_code for path in bad] == [400] * len(bad)


def test_words_in_place_of_a_number(app: Atila, client_of: ClientOf) -> None:
    @app.permission_check_handler
    def may(was: Any, permissions: Any) -> Any:
        level = was.request.get_header("x-level")
        return None if not permissions or level in permissions else was.response("403 Permission Denied")

    @app.route("/episodes/<int:uid>")
    @app.permission_required(uid=["staff"])
    def episodes(was: Any, uid: Any) -> str:
        return str(uid)

    cli = client_of(app)
    assert cli.get("/episodes/me").text == "me"
    assert cli.get("/episodes/notme").status_code == 403
    assert cli.get("/episodes/4", headers={"X-Level": "staff"}).text == "4"


def test_the_pets_of_a_kind(app: Atila, client_of: ClientOf) -> None:
    """The required parameters in the signature, the optional ones with a default, a body by its kind's name."""

    @app.route("/pets/<kind>")
    @app.test_params("JSON", ["area"])
    def pets(was: Any, kind: str, limit: Any, offset: Any = 0, **JSON: Any) -> Any:  # noqa: N803
        return was.API(kind=kind, limit=limit, offset=offset, **JSON)

    cli = client_of(app)
    data = cli.post("/pets/dog?limit=10", json={"area": "LA"}).data
    assert data == {"kind": "dog", "limit": "10", "offset": 0, "area": "LA"}
    assert cli.post("/pets/dog?limit=10", json={"place": "LA"}).status_code == 400
    assert cli.post("/pets/dog", json={"area": "LA"}).status_code == 400
