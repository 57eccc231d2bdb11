"""Chapter 2: routing."""

from __future__ import annotations

import pytest

from atila import Atila, RouteError, Was
from tests.documented.conftest import ClientOf


@pytest.mark.row("2.1")
def test_several_decorators_are_several_urls(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello", methods=["POST"])
    @app.route("/")
    def hello(was: Was) -> str:
        return "hello"

    cli = client_of(app)
    assert cli.get("/").text == cli.post("/hello").text == "hello"
    assert cli.get("/hello").status_code == 405


@pytest.mark.row("2.1")
def test_several_handlers_share_a_rule_when_their_methods_differ(app: Atila, client_of: ClientOf) -> None:
    @app.route("/pets/<int:id>", methods=["GET"])
    def read(was: Was, id: int) -> str:
        return f"read {id}"

    @app.route("/pets/<int:pet>", methods=["DELETE"])
    def remove(was: Was, pet: int) -> str:
        return f"removed {pet}"

    cli = client_of(app)
    assert cli.get("/pets/4").text == "read 4"
    assert cli.delete("/pets/4").text == "removed 4"


@pytest.mark.row("2.1", "2.22")
def test_two_handlers_of_one_rule_and_method_are_refused(app: Atila) -> None:
    app.route("/x/<int:a>")(lambda was, a: "")
    app.route("/x/<int:b>", methods=["POST"])(lambda was, b: "")
    with pytest.raises(RouteError, match="POST /x/<int:b> is routed twice"):
        app.build()


@pytest.mark.row("2.2")
def test_a_route_answers_get_and_post_by_default_and_head_with_get(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was: "hello")
    cli = client_of(app)
    assert cli.get("/").text == cli.post("/").text == "hello"
    head = cli.head("/")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "5")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert cli.request(method, "/").status_code == 405
    assert cli.request("TRACE", "/").status_code == 405


@pytest.mark.row("2.3")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mehotd": ["POST"]}, "no option mehotd; there are methods"),
        ({"methods": ["FETCH"]}, "methods are some of"),
        ({"methods": []}, "methods are some of"),
        ({"methods": "GET"}, "methods is a list"),
        ({"content_types": "text/xml"}, "content_types is a list"),
    ],
)
def test_a_wrong_option_is_refused_at_once(app: Atila, options: dict[str, object], said: str) -> None:
    with pytest.raises(RouteError, match=said):
        app.route("/", **options)


