"""XML-RPC: every type there and back, calls that are none, and who answers them."""

from __future__ import annotations

import asyncio
import threading
import xmlrpc.client as rpc
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila import API, Atila, HTTPError, Was
from atila.http.response import Response
from atila.rpc.methods import Call
from atila.rpc.xmlreader import read_call
from atila.rpc.xmlrpc import dump, dump_fault, is_call
from atila.testing.client import TestClient

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=20)
    | st.text(st.characters(min_codepoint=32, max_codepoint=0xD7FF), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc é", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


def call_of(*values: object, method: str = "a.b") -> bytes:
    """Write a call as xmlrpc.client does, with 64-bit integers."""
    parameters = "".join(f"<param>{value}</param>" for value in values)
    named = f"<methodName>{method}</methodName><params>{parameters}</params>"
    return f"<?xml version='1.0'?><methodCall>{named}</methodCall>".encode()


def result_of(data: bytes) -> Any:
    return rpc.loads(data.decode(), use_builtin_types=True)[0][0]


@given(VALUES)
def test_a_result_comes_back_as_it_was(value: Any) -> None:
    assert result_of(dump(value)) == value


@pytest.mark.row("12.17")
@pytest.mark.parametrize(
    ("xml", "value"),
    [
        ("<value><int>7</int></value>", 7),
        ("<value><i4>-7</i4></value>", -7),
        ("<value><i8>9000000000</i8></value>", 9 * 10**9),
        ("<value><boolean>1</boolean></value>", True),
        ("<value><string>a &lt; b</string></value>", "a < b"),
        ("<value>bare</value>", "bare"),
        ("<value></value>", ""),
        ("<value><double>1.5</double></value>", 1.5),
        ("<value><nil/></value>", None),
        ("<value><base64>YWI=</base64></value>", b"ab"),
        ("<value><dateTime.iso8601>20260102T03:04:05</dateTime.iso8601></value>", datetime(2026, 1, 2, 3, 4, 5)),  # noqa: DTZ001
        (
            "<value><array><data><value><int>1</int></value><value><array><data/></array></value></data></array></value>",
            [1, []],
        ),
        (
            "<value><struct><member><name>a</name>" + "<value><struct><member><name>b</name><value><nil/></value>"
            "</member></struct></value></member></struct></value>",
            {"a": {"b": None}},
        ),
    ],
)
def test_every_type_of_an_argument(xml: str, value: object) -> None:
    assert read_call(call_of(xml, xml)) == Call("a.b", [value, value], nameable=True)


def test_a_call_without_arguments() -> None:
    assert read_call(call_of()) == Call("a.b", [], nameable=True)
    assert read_call(b"<methodCall><methodName>a</methodName></methodCall>") == Call("a", [], nameable=True)


@pytest.mark.row("12.18")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "malformed"),
        (b"<methodCall>", "malformed"),
        (b"\xff<methodCall/>", "malformed"),
        (b"<methodCall/>", "names no method"),
        (b"<methodCall><params></params></methodCall>", "names no method"),
        (b"<methodCall><methodName></methodName></methodCall>", "names no method"),
        (call_of("<value><int>x</int></value>"), "malformed"),
        (call_of("<value><boolean>2</boolean></value>"), "malformed"),
        (call_of("<value><double>x</double></value>"), "malformed"),
        (call_of("<value><base64>YWI</base64></value>"), "malformed"),
        (call_of("<value><dateTime.iso8601>x</dateTime.iso8601></value>"), "malformed"),
        (call_of("<value><struct><member><value><int>1</int></value></member></struct></value>"), "malformed"),
        (call_of("<value><struct><member><name>a</name></member></struct></value>"), "malformed"),
        (call_of("<value><bigdecimal>1e999999999</bigdecimal></value>").replace(b"1e9", b"x"), "malformed"),
        (b"<!DOCTYPE x><methodCall><methodName>a</methodName></methodCall>", "refused"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><methodCall><methodName>&a;</methodName></methodCall>', "refused"),
        (call_of("<value><array><data>" * 70 + "</data></array></value>" * 70), "nested|nests|deep"),
        (
            call_of(
                "<value><struct><member><name><value><int>1</int></value></name><value><int>1</int></value></member></struct></value>"
            ),
            "malformed|no name",
        ),
    ],
)
def test_a_call_that_is_none(body: bytes, reason: str) -> None:
    with pytest.raises(HTTPError, match=reason) as caught:
        read_call(body)
    assert caught.value.status.code == 400


@pytest.mark.parametrize(
    "value",
    [
        {"a": [{"b": 1}, {3: 1}]},
        [[{"a": {4: 1}}]],
    ],
)
def test_a_struct_that_has_a_member_without_a_name(value: Any) -> None:
    """The standard library takes any value where a name should be."""

    def text(item: Any) -> str:
        if isinstance(item, dict):
            members = (f"<member>{name(key)}{text(inner)}</member>" for key, inner in item.items())
            return f"<value><struct>{''.join(members)}</struct></value>"
        if isinstance(item, list):
            return f"<value><array><data>{''.join(map(text, item))}</data></array></value>"
        return f"<value><int>{item}</int></value>"

    def name(key: object) -> str:
        return f"<name>{key}</name>" if isinstance(key, str) else f"<value><int>{key}</int></value>"

    with pytest.raises(HTTPError, match="a <member> has one <value>"):
        read_call(call_of(text(value)))


def test_what_a_call_begins_with() -> None:
    assert is_call(b"<?xml version='1.0'?>\n<methodCall>")
    assert not is_call(b"<feed/>")
    assert not is_call(b" " * 1000 + b"<methodCall>")


