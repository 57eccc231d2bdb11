"""Chapter 14: testing an app."""

from __future__ import annotations

import io
import xmlrpc.client
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, HTTPError, Was
from contracts.photos.v1 import photos_pb2 as pb
from tests.documented.conftest import ClientOf


@pytest.fixture
def app() -> Atila:
    """An app that tells what it was sent."""
    app = Atila("tests")

    @app.route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def echo(was: Was, **fields: Any) -> object:
        request = was.request
        sent = {name: getattr(value, "name", value) for name, value in fields.items()}
        return was.API(
            method=request.method, fields=sent, type=request.get_content_type(), agent=request.get_user_agent(),
            own=request.get_header("x-own"), scheme=request.scheme, body=(request.body or b"").decode("latin-1"),
        )  # fmt: skip

    @app.route("/apis/pets/<int:id>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def pets(was: Was, id: int, **fields: Any) -> object:
        return was.API({"id": id, "kind": "dog", "name": "Monk", "method": was.request.method, **fields})

    @app.route("/apis/names/<name>/upload", methods=["POST"])
    def names(was: Was, name: str, file: Any) -> object:
        return was.API(name=name, file=file.name)

    return app


@pytest.mark.row("14.13")
def test_the_documents_example(client_of: ClientOf) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: "<h1>something</h1>")

    @app.route("/apis/pets/<int:id>")
    def pets(was: Was, id: int) -> object:
        return was.API({"id": id, "kind": "dog", "name": "Monk"})

    client = client_of(app, "/", approot=".")
    assert "something" in client.get("/").text
    stub = client.api()
    assert stub.apis.pets(45).get().data["id"] == 45
    assert stub.apis.pets(100).get().data["id"] == 100


@pytest.mark.row("14.13")
def test_each_method_has_its_call(app: Atila, client_of: ClientOf) -> None:
    client = client_of(app)
    for method in ("get", "post", "put", "patch", "delete"):
        answer = getattr(client, method)("/")
        assert (answer.status_code, answer.data["method"]) == (200, method.upper())
    head, options = client.head("/"), client.options("/")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 0
    assert options.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


