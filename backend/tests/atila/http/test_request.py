"""Requests, made by hand."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from atila import HTTPError
from atila.http.headers import Headers
from atila.http.request import Request


def test_a_bare_request_knows_little() -> None:
    request = Request("GET", "/x")
    assert (request.host, request.get_user_agent(), request.bearer_token, request.is_json) == ("", None, None, False)
    assert (request.routed, request.routable, request.PARAMS, request.DEFAULT) == (None, {}, {}, {})
    assert request.JWT == {"err": "no bearer token"}
    assert request.ARGS == {}
    assert isinstance(request.headers, Headers)
    request.close()


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", None), ("Bearer", None), ("Bearerabc", None)],
)
def test_the_bearer_token(header: str, token: str | None) -> None:
    assert Request("GET", "/", source=Headers([("Authorization", header)])).bearer_token == token


def test_claims_are_read_once() -> None:
    asked: list[str | None] = []

    def claims_of(token: str | None) -> dict[str, Any]:
        asked.append(token)
        return {"username": "hans"}

    request = Request("GET", "/", source=Headers([("authorization", "Bearer t")]))
    request.claims_of = claims_of
    assert request.JWT == request.JWT == {"username": "hans"}
    assert asked == ["t"]


def test_a_parameter_is_found_in_the_path_then_the_body_then_the_query() -> None:
    source = Headers([("content-type", "application/json")])
    request = Request("POST", "/", "a=query&b=query&c=query", source, body=b'{"a": "body", "b": "body"}')
    request.path_args = {"a": "path"}
    assert [request.find(name) for name in "abcd"] == ["path", "body", "query", None]


def test_another_protocols_fields_take_the_place_of_a_body() -> None:
    request = Request("POST", "/", wire="xmlrpc")
    assert request.ARGS == {}
    request.set_data({"uid": 7})
    assert (request.find("uid"), request.ARGS) == (7, {"uid": 7})


def test_a_grpc_message_is_seen_by_its_fields() -> None:
    request = Request("POST", "/", wire="grpc")
    request.message = StringValue(value="x")
    assert (request.find("value"), request.DATA, request.find("other")) == ("x", {"value": "x"}, None)
    streaming = Request("POST", "/", wire="grpc")
    streaming.message = iter(())
    assert streaming.DATA == {}


@pytest.mark.parametrize("proto", ["gopher", "HTTPS", ""])
def test_a_forwarded_scheme_that_is_none_is_not_believed(proto: str) -> None:
    assert Request("GET", "/", source=Headers([("x-forwarded-proto", proto)]), forwarded=True).scheme == "http"


def test_a_form_that_is_not_utf_8() -> None:
    source = Headers([("content-type", "application/x-www-form-urlencoded")])
    with pytest.raises(HTTPError, match="not UTF-8"):
        Request("POST", "/", source=source, body=b"a=\xff").form()


@pytest.mark.parametrize(("host", "port"), [("a.example:8080", "8080"), ("a.example", "443")])
def test_the_environs_port(host: str, port: str) -> None:
    env = Request("GET", "/", source=Headers([("host", host)]), scheme="https").env
    assert (env["SERVER_NAME"], env["SERVER_PORT"], env["HTTP_HOST"]) == ("a.example", port, host)
