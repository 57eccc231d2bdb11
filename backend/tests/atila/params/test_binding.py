"""Binding: whatever is sent, a handler gets what it asked for, or the client a 400."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given, settings
from hypothesis import strategies as st

from atila.errors import HTTPError
from atila.http.headers import Headers
from atila.http.request import Request, Wire
from atila.params.binding import Binder
from atila.params.checks import CheckedBinder, binder_for, check_params
from atila.routing.route import Handler, Route, RouteOptions
from atila.routing.rule import Rule

JSON = Headers([("content-type", "application/json")])


class Pet(msgspec.Struct):
    name: str
    age: int = 0


def binder(handler: Handler, rule: str = "/x") -> Binder:
    return binder_for(Route(Rule(rule), handler, RouteOptions()))


def open_ended(was: Any, id: int, limit: int = 20, tags: list[str] | None = None, **rest: Any) -> None: ...


def closed(was: Any, id: int, limit: int = 20, tags: list[str] | None = None) -> None: ...


NAMES = st.sampled_from(["id", "limit", "tags", "was", "x", ""])
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers(), max_size=2)


@settings(deadline=None, max_examples=200, database=None)
@given(st.lists(st.tuples(NAMES, st.text("a1é%&=", max_size=3)), max_size=4), st.dictionaries(NAMES, VALUES) | VALUES)
def test_arguments_fit_their_hints_or_it_is_400(query: list[tuple[str, str]], body: Any) -> None:
    statuses = set()
    for handler in (open_ended, closed):
        request = Request(
            "POST", "/x/7", "&".join(f"{name}={value}" for name, value in query), JSON, body=json.dumps(body).encode()
        )
        request.path_args = {"id": 7}
        try:
            bound = binder(handler, "/x/<int:id>").bind(request)
        except HTTPError as refused:
            statuses.add(refused.status.code)
            continue
        assert bound["id"] == 7
        assert isinstance(bound.get("limit", 0), int)
        assert isinstance(bound.get("tags"), list | None)
        assert "was" not in bound
        assert handler is open_ended or bound.keys() <= {"id", "limit", "tags"}
        handler(None, **bound)
    assert statuses <= {400}


def test_a_grpc_message_goes_to_the_first_argument() -> None:
    request = Request("POST", "/", wire="grpc")
    request.message = StringValue(value="x")
    assert binder(lambda was, message, more=1: None).bind(request) == {"message": request.message}
    assert binder(lambda was, **rest: None).bind(request) == {}
    assert binder(lambda was: None).bind(request) == {}


def test_checks_look_at_the_fields_of_a_grpc_message() -> None:
    handler = check_params("ARGS", value__len__lte=3)(lambda was, message: None)
    request = Request("POST", "/", wire="grpc")
    request.message = StringValue(value="abc")
    assert isinstance(binder(handler), CheckedBinder)
    assert binder(handler).bind(request)
    other = Request("POST", "/", wire="grpc")
    other.message = StringValue(value="abcd")
    with pytest.raises(HTTPError, match="length of parameter value"):
        binder(handler).bind(other)


@pytest.mark.parametrize("wire", ["xmlrpc", "jsonrpc"])
def test_a_remote_calls_arguments_are_strict_and_records_are_among_them(wire: Wire) -> None:
    def add(was: Any, uid: int, pet: Pet) -> None: ...

    request = Request("POST", "/", wire=wire)
    request.set_data({"uid": 7, "pet": {"name": "Rex"}})
    assert binder(add, "/add/<int:uid>").bind(request) == {"uid": 7, "pet": Pet("Rex")}
    request.set_data({"uid": "7", "pet": {"age": 1}})
    with pytest.raises(HTTPError) as refused:
        binder(add, "/add/<int:uid>").bind(request)
    assert [reason.name for reason in refused.value.reasons] == ["uid", "pet"]


def test_a_record_with_a_default_may_stay_away() -> None:
    def add(was: Any, pet: Pet | None = None, other: Pet = Pet("none")) -> None: ...  # noqa: B008 - it is not changed

    def one(was: Any, pet: Pet = Pet("none"), limit: int = 1) -> None: ...  # noqa: B008 - it is not changed

    assert binder(one).bind(Request("POST", "/", "limit=3")) == {"limit": 3}
    assert binder(one).bind(Request("POST", "/", "", JSON, body=b'{"name":"a"}')) == {"pet": Pet("a")}
    assert binder(add).names == {"pet", "other"}


def test_a_malformed_body_is_told_although_checks_of_the_query_passed() -> None:
    handler = check_params("URL", ["a"])(lambda was, a, b=1: None)
    with pytest.raises(HTTPError) as refused:
        binder(handler).bind(Request("POST", "/", "a=1", JSON, body=b"{"))
    assert refused.value.code == 40000


def test_what_is_unknown_is_told_once() -> None:
    def add(was: Any, uid: int, pet: Pet) -> None: ...

    request = Request("POST", "/", "pet=1&x=1", Headers([("content-type", "x/y")]), body=b"x")
    request.path_args = {"uid": 7}
    with pytest.raises(HTTPError, match="415"):
        binder(add, "/add/<int:uid>").bind(request)
    request = Request("POST", "/", "pet=1&uid=8&x=1", JSON, body=b'{"name": "a"}')
    request.path_args = {"uid": 7}
    with pytest.raises(HTTPError) as refused:
        binder(add, "/add/<int:uid>").bind(request)
    assert [reason.name for reason in refused.value.reasons] == ["pet", "x"]
    request = Request("POST", "/", "x=1", JSON, body=b'{"x": 1}')
    with pytest.raises(HTTPError) as refused:
        binder(closed).bind(request)
    assert [reason.name for reason in refused.value.reasons] == ["id", "x"]