@pytest.mark.row("14.13")
def test_what_is_sent(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    client = client_of(app, headers={"X-Own": "mine"})
    data = client.get("/?a=1", {"b": [2, 3]}).data
    assert data["fields"] == {"a": "1", "b": ["2", "3"]}
    assert (data["own"], data["agent"], data["scheme"]) == ("mine", "atila-test", "http")
    assert client.get("/", headers={"x-own": "other"}, scheme="https").data["own"] == "other"
    form = client.post("/", {"a": "é & x"}).data
    assert (form["fields"], form["type"]) == ({"a": "é & x"}, "application/x-www-form-urlencoded")
    json = client.post("/", json={"a": [1, None]}).data
    assert (json["fields"], json["type"]) == ({"a": [1, None]}, "application/json")
    assert client.put("/", b"raw").data["body"] == client.put("/", "raw").data["body"] == "raw"
    path = tmp_path / "c.txt"
    path.write_text("c")
    with path.open("rb") as file:
        files = {"one": ("a.txt", b"a"), "two": ("b", b"b", "text/plain"), "three": str(path), "four": file}
        upload = client.post("/", {"x": "1"}, files=files).data
    assert upload["fields"] == {"x": "1", "one": "a.txt", "two": "b", "three": "c.txt", "four": "c.txt"}
    assert client.upload("/", {"x": 1, "file": io.BytesIO(b"x")}).data["fields"] == {"x": "1", "file": "file"}


@pytest.mark.row("14.13")
def test_what_comes_back(app: Atila, client_of: ClientOf) -> None:
    app.route("/text")(lambda was: was.response("201 Made", "é"))
    client = client_of(app)
    answer = client.get("/text")
    assert (answer.status_code, answer.reason, answer.text) == (201, "Created", "é")
    assert answer.data == answer.content == "é".encode()  # no JSON, so it stays bytes
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert repr(answer).startswith("Answer(201, ")
    assert client.get("/").json() == client.get("/").data


@pytest.mark.row("14.13")
def test_a_stub_is_a_path(app: Atila, client_of: ClientOf) -> None:
    client = client_of(app)
    for stub in (client.api(), client.api("/")):
        assert stub.apis.pets(45).get(x=1).data == {"id": 45, "kind": "dog", "name": "Monk", "method": "GET", "x": "1"}
    apis = client.api("/apis")
    assert apis.pets(1).post({"a": 1}, b=2).data.items() >= {"method": "POST", "a": 1, "b": 2}.items()
    assert apis("pets", 1).put(a=1).data["method"] == "PUT"
    assert apis.pets(1).patch(a=None).data["a"] is None
    assert apis.pets(1).delete().data["method"] == "DELETE"
    assert apis.pets(1).head().status_code == 200
    assert apis.pets(1).options().status_code == 405
    assert apis.names("a-é?")("upload").upload({"file": ("a.txt", b"a")}).data == {"name": "a-é?", "file": "a.txt"}


@pytest.mark.row("14.13")
def test_the_mount_point_is_part_of_the_path(app: Atila, client_of: ClientOf) -> None:
    client = client_of(app, "/sub")
    assert client.get("/sub/apis/pets/1").data["id"] == 1
    assert client.api("/sub").apis.pets(1).get().data["id"] == 1
    assert client.get("/apis/pets/1").status_code == 404


@pytest.fixture
def cookies() -> Atila:
    """An app that sets cookies and tells which it got."""
    app = Atila("tests")

    @app.route("/set")
    def set_cookies(was: Was) -> str:
        was.cookie.set("all", "1")
        was.cookie.set("deep", "2", path="/deep")
        was.cookie.set("deepest", "3", path="/deep/er/")
        was.cookie.set("tls", "4", secure=True)
        return "x"

    app.route("/forget")(lambda was: was.cookie.remove("all") or "x")
    app.route("/<path:rest>")(lambda was, rest: was.API(dict(was.cookie)))
    return app


@pytest.mark.row("14.13")
def test_cookies_are_kept_by_path(cookies: Atila, client_of: ClientOf) -> None:
    client = client_of(cookies)
    client.get("/set")
    assert client.get("/other").data == client.get("/deeper").data == {"all": "1"}
    assert client.get("/deep").data == client.get("/deep/x").data == {"deep": "2", "all": "1"}
    assert client.get("/deep/er/x").data == {"deepest": "3", "deep": "2", "all": "1"}
    assert client.get("/other", scheme="https").data == {"all": "1", "tls": "4"}
    client.get("/forget")
    assert client.get("/other").data == {}
    client.cookies["own"] = "5"
    assert client.get("/other").data == {"own": "5"}
    assert (sorted(client.cookies), len(client.cookies), client.cookies["deep"]) == (
        ["deep", "deepest", "own", "tls"], 4, "2"
    )  # fmt: skip
    del client.cookies["own"]
    assert "own" not in client.cookies
    assert "deep" in repr(client.cookies)
    for name in ("own", "never"):
        with pytest.raises(KeyError):
            del client.cookies[name]


@pytest.fixture
def moving() -> Atila:
    """An app whose pages lead to each other."""
    app = Atila("tests")
    both = ["GET", "POST"]

    @app.route("/from/<int:status>", methods=both)
    def start(was: Was, status: int, **fields: Any) -> object:
        return was.redirect("../end?from=there", status)

    @app.route("/end", methods=both)
    def end(was: Was, **fields: Any) -> object:
        return was.API(method=was.request.method, fields=fields)

    app.route("/round")(lambda was: was.redirect("/round"))
    app.route("/away")(lambda was: was.redirect("https://example.org/"))
    return app


@pytest.mark.row("14.13")
@pytest.mark.parametrize(("status", "method", "fields"), [
    (301, "GET", {}), (302, "GET", {}), (303, "GET", {}), (307, "POST", {"a": 1}), (308, "POST", {"a": 1}),
])  # fmt: skip
def test_redirections_are_followed_when_asked(
    moving: Atila, client_of: ClientOf, status: int, method: str, fields: dict[str, int]
) -> None:
    client = client_of(moving)
    assert client.post(f"/from/{status}", json={"a": 1}).status_code == status
    answer = client.post(f"/from/{status}", json={"a": 1}, follow_redirects=True)
    assert answer.data == {"method": method, "fields": {"from": "there", **fields}}


@pytest.mark.row("14.13")
def test_redirections_end(moving: Atila, client_of: ClientOf) -> None:
    client = client_of(moving)
    with pytest.raises(RuntimeError, match="over 10 redirections"):
        client.get("/round", follow_redirects=True)
    away = client.get("/away", follow_redirects=True)
    assert (away.status_code, away.headers["location"]) == (302, "https://example.org/")


@pytest.mark.row("14.13")
def test_the_app_lives_as_long_as_the_client(client_of: ClientOf) -> None:
    app, moments = Atila("tests"), []
    app.mounted(lambda was: moments.append("mounted"))
    app.before_umount(lambda was: moments.append("unmounted"))
    app.route("/")(lambda was: "x")
    client = client_of(app)
    assert moments == ["mounted"]
    client.get("/")
    client.close()
    client.close()
    assert moments == ["mounted", "unmounted"]


@pytest.mark.row("14.13")
def test_handlers_can_run_without_threads(client_of: ClientOf) -> None:
    app = Atila("tests")
    app.route("/")(lambda was: "x")
    assert client_of(app, threads=0).get("/").text == "x"


@pytest.mark.row("14.15")
def test_xmlrpc_by_the_standard_librarys_proxy(client_of: ClientOf) -> None:
    app = Atila("tests")

    @app.route("/add")
    def add(was: Was, a: int, b: int) -> int:
        return a + b

    @app.route("/deep/who")
    def who(was: Was) -> object:
        return [was.request.get_header("x-own"), None, b"bytes"]

    @app.route("/refuse")
    def refuse(was: Was) -> str:
        raise was.Error("403 Permission Denied")

    client = client_of(app)
    with client.rpc("/", x_own="mine") as proxy:
        assert proxy.add(1, 2) == 3
        assert proxy.deep.who() == ["mine", None, b"bytes"]
        with pytest.raises(xmlrpc.client.Fault) as caught:
            proxy.refuse()
    assert caught.value.faultCode == 403
    with pytest.raises(xmlrpc.client.ProtocolError) as lost:
        client_of(app, "/sub").rpc("/elsewhere").add(1, 2)
    assert lost.value.errcode == 404


@pytest.mark.row("14.15")
@pytest.mark.parametrize("asynchronous", [False, True])
def test_grpc_by_a_stub(client_of: ClientOf, asynchronous: bool) -> None:
    app = Atila("tests")

    def get(was: Was, request: pb.GetRequest) -> pb.Photo:
        if was.request.get_header("authorization") != "Bearer x":
            raise was.Error("401 Unauthorized")
        return pb.Photo(id=request.id)

    async def get_later(was: Was, request: pb.GetRequest) -> pb.Photo:
        return get(was, request)

    def watch(was: Was, request: Any) -> object:
        return iter([pb.PhotoChange(), None, pb.PhotoChange()])

    async def watch_later(was: Was, request: Any) -> object:
        async def changes() -> Any:
            for change in (pb.PhotoChange(), pb.PhotoChange()):
                yield change

        return changes()

    point = "/contracts.photos.v1.PhotoService"
    app.route("/Get")(get_later if asynchronous else get)
    app.route("/Watch")(watch_later if asynchronous else watch)
    client = client_of(app, point)
    stub = client.grpc(point, authorization="Bearer x")
    assert stub.Get(pb.GetRequest(id=7)).id == 7
    assert list(stub.Watch(pb.WatchRequest())) == [pb.PhotoChange(), pb.PhotoChange()]
    with pytest.raises(HTTPError, match="401"):
        client.grpc(point).Get(pb.GetRequest(id=7))
    with pytest.raises(HTTPError, match="501"):
        stub.Delete(pb.DeleteRequest())
    with pytest.raises(AttributeError, match="Nothing"):
        stub.Nothing(pb.GetRequest())