@pytest.mark.row("2.4")
def test_another_method_is_405_and_lists_what_is_allowed(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello", methods=["GET"])(lambda was: "hello")
    app.route("/hello", methods=["PUT"])(lambda was: "hello")
    answer = client_of(app).post("/hello")
    assert answer.status_code == 405
    assert answer.data == {"code": 40500, "message": "method not allowed"}
    assert answer.headers["allow"] == "GET, HEAD, PUT"


@pytest.mark.row("2.5")
def test_another_content_type_is_415(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello", methods=["GET", "POST"], content_types=["text/csv"])(lambda was: "hello")
    cli = client_of(app)
    assert cli.post("/hello", "a,b", headers={"Content-Type": "text/csv; charset=utf-8"}).text == "hello"
    for answer in (cli.post("/hello", {"a": 1}), cli.get("/hello")):
        assert answer.status_code == 415
        assert {"code": 41500, "message": "unsupported media type"}.items() <= answer.data.items()


@pytest.mark.row("2.6")
def test_a_path_without_a_rule_is_404(app: Atila, client_of: ClientOf) -> None:
    app.route("/hello")(lambda was: "hello")
    cli = client_of(app)
    for path in ("/", "/hell", "/hello/x", "/Hello", "/hello//"):
        answer = cli.get(path)
        assert answer.status_code == 404, path
        assert answer.data == {"code": 40400, "message": "not found"}


@pytest.mark.row("2.7")
def test_a_plain_parameter_is_one_segment_of_text(app: Atila, client_of: ClientOf) -> None:
    @app.route("/hello/<name>")
    def hello(was: Was, name: str) -> object:
        return was.API(name=name, url=was.ab("hello", name))

    cli = client_of(app)
    assert cli.get("/hello/Your_Name").data == {"name": "Your Name", "url": "/hello/Your_Name"}
    assert cli.get("/hello/%ED%95%9C%20b").data["name"] == "한 b"
    assert cli.get("/hello/12").data["name"] == "12"
    for path in ("/hello/a%2Fb", "/hello/a/b", "/hello/"):
        assert cli.get(path).status_code == 404, path


@pytest.mark.row("2.8", "3.49")
def test_an_int_parameter_is_digits_or_one_of_three_words(app: Atila, client_of: ClientOf) -> None:
    app.route("/e/<int:number>")(lambda was, number: was.API(id=number))
    cli = client_of(app)
    assert cli.get("/e/0100").data == {"id": 100}
    assert [cli.get(f"/e/{word}").data["id"] for word in ("me", "notme", "new")] == ["me", "notme", "new"]
    for text in ("-1", "abc", "1.0", "Me", "1" * 19, "%D9%A3", "+1"):
        assert cli.get(f"/e/{text}").status_code == 404, text


@pytest.mark.row("2.9")
def test_a_float_parameter(app: Atila, client_of: ClientOf) -> None:
    app.route("/f/<float:x>")(lambda was, x: was.API(x=x))
    cli = client_of(app)
    assert cli.get("/f/1.25").data == {"x": 1.25}
    assert cli.get("/f/3").data == {"x": 3.0}
    for text in ("nan", "inf", "1e5", "-1.0", "1.", ".5"):
        assert cli.get(f"/f/{text}").status_code == 404, text


@pytest.mark.row("2.10")
@pytest.mark.parametrize("rule", ["/download/<int:version>/<path>", "/download/<int:version>/<path:path>"])
def test_a_path_parameter_takes_the_rest(app: Atila, client_of: ClientOf, rule: str) -> None:
    app.route(rule)(lambda was, version, path: was.API(version=version, path=path))
    cli = client_of(app)
    assert cli.get("/download/1/version/1.1/win_32/").data == {"version": 1, "path": "version/1.1/win_32/"}
    assert cli.get("/download/1/").status_code == 404


@pytest.mark.row("2.10")
def test_a_path_parameter_must_come_last(app: Atila) -> None:
    with pytest.raises(RouteError, match="must come last"):
        app.route("/<path:path>/info")(lambda was, path: "")


@pytest.mark.row("2.10")
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("hello", "start with a slash"),
        ("/<uuid:number>", "no parameter kind 'uuid'"),
        ("/x<number>", "neither text nor"),
        ("/<number>/<number>", "twice"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_at_once(app: Atila, rule: str, said: str) -> None:
    with pytest.raises(RouteError, match=said):
        app.route(rule)(lambda was, number: "")


@pytest.mark.row("2.7", "2.8", "2.10")
def test_the_narrowest_rule_answers(app: Atila, client_of: ClientOf) -> None:
    app.route("/<path:rest>")(lambda was, rest: f"path {rest}")
    app.route("/x/<name>")(lambda was, name: f"string {name}")
    app.route("/x/<float:n>")(lambda was, n: f"float {n}")
    app.route("/x/<int:n>")(lambda was, n: f"int {n}")
    app.route("/x/fixed")(lambda was: "literal")
    cli = client_of(app)
    answers = [cli.get(path).text for path in ("/x/fixed", "/x/7", "/x/7.5", "/x/seven", "/x/7/8", "/y")]
    assert answers == ["literal", "int 7", "float 7.5", "string seven", "path x/7/8", "path y"]


@pytest.mark.row("2.11", "2.13")
def test_the_last_parameter_may_be_left_out_when_it_has_a_default(app: Atila, client_of: ClientOf) -> None:
    @app.route("/ep/<int:id>")
    def with_default(was: Was, id: int | None = None) -> object:
        return was.API(id=id)

    @app.route("/needed/<int:id>")
    def without(was: Was, id: int) -> object:
        return was.API(id=id)

    cli = client_of(app)
    assert cli.get("/ep").data == {"id": None}
    assert cli.get("/ep/5").data == {"id": 5}
    assert cli.get("/ep/").status_code == 404
    assert cli.get("/needed").status_code == 404
    assert cli.get("/ep?id=7").status_code == 400  # the parameter belongs to the path


@pytest.mark.row("2.12")
def test_the_root_is_routed_for_itself(app: Atila, client_of: ClientOf) -> None:
    app.route("/<int:number>")(lambda was, number=None: "one")
    assert client_of(app).get("/").status_code == 404
    app.route("/")(lambda was: "root")
    assert client_of(app).get("/").text == "root"


@pytest.mark.row("2.14")
def test_a_handler_without_the_rules_parameter_is_refused_at_once(app: Atila, client_of: ClientOf) -> None:
    with pytest.raises(RouteError, match="530 Parameter Mismatch"):
        app.route("/episode/<int:id>")(lambda was: "")
    app.route("/episode/<int:id>")(lambda was, **rest: was.API(rest=rest, args=was.request.ARGS.get("id")))
    assert client_of(app).get("/episode/100").data == {"rest": {"id": 100}, "args": 100}


@pytest.mark.row("2.15", "2.15a")
def test_an_empty_rule_is_the_mount_point_without_a_slash(app: Atila, client_of: ClientOf) -> None:
    app.route("")(lambda was: "hello")
    cli = client_of(app, "/sub")
    assert cli.get("/sub").text == "hello"
    assert cli.get("/sub/").status_code == 404
    assert cli.get("/subway").status_code == 404
    assert cli.get("/").status_code == 404


@pytest.mark.row("2.16", "2.16a")
def test_the_mount_point_redirects_to_its_slash(app: Atila, client_of: ClientOf) -> None:
    app.route("/")(lambda was: "hello")
    cli = client_of(app, "/sub")
    answer = cli.get("/sub?a=1&b=%20")
    assert (answer.status_code, answer.headers["location"]) == (301, "/sub/?a=1&b=%20")
    assert cli.get("/sub", follow_redirects=True).text == "hello"
    assert cli.get("/subway").status_code == 404


@pytest.mark.row("2.16a")
def test_a_missing_slash_inside_the_app_redirects_too(app: Atila, client_of: ClientOf) -> None:
    app.route("/x/")(lambda was: "x")
    answer = client_of(app, "/sub").get("/sub/x?q=1")
    assert (answer.status_code, answer.headers["location"]) == (301, "/sub/x/?q=1")


@pytest.mark.row("2.17")
def test_a_slash_too_many_is_404(app: Atila, client_of: ClientOf) -> None:
    app.route("/y")(lambda was: "y")
    answer = client_of(app).get("/y/")
    assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.row("2.18")
def test_refusals_of_routing_run_error_handlers_and_nothing_else(app: Atila, client_of: ClientOf) -> None:
    ran = []
    app.before_request(lambda was: ran.append("before"))
    app.failed_request(lambda was, exc_info: ran.append("failed"))
    app.teardown_request(lambda was: ran.append("teardown"))
    app.on("request:started", "request:failed", "request:finished")(lambda was, *rest: ran.append("event"))
    app.error_handler(404)(lambda was, error: was.response("404 Not Here", f"{error['code']} custom"))
    app.route("/x/", methods=["POST"], content_types=["text/csv"])(lambda was: "")
    cli = client_of(app)
    assert cli.get("/nothing").text == "404 custom"
    assert [cli.get("/x/").status_code, cli.post("/x/").status_code, cli.get("/x").status_code] == [405, 415, 301]
    assert ran == []


@pytest.mark.row("2.19")
def test_options_are_answered_when_the_route_lists_them(app: Atila, client_of: ClientOf) -> None:
    called = []
    app.route("/x", methods=["GET", "OPTIONS"])(lambda was: called.append(1))
    answer = client_of(app).options("/x")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert called == []


@pytest.mark.row("2.20", "2.21")
def test_a_request_knows_its_route(app: Atila, client_of: ClientOf) -> None:
    seen: list[Was] = []

    @app.route("/x/<int:id>", methods=["POST"], content_types=["text/xml", "text/csv"])
    def view(was: Was, id: int, limit: int = 5, **rest: object) -> str:
        seen.append(was)
        return ""

    client_of(app).post("/x/1", "<a/>", headers={"Content-Type": "text/csv"})
    request = seen[0].request
    assert request.routable == {
        "methods": ["POST"], "content_types": ["text/xml", "text/csv"], "args": ["id", "limit"], "keywords": "rest",
    }  # fmt: skip
    assert request.routed_function is request.routed is view


@pytest.mark.row("2.22")
def test_names_that_are_there_twice_need_a_namespace(app: Atila, client_of: ClientOf) -> None:
    def mount(app: Atila) -> None:
        @app.route("/login")
        def login(was: Was) -> str:
            return was.ab(login)

    import types

    one, two = types.ModuleType("one"), types.ModuleType("two")
    one.__mount__ = two.__mount__ = mount  # type: ignore[attr-defined]  # what mounting asks for
    app.mount("/a", one, ns="a")
    app.mount("/b", two, ns="b")
    cli = client_of(app)
    assert [cli.get("/a/login").text, cli.get("/b/login").text] == ["/a/login", "/b/login"]
    assert [app.build_url("a.login"), app.build_url("b.login")] == ["/a/login", "/b/login"]
    with pytest.raises(NameError, match=r"no route is named 'login'; there are a\.login, b\.login"):
        app.build_url("login")
