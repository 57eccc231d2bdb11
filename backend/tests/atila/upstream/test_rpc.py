"""Remote methods over HTTP: what is written, and what answers are taken for."""

from __future__ import annotations

import json
import threading
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atila import Atila
from atila.config import default_config
from atila.errors import HTTPError
from atila.platform import LocalPlatform
from atila.testing.upstream import Echo
from atila.upstream.calls import Calls
from atila.upstream.message import HTTPReply
from atila.upstream.rpc import JSON_RPC, XML_RPC, JSONRPCError, Remote, XMLRPCError
from atila.upstream.task import STA_NORMAL, STA_REQFAIL

BOMB = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<methodResponse><params><param><value>&b;</value></param></params></methodResponse>"""


def reply(content: str, decode: Any, status: int = 200) -> HTTPReply:
    return HTTPReply(status, "", [("content-type", "text/xml")], content.encode(), decode=decode)


@pytest.fixture
def calls() -> Iterator[Calls]:
    platform = LocalPlatform("tests")
    yield Calls.of(platform, default_config())
    platform.close()


@pytest.mark.row("11.16")
def test_xml_rpc_is_what_the_standard_library_reads() -> None:
    sent = XML_RPC.write("books.find", ("Emma & <co>", 2**40, None, [1.5, {"a": True}], b"\x00"), {"limit": 3})
    arguments, method = xmlrpc.client.loads(sent.decode(), use_builtin_types=True)
    assert method == "books.find"
    assert arguments == ("Emma & <co>", 2**40, None, [1.5, {"a": True}], b"\x00", {"limit": 3})
    for wrong in (2**64, float("nan"), object()):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            XML_RPC.write("f", (wrong,), {})


def test_xml_rpc_answers() -> None:
    answer = xmlrpc.client.dumps(({"a": [1, None]},), methodresponse=True, allow_none=True)
    assert reply(answer, XML_RPC.read).data == {"a": [1, None]}
    fault = reply(xmlrpc.client.dumps(xmlrpc.client.Fault(4, "no such book")), XML_RPC.read)
    assert isinstance(fault.error, XMLRPCError)
    assert (fault.status, fault.status_code, fault.error.code, fault.error.text) == (STA_NORMAL, 500, 4, "no such book")
    with pytest.raises(XMLRPCError, match="no such book"):
        fault.fetch()


@pytest.mark.parametrize(
    "content", ["", "nonsense", "<methodResponse/>", "<a><b></a>", BOMB, "<methodResponse><params>"]
)
def test_what_is_no_xml_rpc(content: str) -> None:
    wrong = reply(content, XML_RPC.read)
    assert (wrong.status, wrong.status_code, wrong.data) == (STA_REQFAIL, 708, None)
    with pytest.raises(HTTPError, match="502"):
        wrong.fetch()


@pytest.mark.row("11.16")
def test_json_rpc_arguments_by_position_or_by_name() -> None:
    sent = json.loads(JSON_RPC.write("subtract", (42, 23), {}))
    assert sent == {"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}
    assert json.loads(JSON_RPC.write("subtract", (), {"a": 1}))["params"] == {"a": 1}
    with pytest.raises(TypeError, match="not both"):
        JSON_RPC.write("subtract", (42,), {"b": 23})


def test_json_rpc_answers() -> None:
    assert reply('{"jsonrpc": "2.0", "result": null, "id": 1}', JSON_RPC.read).data is None
    assert reply('{"result": [1], "error": null, "id": 1}', JSON_RPC.read).data == [1]  # as 1.0 answers
    failed = reply(
        '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "no", "data": [1]}, "id": 1}', JSON_RPC.read
    )
    assert isinstance(failed.error, JSONRPCError)
    assert (failed.error.code, failed.error.text, failed.error.data) == (-32601, "no", [1])
    for content in ("", "[]", "{}", "nonsense", '{"error": "text"}'):
        assert reply(content, JSON_RPC.read).status_code == 708


@pytest.mark.parametrize("codec", [XML_RPC, JSON_RPC])
def test_an_http_error_stays_one(codec: Any) -> None:
    refused = reply("<html>no</html>", codec.read, 403)
    assert (refused.status, refused.status_code, refused.data) == (STA_NORMAL, 403, b"<html>no</html>")
    with pytest.raises(HTTPError, match="403"):
        refused.fetch()


def test_methods_are_attributes_and_a_stub_is_none(calls: Calls) -> None:
    with Echo() as server:
        stub = Remote(calls, JSON_RPC)(f"{server.url}/rpc", {"Content-Type": "application/json"}, auth="token")
        stub.a.b.c(1).wait()
        assert json.loads(server.seen[0].body)["method"] == "a.b.c"
        assert server.seen[0].headers["content-type"] == "application/json"
        assert server.seen[0].headers["authorization"] == "Bearer token"
        with pytest.raises(TypeError, match="a method is called"):
            stub()
        with pytest.raises(AttributeError):
            stub.__wrapped__  # noqa: B018 - inspection asks such things


@pytest.mark.row("11.1")
def test_a_callback_that_fails_is_logged(calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    called = threading.Event()

    def fail(reply: Any) -> None:
        called.set()
        raise LookupError("a mistake in the callback")

    with Echo() as server:
        Remote(calls, JSON_RPC)(f"{server.url}/", callback=fail).method().wait()
        assert called.wait(5)
    calls.clients.close()  # which waits for it
    assert "the callback of a call to an upstream failed" in caplog.text


@pytest.mark.row("11.30")
def test_futures_answer_remote_calls_too() -> None:
    app = Atila("tests")

    @app.route("/sum")
    def add(was: Any, a: int, b: int) -> Any:
        return was.Futures([was.get(f"{server.url}/stock")]).then(lambda was, replies: a + b + replies[0].data["n"])

    with Echo({"/stock": {"n": 3}}) as server, app.test_client("/") as cli:
        assert cli.rpc("/").sum(1, 2) == 6
        assert cli.jsonrpc("/").sum(1, 2) == 6


def nested(depth: int) -> str:
    inside = "<array><data><value>" * depth + "<int>1</int>" + "</value></data></array>" * depth
    return f"<methodResponse><params><param><value>{inside}</value></param></params></methodResponse>"


def test_an_answer_that_nests_too_deep() -> None:
    assert reply(nested(200), XML_RPC.read).status == STA_NORMAL
    assert reply(nested(201), XML_RPC.read).status_code == 708
    assert reply('{"result": ' + "[" * 100_000 + "]" * 100_000 + "}", JSON_RPC.read).status_code == 708


PIECES = st.sampled_from([
    "<methodResponse>", "</methodResponse>", "<params>", "</params>", "<param>", "</param>", "<value>", "</value>",
    "<int>", "</int>", "<struct>", "</struct>", "<member>", "</member>", "<name>", "</name>", "<array>", "<data>",
    "</data>", "</array>", "<fault>", "</fault>", "<dateTime.iso8601>", "</dateTime.iso8601>", "<base64>", "</base64>",
    "<nil/>", "<double>", "</double>", "<boolean>", "</boolean>", "1", "x", "inf", "{", "}", '"result"', ":", "[", "]",
    '"error"', "null", '"code"', ",", "1e400", "&#0;", "<!DOCTYPE x>",
])  # fmt: skip


@given(
    st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=30).map("".join).map(str.encode)),
    st.integers(100, 599),
)
def test_no_answer_breaks_the_reader(content: bytes, status: int) -> None:
    """Whatever an upstream sends, its reply is data, an error of the remote side, or malformed."""
    for kind, decode in (("application/json", None), ("text/xml", XML_RPC.read), ("application/json", JSON_RPC.read)):
        found = HTTPReply(status, "", [("content-type", kind)], content, decode=decode)
        assert found.status in (STA_NORMAL, STA_REQFAIL)
        assert isinstance(found.failure(), Exception)
        assert found.status == STA_REQFAIL or found.again().status == STA_NORMAL  # as a kept one is read again
        assert isinstance(found.text, str)


@pytest.mark.parametrize("count", [0, 2])
def test_an_answer_with_no_value_or_several(count: int) -> None:
    params = "<param><value><int>1</int></value></param>" * count
    found = reply(f"<methodResponse><params>{params}</params></methodResponse>", XML_RPC.read)
    assert (found.status_code, str(found.error)) == (708, f"an XML-RPC answer has one value, not {count}")
