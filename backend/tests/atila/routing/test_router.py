"""The route table: adding, replacing and finding routes."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from atila.errors import HTTPError, RouteError
from atila.routing.router import MountScope, Redirect, Router


def view(was: Any, **values: Any) -> None:
    """A handler for every rule."""


@pytest.fixture
def router() -> Router:
    return Router()


def test_a_route_answers_from_the_next_request_on(router: Router) -> None:
    changes = []
    router.on_change = lambda: changes.append(1)
    with pytest.raises(HTTPError, match="404"):
        router.match("/x", "GET")
    router.route("/x")(view)
    assert router.match("/x", "GET")[0].name == "view"
    assert changes == [1]


def test_405_tells_every_method_of_the_path_whatever_its_rule(router: Router) -> None:
    router.route("/x/fixed", methods=["GET"])(view)
    router.route("/x/<int:id>", methods=["PUT"])(view)
    router.route("/x/<name>", methods=["DELETE"])(view)
    router.route("/<path>", methods=["PATCH"])(view)
    assert router.match("/x/7", "DELETE")[1] == {"name": "7"}
    assert router.match("/x/fixed", "PATCH")[1] == {"path": "x/fixed"}
    with pytest.raises(HTTPError) as refused:
        router.match("/x/7", "POST")
    assert refused.value.headers == [("allow", "DELETE, PATCH, PUT")]
    assert router.allowed("/x/fixed") == ["DELETE", "GET", "HEAD", "PATCH"]
    assert router.allowed("/x/fixed/") == ["PATCH"]


def test_a_head_of_its_own_goes_before_the_one_of_get(router: Router) -> None:
    for first, second in ((["GET"], ["HEAD"]), (["HEAD"], ["GET"])):
        table = Router()
        one = table.route("/x", methods=first)
        two = table.route("/x", methods=second)
        handlers = {}
        for methods, declare in ((first, one), (second, two)):
            handlers[methods[0]] = declare(lambda was: None)
        assert table.match("/x", "HEAD")[0].handler is handlers["HEAD"]
        assert table.match("/x", "GET")[0].handler is handlers["GET"]


def test_the_same_handler_may_have_a_rule_twice_over(router: Router) -> None:
    router.route("/x/<int:id>")(view)
    router.route("/x")(lambda was: None)

    def optional(was: Any, id: int = 0) -> None: ...

    router.route("/x/<int:id>", methods=["PUT"])(optional)
    assert router.match("/x", "PUT")[0].handler is optional
    router.route("")(view)
    router.route("", methods=["GET"])(lambda was: None)
    with pytest.raises(RouteError, match=r"GET \(the mount point\) is routed twice"):
        router.match("", "GET")


def test_a_slash_at_the_end_is_asked_for_whatever_the_method(router: Router) -> None:
    router.route("/x/", methods=["POST"])(view)
    router.route("/y/<path>", methods=["POST"])(view)
    with pytest.raises(Redirect):
        router.match("/x", "GET")
    with pytest.raises(HTTPError, match="404"):
        router.match("/y", "GET")


def test_a_deep_path_is_no_deep_recursion(router: Router) -> None:
    router.route("/<path>")(view)
    rest = "a/" * 50_000 + "b"
    assert router.match(f"/{rest}", "GET")[1] == {"path": rest}


def declare(router: Router, module: ModuleType, *rules: str) -> None:
    with router.scoped(MountScope(module=module)):
        for rule in rules:
            router.route(rule)(view)


def test_a_modules_routes_are_replaced_all_at_once(router: Router) -> None:
    old, new = ModuleType("old"), ModuleType("new")
    router.route("/first")(view)
    declare(router, old, "/x", "/y")
    router.route("/last")(view)
    with router.replacing(old) as staged:
        declare(router, new, "/y", "/z")
        assert router.match("/x", "GET")[0].module is old
        assert len(staged) == 2
    assert [route.rule.text for route in router.routes] == ["/first", "/y", "/z", "/last"]
    assert router.match("/y", "GET")[0].module is new
    with pytest.raises(HTTPError):
        router.match("/x", "GET")


def test_a_replacement_that_fails_changes_nothing(router: Router) -> None:
    old, new = ModuleType("old"), ModuleType("new")
    router.route("/first")(view)
    declare(router, old, "/x")
    with pytest.raises(RouteError, match="routed twice"), router.replacing(old):
        declare(router, new, "/first")
    with pytest.raises(ZeroDivisionError), router.replacing(old):
        declare(router, new, "/z")
        raise ZeroDivisionError
    assert [route.rule.text for route in router.routes] == ["/first", "/x"]
    assert router.match("/x", "GET")[0].module is old
    router.remove_module(old)
    assert router.match("/first", "GET")
    with pytest.raises(HTTPError):
        router.match("/x", "GET")


def test_routes_are_found_by_name_and_by_handler(router: Router) -> None:
    def make(number: int) -> Any:
        def handler(was: Any) -> int:
            return number

        return handler

    one, two, other = make(1), make(2), make(3)
    router.route("/one")(one)
    router.route("/two")(two)
    for thing, rule in (("handler", "/one"), (two, "/two"), (other, "/one")):  # `other`: the same, before a reload
        route = router.find(thing)
        assert route is not None
        assert route.rule.text == rule
    assert router.find("none") is None
    assert router.find(lambda was: None) is None
    assert repr(router.find(one)) == "Route('/one', GET/POST/HEAD, handler)"
