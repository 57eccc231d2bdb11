"""What adapters decide alike: lengths of bodies, header fields to send, request ids."""

from __future__ import annotations

import pytest

from atila.adapters.settings import (
    AdapterSettings,
    body_limit,
    expected_length,
    final_headers,
    known_length,
    refusal,
    request_ids,
)
from atila.errors import HTTPError
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import FileBody, Response, Stream
from atila.http.site import Job


async def nothing(request: Request) -> Response:
    return Response()


JOB = Job(nothing, body_limit=10, multipart_limit=100)
FORM = {"content-type": "Multipart/Form-Data; boundary=x"}
CHUNKED = {"transfer-encoding": "chunked"}


def fields(**given: str) -> Headers:
    return Headers((name.replace("_", "-"), value) for name, value in given.items())


@pytest.mark.parametrize(("given", "version", "unsized", "length"), [
    ({}, "1.1", False, 0), ({}, "1.0", True, 0), ({}, "2", False, None), ({}, "3", True, None),
    ({"content_length": "0"}, "2", False, 0), ({"content_length": "10"}, "1.1", False, 10),
    ({"transfer_encoding": "chunked"}, "1.1", True, None),
])  # fmt: skip
def test_the_length_to_expect(given: dict[str, str], version: str, unsized: bool, length: int | None) -> None:
    assert expected_length(JOB, fields(**given), version, unsized) == length


@pytest.mark.parametrize(("given", "status"), [
    ({"content_length": "11"}, 413), ({"content_length": "1e1"}, 400), ({"transfer_encoding": "chunked"}, 411),
    ({"content_length": "101", "content_type": "multipart/form-data; boundary=x"}, 413),
])  # fmt: skip
def test_lengths_that_are_refused(given: dict[str, str], status: int) -> None:
    with pytest.raises(HTTPError, match=str(status)):
        expected_length(JOB, fields(**given), "1.1", False)


def test_a_multipart_form_has_a_limit_of_its_own() -> None:
    assert body_limit(JOB, Headers(FORM.items())) == 100
    assert body_limit(JOB, fields(content_type="text/plain")) == body_limit(JOB, fields()) == 10
    assert body_limit(Job(nothing, body_limit=10), Headers(FORM.items())) == 10
    assert (
        expected_length(JOB, fields(content_length="100", **{"content-type": FORM["content-type"]}), "1.1", False)
        == 100
    )


@pytest.mark.parametrize(("version", "kept"), [("1.1", True), ("1.0", True), ("2", False)])
def test_only_the_server_frames_the_message(version: str, kept: bool) -> None:
    request = Request("GET", "/", version=version)
    request.id = "7"
    given = [
        ("content-length", "5"), ("x", "1"), ("transfer-encoding", "chunked"), ("keep-alive", "1"),
        ("upgrade", "h2c"), ("trailer", "x"), ("connection", "keep-alive"), ("connection", "close"),
    ]  # fmt: skip
    close = [("connection", "close")] if kept else []
    assert final_headers(request, Response(200, given)) == [("x", "1"), *close, ("x-request-id", "7")]
    assert final_headers(request, Response(200, [("x", "1")])) == [("x", "1"), ("x-request-id", "7")]


def test_the_length_of_a_body_as_far_as_it_is_known() -> None:
    bodies = [b"abc", FileBody("x", 10), FileBody("x", 10, 2), FileBody("x", 10, 2, 5), Stream(iter([b"abc"]))]
    assert [known_length(Response(200, [], body)) for body in bodies] == [3, 10, 8, 3, None]


def test_a_refusal_is_json_with_the_fields_of_the_error() -> None:
    answer = refusal(HTTPError(413, "too much", headers=[("connection", "close")]))
    assert (answer.status, answer.headers) == (413, [("connection", "close"), ("content-type", "application/json")])
    assert answer.body == b'{"code":41300,"message":"request entity too large","more_info":"too much"}'


def test_ids_are_unique_and_a_trusted_proxys_is_kept() -> None:
    one, other = request_ids(), request_ids()
    made = [one(), one(), other(), other()]
    assert len(set(made)) == 4
    assert made[0][:10] == made[1][:10] != made[2][:10]
    settings = AdapterSettings(ids=lambda: "new")
    for forwarded, sent, wanted in (
        (True, "proxy-1", "proxy-1"), (True, "a b", "new"), (True, "", "new"), (False, "client-1", "new"),
    ):  # fmt: skip
        request = Request("GET", "/", source=Headers([("x-request-id", sent)]), forwarded=forwarded)
        settings.identify(request)
        assert request.id == wanted
