"""What messages are on the wire and in a handler: text, bytes, JSON, XML-RPC, protobuf."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import HTTPError
from ..http.body import parse_json
from ..http.duplex import Message
from ..http.results import API
from ..rpc import xmlrpc
from ..rpc.xmlreader import read_call

WS_MSG_TEXT = WS_MSG_DEFAULT = "text"
WS_MSG_BINARY = "binary"
WS_MSG_JSON = "json"
WS_MSG_XMLRPC = "xmlrpc"
WS_MSG_GRPC = "grpc"


@dataclass(frozen=True, slots=True)
class Encoding:
    """One encoding: `read(message, hint, depth)` gives what handlers get, `write(result)` what is sent.

    `read` raises ValueError for a message that is none, `write` TypeError for a result that has no form.
    """

    read: Callable[[Message, Any, int], Any]
    write: Callable[[Any], Message]


def _read_text(message: Message, hint: Any, depth: int) -> Any:
    return message


def _write_text(result: Any) -> Message:
    if isinstance(result, str):
        return result
    if isinstance(result, bytes | bytearray | memoryview):
        return bytes(result)
    if isinstance(result, int | float):
        return str(result)
    return _write_json(result)


def _read_binary(message: Message, hint: Any, depth: int) -> Any:
    if isinstance(message, str):
        raise ValueError("binary messages are expected")
    return message


def _write_binary(result: Any) -> Message:
    if not isinstance(result, bytes | bytearray | memoryview):
        raise TypeError(f"a binary message is bytes, not {type(result).__name__}")
    return bytes(result)


def _read_json(message: Message, hint: Any, depth: int) -> Any:
    try:
        return parse_json(message if isinstance(message, bytes) else message.encode(), depth)
    except HTTPError as error:
        raise ValueError(error.detail or "malformed JSON") from error


def _write_json(result: Any) -> Message:
    value = result.data if isinstance(result, API) else result
    return msgspec.json.encode(value).decode()


def _read_xmlrpc(message: Message, hint: Any, depth: int) -> Any:
    """Return the argument of a methodCall, or a list of several."""
    try:
        arguments: Any = read_call(message if isinstance(message, bytes) else message.encode(), depth).arguments
    except HTTPError as error:
        raise ValueError(error.detail or "malformed XML-RPC") from error
    return arguments[0] if len(arguments) == 1 else list(arguments)


def _write_xmlrpc(result: Any) -> Message:
    try:
        return xmlrpc.dump(result).decode()
    except HTTPError as error:
        raise TypeError(error.detail) from error


def _read_grpc(message: Message, hint: Any, depth: int) -> Any:
    """Return a protobuf message of the type that the handler's hint names."""
    if isinstance(message, str):
        raise ValueError("binary messages are expected")
    try:
        return hint.FromString(message)
    except Exception as error:  # the DecodeError of whichever protobuf is installed
        raise ValueError(f"no {hint.DESCRIPTOR.full_name}: {error}") from error


def _write_grpc(result: Any) -> Message:
    serialize = getattr(result, "SerializeToString", None)
    if serialize is None:
        raise TypeError(f"a protobuf message is expected, not {type(result).__name__}")
    encoded: bytes = serialize()
    return encoded


ENCODINGS = {
    WS_MSG_TEXT: Encoding(_read_text, _write_text),
    WS_MSG_BINARY: Encoding(_read_binary, _write_binary),
    WS_MSG_JSON: Encoding(_read_json, _write_json),
    WS_MSG_XMLRPC: Encoding(_read_xmlrpc, _write_xmlrpc),
    WS_MSG_GRPC: Encoding(_read_grpc, _write_grpc),
}
