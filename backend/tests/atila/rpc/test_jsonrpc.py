"""JSON-RPC: the specification's own examples, what a request object may be, and what its errors say."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila import Atila, HTTPError, Was
from atila.rpc.jsonrpc import JsonRpc, ProtocolError, describe
from atila.rpc.methods import Call
from atila.testing.client import TestClient

JSON = {"Content-Type": "application/json-rpc"}
HELLO = '{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}'

# jsonrpc.org/specification, section 7, in its order: what is sent, and what comes back; None is nothing at all.
EXAMPLES = [
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        '{"jsonrpc": "2.0", "result": 19, "id": 1}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        '{"jsonrpc": "2.0", "result": -19, "id": 2}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        '{"jsonrpc": "2.0", "result": 19, "id": 3}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        '{"jsonrpc": "2.0", "result": 19, "id": 4}',
    ),
    ('{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', None),
    ('{"jsonrpc": "2.0", "method": "foobar"}', None),
    (
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}',
    ),
    (
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
    ),
    (
        '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
        '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}',
    ),
    (
        '[\n  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},\n  {"jsonrpc": "2.0", "method"\n]',
        '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
    ),
    ("[]", '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}'),
    ("[1]", '[{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}]'),
    (
        "[1,2,3]",
        """[
          {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
          {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
          {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
        ]""",
    ),
    (
        """[
          {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
          {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
          {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
          {"foo": "boo"},
          {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
          {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
        ]""",
        """[
          {"jsonrpc": "2.0", "result": 7, "id": "1"},
          {"jsonrpc": "2.0", "result": 19, "id": "2"},
          {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
          {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
          {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}
        ]""",
    ),
    (
        """[
          {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
          {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
        ]""",
        None,
    ),
]


@pytest.fixture
def app() -> Atila:
    """The methods that the specification's examples call, and some of our own."""
    app = Atila("tests")
    app.route("/subtract")(lambda was, minuend, subtrahend: minuend - subtrahend)
    app.route("/sum")(lambda was, a, b, c: a + b + c)
    app.route("/get_data")(lambda was: ["hello", 5])
    app.route("/update")(lambda was, **values: None)
    app.route("/notify_sum")(lambda was, a, b, c: None)
    app.route("/broken")(lambda was: 1 / 0)
    app.route("/object")(lambda was: object())

    @app.route("/notify_hello")
    def notify_hello(was: Was, number: int) -> None:
        was.setgs("hello", number)

    app.defgs("hello")

    @app.route("/typed")
    async def typed(was: Was, count: int, name: str = "x") -> object:
        await asyncio.sleep(0)
        return was.API(count=count, name=name, thread=threading.current_thread().name)

    @app.route("/fail/<kind>")
    def fail(was: Was, kind: str) -> object:
        """It answers or raises an error."""
        if kind == "raised":
            raise was.Error("409 Conflict", "taken", 40901)
        if kind == "response":
            return was.response("403 Forbidden", "no")
        return was.Fault("404 Not Found", "no such thing", 40404)

    return app


@pytest.fixture
def cli(app: Atila) -> Iterator[TestClient]:
    with app.test_client("/rpc2") as client:
        yield client


@pytest.mark.row("12.20")
@pytest.mark.parametrize(("sent", "expected"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_specifications_examples(cli: TestClient, sent: str, expected: str | None) -> None:
    answer = cli.post("/rpc2", sent, headers=JSON)
    if expected is None:
        assert (answer.status_code, answer.content) == (200, b"")
        return
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json-rpc")
    assert answer.json() == msgspec.json.decode(expected)


@pytest.mark.row("12.20")
def test_a_notification_runs_its_method(app: Atila, cli: TestClient) -> None:
    assert cli.post("/rpc2", HELLO, headers=JSON).content == b""
    assert app.platform.numbers.read("hello") == 7


@pytest.mark.row("12.20")
@pytest.mark.parametrize(
    ("method", "params", "code", "message", "told"),
    [
        ("typed", [], -32602, "Invalid params", "parameter `count` is missing"),
        ("typed", ["x"], -32602, "Invalid params", "parameter `count` should be an integer"),
        ("typed", [1, "a", 2], -32602, "Invalid params", "typed takes 2 arguments, not 3"),
        ("typed", {"count": 1, "other": 2}, -32602, "Invalid params", "parameter `other` is unknown"),
        ("broken", [], -32603, "Internal error", None),
        ("object", [], -32603, "Internal error", "no form in JSON"),
        ("fail", ["raised"], 409, "conflict", "taken"),
        ("fail", ["response"], 403, "forbidden", None),
        ("fail", ["fault"], 404, "no such thing", None),
        ("system.nothing", [], -32601, "Method not found", None),
        ("system.multicall", [[]], -32601, "Method not found", None),
    ],
)
def test_errors_have_the_specifications_codes(
    cli: TestClient, method: str, params: Any, code: int, message: str, told: str | None
) -> None:
    body = {"jsonrpc": "2.0", "method": method, "params": params, "id": 7}
    answer = cli.post("/rpc2", json=body, headers=JSON).json()
    assert (answer["id"], answer["error"]["code"], answer["error"]["message"]) == (7, code, message)
    if told is not None:
        assert told in answer["error"]["data"]["more_info"]


def test_an_errors_own_code_and_its_faulty_parameters_are_told(cli: TestClient) -> None:
    error = cli.post("/rpc2", '{"jsonrpc":"2.0","method":"fail","params":["raised"],"id":1}', headers=JSON).json()
    assert error["error"]["data"] == {"code": 40901, "message": "conflict", "more_info": "taken"}
    error = cli.post("/rpc2", '{"jsonrpc":"2.0","method":"typed","id":1}', headers=JSON).json()
    assert error["error"]["data"]["errors"] == [{"name": "count", "reason": "parameter `count` is missing"}]


@pytest.mark.parametrize(
    ("item", "id"),
    [
        ({"method": "sum", "id": 1}, 1),
        ({"jsonrpc": "1.0", "method": "sum", "id": 1}, 1),
        ({"jsonrpc": "2.0", "id": "a"}, "a"),
        ({"jsonrpc": "2.0", "method": None, "id": 1}, 1),
        ({"jsonrpc": "2.0", "method": "sum", "params": None, "id": 1}, 1),
        ({"jsonrpc": "2.0", "method": "sum", "params": 3, "id": 1.5}, 1.5),
        ({"jsonrpc": "2.0", "method": "sum", "id": {}}, None),
        ({"jsonrpc": "2.0", "method": "sum", "id": True}, None),
        ("text", None),
        (None, None),
    ],
)
def test_what_is_no_request(cli: TestClient, item: Any, id: Any) -> None:
    expected = {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": id}
    assert cli.post("/rpc2", msgspec.json.encode(item), headers=JSON).json() == expected
    assert cli.post("/rpc2", msgspec.json.encode([item]), headers=JSON).json() == [expected]


def test_an_id_may_be_null_and_is_then_answered(cli: TestClient) -> None:
    answer = cli.post("/rpc2", '{"jsonrpc":"2.0","method":"get_data","id":null}', headers=JSON)
    assert answer.json() == {"jsonrpc": "2.0", "result": ["hello", 5], "id": None}


def test_limits_of_depth_and_of_a_batch(app: Atila) -> None:
    app.config.max_json_depth, app.config.max_rpc_calls = 5, 3
    with app.test_client("/rpc2") as cli:
        deep = '{"jsonrpc":"2.0","method":"update","params":[[[[[1]]]]],"id":1}'
        assert cli.post("/rpc2", deep, headers=JSON).json()["error"]["code"] == -32700
        call = '{"jsonrpc":"2.0","method":"get_data","id":1}'
        assert len(cli.post("/rpc2", f"[{call},{call},{call}]", headers=JSON).json()) == 3
        error = cli.post("/rpc2", f"[{call},{call},{call},{call}]", headers=JSON).json()["error"]
        assert error == {"code": -32600, "message": "Invalid Request", "data": "a batch has 3 calls at most, not 4"}


def test_async_methods_run_on_the_loop_and_plain_ones_on_threads(cli: TestClient) -> None:
    assert cli.jsonrpc("/rpc2").typed(1)["thread"] == "MainThread"
    sent = '[{"jsonrpc":"2.0","method":"typed","params":[1],"id":1},{"jsonrpc":"2.0","method":"broken","id":2}]'
    answers = cli.post("/rpc2", sent, headers=JSON).json()
    assert answers[0]["result"]["thread"] == "MainThread"


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert all(isinstance(call, Call) for call in JsonRpc().read(data).calls)


def test_what_an_error_is_told_as() -> None:
    assert describe(HTTPError(401, "who?")) == {
        "code": 401,
        "message": "unauthorized",
        "data": {"code": 40100, "message": "unauthorized", "more_info": "who?"},
    }