class Photo(msgspec.Struct):
    """A result with fields."""

    id: int
    made: datetime
    price: Decimal


@pytest.mark.row("12.17")
def test_results_that_are_no_plain_values() -> None:
    made = datetime(2026, 1, 2, tzinfo=UTC)
    assert result_of(dump(Photo(7, made, Decimal("1.50")))) == {
        "id": 7,
        "made": "2026-01-02T00:00:00Z",
        "price": "1.50",
    }
    assert result_of(dump(API("201 Created", id=7))) == {"id": 7}
    assert result_of(dump({1: (2, {3})})) == {"1": [2, [3]]}
    assert result_of(dump([bytearray(b"ab"), rpc.Binary(b"c")])) == [b"ab", b"c"]
    assert result_of(dump(rpc.DateTime("20260102T03:04:05"))) == datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
    answer = Response()
    answer.body = API(a=None)
    assert result_of(dump(answer)) == {"a": None}
    assert (b"<i8>" in dump(2**31), b"<int>" in dump(2**31 - 1)) == (True, True)


def circle() -> list[Any]:
    """A list that holds itself."""
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.row("12.18")
@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        float("nan"),
        float("inf"),
        object(),
        iter([1]),
        {(1, 2): 3},
        circle(),
        "\x00",
        {"\ud800": 1},
    ],
)
def test_a_result_that_xmlrpc_cannot_carry(value: Any) -> None:
    with pytest.raises(HTTPError, match="no form in") as caught:
        dump(value)
    assert caught.value.status.code == 500


def test_a_response_with_an_error_is_one() -> None:
    with pytest.raises(HTTPError, match="409") as caught:
        dump(Response().with_explain("409 Conflict", "taken"))
    assert caught.value.detail == "taken"


@pytest.mark.row("12.18")
def test_a_fault_tells_status_and_message() -> None:
    for error, text in (
        (HTTPError(404), "not found"), (HTTPError("404 Not Found", "no <a>"), "not found: no <a>"),
        (HTTPError(404, "a\x00b"), "not found: a\ufffdb"),
    ):  # fmt: skip
        with pytest.raises(rpc.Fault) as caught:
            rpc.loads(dump_fault(error).decode())
        assert (caught.value.faultCode, caught.value.faultString) == (404, text)


@pytest.fixture
def app() -> Atila:
    """An app whose methods are called by several names."""
    app = Atila("tests")

    @app.route("/math/add", methods=["POST"])
    def add(was: Was, a: int, b: int = 1, **more: Any) -> int:
        return a + b

    @app.route("/photos/<int:id>", methods=["GET"])
    async def photo(was: Was, id: int) -> object:
        await asyncio.sleep(0)
        return was.API(id=id, method=was.request.method, name=threading.current_thread().name)

    @app.route("/feed", methods=["POST"])
    async def feed(was: Was) -> object:
        await asyncio.sleep(0)
        return was.API(feed=(was.request.body or b"").decode(), name=threading.current_thread().name)

    @app.route("/plain", methods=["POST"])
    def plain(was: Was) -> object:
        return was.API(name=threading.current_thread().name)

    app.route("/broken")(lambda was: 1 / 0)
    return app


@pytest.fixture
def cli(app: Atila) -> Iterator[TestClient]:
    with app.test_client("/rpc2") as client:
        yield client


XML = {"Content-Type": "text/xml"}


@pytest.mark.row("12.15", "12.16")
def test_a_methods_dots_are_slashes_and_the_rest_of_a_path_is_an_argument(cli: TestClient) -> None:
    for path in ("/rpc2", "/rpc2/"):
        assert cli.rpc(path).math.add(1, 2) == 3
    assert cli.rpc("/rpc2/math").add(1) == 2
    assert cli.rpc("/rpc2").photos(7) == {"id": 7, "method": "GET", "name": "MainThread"}


@pytest.mark.row("12.18")
@pytest.mark.parametrize(
    ("method", "arguments", "code", "text"),
    [
        ("math.add", (1, 2, 3), 400, "takes 2 arguments, not 3"),
        ("math.add", ("x",), 400, "`a` should be an integer"),
        ("math.add", (), 400, "`a` is missing"),
        ("math.none", (), 404, "no method math.none"),
        ("math..add", (1,), 404, "no method"),
        ("broken", (), 500, "internal server error"),
    ],
)
def test_calls_that_fail_are_faults(cli: TestClient, method: str, arguments: Any, code: int, text: str) -> None:
    answer = cli.post("/rpc2", rpc.dumps(arguments, method).encode(), headers=XML)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    with pytest.raises(rpc.Fault, match=text) as caught:
        rpc.loads(answer.text)
    assert caught.value.faultCode == code


def test_a_route_that_comes_late_is_called_too(app: Atila, cli: TestClient) -> None:
    cli.rpc("/rpc2").math.add(1)
    app.route("/late")(lambda was: "late")
    assert cli.rpc("/rpc2").late() == "late"


def test_xml_that_is_no_call_goes_to_the_route_of_its_path(cli: TestClient) -> None:
    answer = cli.post("/rpc2/feed", b"<feed/>", headers=XML)
    assert answer.data == {"feed": "<feed/>", "name": "MainThread"}  # an async handler is on the loop here too
    assert (
        cli.post("/rpc2/plain", b"<feed/>", headers={"Content-Type": "application/xml"})
        .data["name"]
        .startswith("test-")
    )
    assert cli.post("/rpc2/plain", headers=XML).status_code == 200
    assert cli.post("/rpc2/nothing", b"<feed/>", headers=XML).status_code == 404
    assert cli.post("/rpc2/feed", b"x" * (6 * 1024 * 1024), headers=XML).status_code == 413
