"""What messages become, and what is none of their encoding."""

from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest

from atila.websocket.encoding import ENCODINGS
from contracts.photos.v1 import photos_pb2 as pb

PHOTO = pb.Photo(id=7)


def called(*arguments: Any) -> str:
    return xmlrpc.client.dumps(arguments, "say")


@pytest.mark.row("12.4", "12.5")
@pytest.mark.parametrize(
    ("encoding", "message", "value"),
    [
        ("json", '{"a": [1]}', {"a": [1]}), ("json", b"7", 7), ("xmlrpc", called(7), 7),
        ("xmlrpc", called(1, 2), [1, 2]), ("xmlrpc", called("x").encode(), "x"),
        ("grpc", PHOTO.SerializeToString(), PHOTO),
    ],
)  # fmt: skip
def test_messages_are_read(encoding: str, message: str | bytes, value: Any) -> None:
    assert ENCODINGS[encoding].read(message, pb.Photo, 20) == value


@pytest.mark.parametrize(
    ("encoding", "message", "reason"),
    [
        ("json", "{", "JSON"), ("xmlrpc", "<a/>", "methodCall"), ("xmlrpc", "<", "."),
        ("grpc", "text", "binary messages"), ("grpc", b"\xff", r"no contracts\.photos\.v1\.Photo"),
    ],
)  # fmt: skip
def test_messages_that_are_none_are_refused(encoding: str, message: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ENCODINGS[encoding].read(message, pb.Photo, 20)


@pytest.mark.parametrize("encoding", ["json", "xmlrpc", "grpc"])
def test_values_without_a_form_are_told(encoding: str) -> None:
    with pytest.raises(TypeError, match="object"):
        ENCODINGS[encoding].write(object())
