"""Chapter 3, its end: parameters that are tested before a handler runs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from atila import Atila, RouteError, Was
from tests.documented.conftest import ClientOf
from tests.documented.test_parameters import reasons

ASK = "/x/7"


def ask(app: Atila, client_of: ClientOf, *scope: Any, **rules: Any) -> Any:
    """Route "/x/<int:id>" with these checks, and return a client of it."""

    @app.route("/x/<int:id>")
    @app.test_params(*scope, **rules)
    def view(was: Was, id: int, area: str | None = None, **rest: Any) -> object:
        return was.API(rest={name: str(value) for name, value in rest.items()})

    return client_of(app)


@pytest.mark.row("3.39")
def test_checks_come_before_the_handler_and_leave_values_as_they_were_sent(app: Atila, client_of: ClientOf) -> None:
    ran = []

    @app.route("/test")
    @app.test_params("ARGS", ["id"], ints=["id"])
    def test(was: Was, id: object) -> object:
        ran.append(id)
        return was.API(id=id)

    cli = client_of(app)
    assert cli.get("/test?id=12").data == {"id": "12"}
    assert reasons(cli.get("/test?id=x")) == {"id": "parameter id should be integer"}
    assert ran == ["12"]


@pytest.mark.row("3.39", "3.48")
@pytest.mark.parametrize(
    ("scope", "good", "bad"),
    [
        ("URL", {"path": f"{ASK}?a=1"}, {"path": ASK, "json": {"a": 1}}),
        ("JSON", {"path": ASK, "json": {"a": 1}}, {"path": f"{ASK}?a=1", "data": {"a": 1}}),
        ("FORM", {"path": ASK, "data": {"a": 1}}, {"path": f"{ASK}?a=1", "json": {"a": 1}}),
        ("DATA", {"path": ASK, "data": {"a": 1}}, {"path": f"{ASK}?a=1"}),
        ("ARGS", {"path": ASK, "json": {"a": 1}}, {"path": ASK, "json": {"b": 1}}),
    ],
)
def test_a_scope_looks_nowhere_else(app: Atila, client_of: ClientOf, scope: str, good: Any, bad: Any) -> None:
    cli = ask(app, client_of, scope, ["a"])
    assert cli.post(**good).status_code == 200
    assert reasons(cli.post(**bad)) == {"a": "parameter a required"}


@pytest.mark.row("3.39")
def test_the_scopes_of_the_path_and_of_the_defaults(app: Atila, client_of: ClientOf) -> None:
    cli = ask(app, client_of, "PARAMS", ["id"], id__lt=10)
    assert cli.get(ASK).status_code == 200
    assert reasons(cli.get("/x/10")) == {"id": "parameter id should be less than 10"}
    app.route("/default")(app.test_params("DEFAULT", ["a"])(lambda was, a=1: ""))
    assert cli.get("/default").status_code == 200


@pytest.mark.row("3.40")
def test_one_answer_lists_everything_that_is_wrong(app: Atila, client_of: ClientOf) -> None:
    @app.route("/x")
    @app.test_params("ARGS", ["a", "b"], ints=["c"])
    def view(was: Was, a: int, c: int, d: int, b: int | None = None) -> str:
        return ""

    assert reasons(client_of(app).get("/x?a=&c=x&e=1")) == {
        "a": "parameter a required", "b": "parameter b required", "c": "parameter c should be integer",
        "d": "parameter `d` is missing", "e": "parameter `e` is unknown",
    }  # fmt: skip


@pytest.mark.row("3.40")
def test_checks_run_after_the_guards_wherever_they_are_written(app: Atila, client_of: ClientOf) -> None:
    app.bearer_handler(lambda was, token: "no")

    @app.route("/x", authenticate="bearer")
    @app.test_params("ARGS", ["a"])
    def view(was: Was, a: int) -> str:
        return ""

    assert client_of(app).get("/x").status_code == 401


@pytest.mark.row("3.40")
def test_a_malformed_body_is_told_before_what_it_lacks(app: Atila, client_of: ClientOf) -> None:
    answer = ask(app, client_of, "JSON", ["a"]).post(ASK, b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.data["code"]) == (400, 40000)


@pytest.mark.row("3.41")
@pytest.mark.parametrize("value", ["", None, [], {}])
def test_required_is_neither_missing_nor_empty(app: Atila, client_of: ClientOf, value: object) -> None:
    cli = ask(app, client_of, "JSON", ["a"])
    assert reasons(cli.post(ASK, json={"a": value})) == {"a": "parameter a required"}
    for present in (0, False, "0"):
        assert cli.post(ASK, json={"a": present}).status_code == 200


KINDS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("ints", "integer", ["1", "-7", 5], ["x", "1.0", "", 1.5, True, "1_0"]),
    ("floats", "float", ["1", "-7.5", ".5", "1e3", 5, 1.5], ["x", "", True, "nan", "inf"]),
    ("emails", "email address", ["a@b.example", "a.b+c@d-e.example"], ["a@b", "a b@c.example", "a@b@c.example", 1]),
    ("uuids", "UUID", ["123e4567-e89b-12d3-a456-426614174000"], ["123e4567", "{123}", 5, "x" * 36]),
    ("strings", "string", ["x", ""], [1, [1], {"a": 1}, False]),
    ("booleans", "boolean", [True, False, "true", "No", "1"], ["maybe", 2, ""]),
    ("lists", "list", [[1], []], ["x", {"a": 1}, 0]),
    ("dicts", "dictionary", [{"a": 1}, {}], ["x", [1], 0]),
]


@pytest.mark.row("3.42", "3.43")
@pytest.mark.parametrize(("kind", "word", "good", "bad"), KINDS)
def test_kinds(app: Atila, client_of: ClientOf, kind: str, word: str, good: list[Any], bad: list[Any]) -> None:
    cli = ask(app, client_of, "JSON", **{kind: ["a"]})
    for value in good:
        assert cli.post(ASK, json={"a": value}).status_code == 200, value
    for value in bad:
        assert reasons(cli.post(ASK, json={"a": value})) == {"a": f"parameter a should be {word}"}, value
    assert cli.get(ASK).status_code == 200  # absent
    assert cli.post(ASK, json={"a": None}).status_code == 200


@pytest.mark.row("3.42")
def test_every_value_of_a_repeated_parameter_is_looked_at(app: Atila, client_of: ClientOf) -> None:
    cli = ask(app, client_of, "URL", ints=["a"], lists=["l"], a__lt=10)
    assert cli.get(f"{ASK}?a=1&a=2&l=1&l=2").status_code == 200
    assert reasons(cli.get(f"{ASK}?a=1&a=x")) == {"a": "parameter a should be integer"}
    assert reasons(cli.get(f"{ASK}?a=1&a=12")) == {"a": "parameter a should be less than 10"}


@pytest.mark.row("3.44")
def test_patterns(app: Atila, client_of: ClientOf) -> None:
    cli = ask(app, client_of, "ARGS", a=re.compile("^hans"))
    assert cli.get(f"{ASK}?a=hans%20roh").status_code == 200
    assert reasons(cli.get(f"{ASK}?a=xhans")) == {"a": "parameter a is invalid"}


OPERATORS: list[tuple[str, Any, list[Any], list[Any], str]] = [
    ("between", (-4, -1), ["-4", -1, "-2.5"], ["-5", 0], "parameter a should be between -4 and -1"),
    ("in", (1, 2), ["1", 2], ["3", 0], "parameter a should be one of (1, 2)"),
    ("in", ("x", "y"), ["x"], ["z"], "parameter a should be one of ('x', 'y')"),
    ("notin", (1, 2), ["3"], ["1"], "parameter a should be none of (1, 2)"),
    ("eq", 5, ["5", "5.0"], ["6"], "parameter a should be 5"),
    ("neq", 5, ["6"], ["5"], "parameter a should be other than 5"),
    ("gt", 5, ["6"], ["5"], "parameter a should be greater than 5"),
    ("gte", 5, ["5"], ["4"], "parameter a should be greater than or equal to 5"),
    ("lt", 5, ["4"], ["5"], "parameter a should be less than 5"),
    ("lte", 5, ["5"], ["6"], "parameter a should be less than or equal to 5"),
    ("len__between", (4, 8), ["1234", "12345678"], ["123"], "length of parameter a should be between 4 and 8"),
    ("len__gte", 2, ["ab", ["a", "b"]], ["a", ["a"]], "length of parameter a should be greater than or equal to 2"),
    ("len__in", (0, 3), ["", "abc"], ["ab"], "length of parameter a should be one of (0, 3)"),
]


@pytest.mark.row("3.45", "3.46", "3.47")
@pytest.mark.parametrize(("operator", "operand", "good", "bad", "said"), OPERATORS)
def test_operators(
    app: Atila, client_of: ClientOf, operator: str, operand: Any, good: list[Any], bad: list[Any], said: str
) -> None:
    cli = ask(app, client_of, "JSON", **{f"a__{operator}": operand})
    for value in good:
        assert cli.post(ASK, json={"a": value}).status_code == 200, value
    for value in bad:
        assert reasons(cli.post(ASK, json={"a": value})) == {"a": said}, value
    assert cli.get(ASK).status_code == 200


@pytest.mark.row("3.45")
def test_what_is_no_number_cannot_be_compared_with_one(app: Atila, client_of: ClientOf) -> None:
    cli = ask(app, client_of, "JSON", a__gte=5, b__lt="m")
    for value in ("x", "nan", True, {"b": 1}):
        assert reasons(cli.post(ASK, json={"a": value})) == {"a": "parameter a should be a number"}, value
    assert cli.post(ASK, json={"b": "anna"}).status_code == 200
    assert reasons(cli.post(ASK, json={"b": 5})) == {"b": "parameter b is invalid"}


@pytest.mark.row("3.46")
def test_the_length_of_an_upload_is_its_bytes(app: Atila, client_of: ClientOf) -> None:
    cli = ask(app, client_of, "FORM", a__len__lte=3)
    assert cli.post(ASK, files={"a": ("a.txt", b"abc")}).status_code == 200
    assert reasons(cli.post(ASK, files={"a": ("a.txt", b"abcd")})).keys() == {"a"}


@pytest.mark.row("3.39")
def test_groups_and_null(app: Atila, client_of: ClientOf) -> None:
    cli = ask(app, client_of, "JSON", oneof=["a", "b"], manyof=["b", "c"], notnull=["d"])
    assert cli.post(ASK, json={"a": 1, "c": 1}).status_code == 200
    assert cli.post(ASK, json={"b": 1, "c": 1, "d": 0}).status_code == 200
    assert reasons(cli.post(ASK, json={"a": 1, "b": 1, "d": None})) == {
        "a": "exactly one of parameters a, b required", "d": "parameter d should not be null",
    }  # fmt: skip
    assert reasons(cli.post(ASK, json={"a": 1})) == {"b": "at least one of parameters b, c required"}


@pytest.mark.row("3.39")
def test_the_later_names_mean_the_same(app: Atila, client_of: ClientOf) -> None:
    assert app.spec == app.inspect == app.require == app.test_params

    @app.route("/pets/<kind>")
    @app.inspect("JSON", ["area"], strings=["area"])
    @app.spec("URL", ["limit"], ints=["limit"])
    def pets(was: Was, kind: str, limit: int, offset: int = 0, **more: str) -> object:
        return was.API(kind=kind, limit=limit, more=more)

    cli = client_of(app)
    assert cli.post("/pets/dog?limit=10", json={"area": "LA"}).data["more"] == {"area": "LA"}
    assert reasons(cli.post("/pets/dog", json={"limit": 10})).keys() == {"area", "limit"}


@pytest.mark.row("3.39")
@pytest.mark.parametrize(
    ("scope", "rules", "said"),
    [
        ("BODY", {}, "no scope 'BODY'; there are ARGS"),
        ("ARGS", {"a": "^x"}, "neither a compiled pattern nor a comparison"),
        ("ARGS", {"a__over": 5}, "of which there are between"),
        ("ARGS", {"a__between": 5}, r"takes \(lowest, highest\)"),
        ("ARGS", {"a__in": "abc"}, "takes a tuple"),
        ("ARGS", {"ints": "id"}, "ints is a list of names"),
        ("ARGS", {"oneof": "id"}, "oneof is a list of names"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_at_once(app: Atila, scope: Any, rules: Any, said: str) -> None:
    with pytest.raises(RouteError, match=said):
        app.test_params(scope, **rules)
