"""XML-RPC: from a methodCall to calls, and from results to a methodResponse (xmlrpc.com/spec)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import HTTPError
from ..http.request import Wire
from .messages import Perform, content_of
from .methods import Call
from .xmlreader import read_call
from .xmlwriter import legible, write_value

MULTICALL = "system.multicall"
_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)


class XmlRpc:
    """The codec of XML-RPC. Lives as long as the app."""

    wire: Wire = "xmlrpc"
    content_type = "text/xml; charset=utf-8"

    def __init__(self, depth: int = 64, most: int = 100) -> None:
        self.depth = depth  # levels of structs and arrays
        self.most = most  # calls in one system.multicall

    def concerns(self, body: bytes) -> bool:
        return is_call(body)

    def read(self, body: bytes) -> Single | Multicall:
        """Return the message of a body. Raises HTTPError 400 for a malformed one, or too many calls at once."""
        call = read_call(body, self.depth)
        return Multicall(call.arguments, self.most) if call.method == MULTICALL else Single(call)

    def refuse(self, error: HTTPError) -> bytes:
        return dump_fault(error)


class Single:
    """One call."""

    def __init__(self, call: Call) -> None:
        self.calls: Sequence[Call] = (call,)

    async def answer(self, perform: Perform) -> bytes:
        return dump(await perform(self.calls[0]))


class Multicall:
    """Calls that are made one after the other; each has a result or a fault of its own.

    Raises HTTPError 400 when the arguments are not one array, or it is too long.
    """

    def __init__(self, arguments: Any, most: int) -> None:
        if len(arguments) != 1 or not isinstance(arguments[0], list):
            raise HTTPError(400, f"{MULTICALL} takes one array of structs with methodName and params")
        if len(arguments[0]) > most:
            raise HTTPError(400, f"{MULTICALL} takes {most} calls at most, not {len(arguments[0])}")
        self._entries = [_entry(item) for item in arguments[0]]
        self.calls: Sequence[Call] = [item for item in self._entries if isinstance(item, Call)]

    async def answer(self, perform: Perform) -> bytes:
        results = [await self._result(item, perform) for item in self._entries]
        return _response(f"<params><param>{_array(results)}</param></params>")

    async def _result(self, entry: Call | HTTPError, perform: Perform) -> str:
        try:
            if isinstance(entry, HTTPError):
                raise entry
            return _array([_value(await perform(entry))])
        except HTTPError as error:
            return write_value(_fault(error))


def _entry(item: Any) -> Call | HTTPError:
    """Return one call of several, or what is wrong with it."""
    name = item.get("methodName") if isinstance(item, dict) else None
    arguments = item.get("params", []) if isinstance(item, dict) else None
    if not isinstance(name, str) or not isinstance(arguments, list):
        return HTTPError(400, "a call is a struct with methodName, a string, and params, an array")
    if name == MULTICALL:
        return HTTPError(400, f"a {MULTICALL} cannot hold another")
    return Call(name, arguments, nameable=True)


def is_call(body: bytes) -> bool:
    """Say whether an XML text is a methodCall."""
    return b"<methodCall" in body[:1000]


def dump(result: Any) -> bytes:
    """Return the methodResponse of a result.

    Raises HTTPError 500 for a value that XML-RPC cannot carry, and what an answer with an error tells.
    """
    return _response(f"<params><param>{_value(result)}</param></params>")


def dump_fault(error: HTTPError) -> bytes:
    """Return a fault: its code is the HTTP status, its string the message with the detail."""
    return _response(f"<fault>{write_value(_fault(error))}</fault>")


def _fault(error: HTTPError) -> dict[str, Any]:
    text = error.message + (f": {error.detail}" if error.detail else "")
    return {"faultCode": error.status.code, "faultString": legible(text)}


def _value(result: Any) -> str:
    content = content_of(result)
    try:
        return write_value(content)
    except _UNWRITABLE as error:
        raise HTTPError(500, f"the result has no form in XML-RPC: {error}") from error


def _array(values: list[str]) -> str:
    return f"<value><array><data>{''.join(values)}</data></array></value>"


def _response(content: str) -> bytes:
    return f'<?xml version="1.0"?>\n<methodResponse>{content}</methodResponse>\n'.encode()
