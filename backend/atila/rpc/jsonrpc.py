"""JSON-RPC 2.0: from requests, single or in a batch, to calls, and from results to responses (jsonrpc.org)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import BAD_PARAMETER, HTTPError
from ..http.body import parse_json
from ..http.problem import error_data
from ..http.request import Wire
from .messages import Perform, content_of
from .methods import Call, UnknownMethodError

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
MESSAGES = {
    PARSE_ERROR: "Parse error",
    INVALID_REQUEST: "Invalid Request",
    UNKNOWN_METHOD: "Method not found",
    INVALID_PARAMS: "Invalid params",
    INTERNAL_ERROR: "Internal error",
}
Record = dict[str, Any]


class JsonRpc:
    """The codec of JSON-RPC. Lives as long as the app."""

    wire: Wire = "jsonrpc"

    def __init__(self, depth: int = 64, most: int = 100, content_type: str = "application/json-rpc") -> None:
        self.depth = depth  # levels of nesting
        self.most = most  # calls in one batch
        self.content_type = content_type

    def concerns(self, body: bytes) -> bool:
        return True

    def read(self, body: bytes) -> Requests:
        """Return the requests in a body; each that is none is answered on its own. Raises ProtocolError."""
        try:
            value = parse_json(body, self.depth)
        except HTTPError as error:
            raise ProtocolError(PARSE_ERROR) from error
        if not isinstance(value, list):
            return Requests([_read(value)], batch=False)
        if not value:
            raise ProtocolError(INVALID_REQUEST)
        if len(value) > self.most:
            raise ProtocolError(INVALID_REQUEST, f"a batch has {self.most} calls at most, not {len(value)}")
        return Requests([_read(item) for item in value], batch=True)

    def refuse(self, error: HTTPError) -> bytes:
        return msgspec.json.encode(_failed(error, None))


class ProtocolError(HTTPError):
    """A message, or one call of it, that does not follow the specification."""

    def __init__(self, number: int, reason: str | None = None) -> None:
        super().__init__(400, reason)
        self.number = number


@dataclass(frozen=True, slots=True)
class Entry:
    """One request object: a call, or what is wrong with it."""

    call: Call | ProtocolError
    id: Any = None
    notification: bool = False  # nobody waits for an answer


class Requests:
    """The request objects of one message; they are answered one after the other."""

    def __init__(self, entries: Sequence[Entry], *, batch: bool) -> None:
        self._entries = entries
        self._batch = batch
        self.calls: Sequence[Call] = [entry.call for entry in entries if isinstance(entry.call, Call)]

    async def answer(self, perform: Perform) -> bytes:
        """Return what the callers wait for: nothing, one response, or a list of them."""
        responses = [await _respond(entry, perform) for entry in self._entries]
        waited_for = [item for item in responses if item is not None]
        if not waited_for:
            return b""
        return msgspec.json.encode(waited_for if self._batch else waited_for[0])


def _read(value: Any) -> Entry:
    if not isinstance(value, dict):
        return Entry(ProtocolError(INVALID_REQUEST))
    number = value.get("id")
    if not (number is None or isinstance(number, str | int | float)) or isinstance(number, bool):
        return Entry(ProtocolError(INVALID_REQUEST))
    method, params = value.get("method"), value.get("params", [])
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, list | dict):
        return Entry(ProtocolError(INVALID_REQUEST), number)
    return Entry(Call(method, params), number, notification="id" not in value)


async def _respond(entry: Entry, perform: Perform) -> Record | None:
    try:
        if isinstance(entry.call, ProtocolError):
            raise entry.call
        content = content_of(await perform(entry.call))
        if entry.notification:
            return None
        return {"jsonrpc": "2.0", "result": msgspec.Raw(_encode(content)), "id": entry.id}
    except HTTPError as error:
        return None if entry.notification else _failed(error, entry.id)


def _encode(content: Any) -> bytes:
    try:
        return msgspec.json.encode(content)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise HTTPError(500, f"the result has no form in JSON: {error}") from error


def _failed(error: HTTPError, id: Any) -> Record:
    return {"jsonrpc": "2.0", "error": describe(error), "id": id}


def describe(error: HTTPError) -> Record:
    """Return an error object: the specification's code where it has one, else the HTTP status, with what is known."""
    number = _number(error)
    told: Record = {"code": number, "message": MESSAGES.get(number, error.message)}
    if isinstance(error, ProtocolError):
        return told | ({"data": error.detail} if error.detail else {})
    if number == UNKNOWN_METHOD:
        return told
    return told | {"data": error_data(error)}


def _number(error: HTTPError) -> int:
    if isinstance(error, ProtocolError):
        return error.number
    if isinstance(error, UnknownMethodError):
        return UNKNOWN_METHOD
    if error.code == BAD_PARAMETER:
        return INVALID_PARAMS
    return INTERNAL_ERROR if error.status.code == 500 else error.status.code
