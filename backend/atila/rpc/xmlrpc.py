"""XML-RPC: from a methodCall to a route's arguments, and from a result to a methodResponse (xmlrpc.com/spec)."""

from __future__ import annotations

import re
import xmlrpc.client as rpc
from dataclasses import dataclass
from math import isfinite
from typing import Any
from xml.parsers.expat import ExpatError

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.xmlrpc import DefusedExpatParser

from ..errors import HTTPError
from ..http.body import check_depth
from ..http.request import Request
from ..http.response import Response
from ..http.results import API
from ..routing.router import Router

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_KEPT = (bytes, bytearray, rpc.Binary, rpc.DateTime)  # what has a form of its own in XML-RPC


@dataclass(frozen=True, slots=True)
class Call:
    """A method's name and its positional arguments."""

    method: str
    arguments: tuple[Any, ...]


def is_call(body: bytes) -> bool:
    """Say whether an XML text is a methodCall."""
    return b"<methodCall" in body[:1000]


def parse(body: bytes, depth: int = 64) -> Call:
    """Return the call in an XML text.

    Raises HTTPError 400 when it is malformed, declares entities or a DTD, or nests over `depth` structs and arrays.
    """
    unmarshaller = rpc.Unmarshaller(use_builtin_types=True)
    parser = DefusedExpatParser(unmarshaller, forbid_dtd=True)
    try:
        parser.feed(body)
        parser.close()
        arguments = unmarshaller.close()
    except DefusedXmlException as error:
        raise HTTPError(400, "the XML-RPC call has a DTD or entities, which are refused") from error
    except (ExpatError, rpc.Error, ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise HTTPError(400, f"the XML-RPC call is malformed: {error}") from error
    for argument in arguments:
        check_depth(argument, depth, "XML-RPC call")
        _check_names(argument)
    method = unmarshaller.getmethodname()
    if not method:
        raise HTTPError(400, "the XML-RPC call names no method")
    return Call(method, tuple(arguments))


def _check_names(value: Any) -> None:
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise HTTPError(400, "the XML-RPC call has a struct whose member has no name")
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        _check_names(item)


def as_request(request: Request, call: Call, router: Router) -> Request:
    """Return the request that a call stands for: the method's dots are slashes below the path it was posted to.

    Raises HTTPError 404 for a method without a route, 400 for too many arguments.
    """
    path = request.inner.rstrip("/") + "/" + call.method.replace(".", "/")
    route, method = router.locate(path)
    names = [item.name for item in route.signature[1:] if item.kind is not item.VAR_KEYWORD]
    if len(call.arguments) > len(names):
        raise HTTPError(400, f"{call.method} takes {len(names)} arguments, not {len(call.arguments)}")
    inner = Request(
        method, request.root + path, "", request.source, version=request.version, scheme=request.server_scheme,
        peer=request.peer, forwarded=request.forwarded, wire="xmlrpc",
    )  # fmt: skip
    inner.root, inner.inner, inner.id = request.root, path, request.id
    inner.app, inner.route = request.app, route
    inner.claims_of, inner.limits = request.claims_of, request.limits
    inner.set_data(dict(zip(names, call.arguments, strict=False)))
    return inner


def dump(result: Any) -> bytes:
    """Return the methodResponse of a result. Raises HTTPError 500 for a value that XML-RPC cannot carry."""
    value = _value(result)
    try:
        return _Marshaller().response(msgspec.to_builtins(value, builtin_types=_KEPT, str_keys=True))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise HTTPError(500, f"the result has no form in XML-RPC: {error}") from error


def dump_fault(error: HTTPError) -> bytes:
    """Return a fault: its code is the HTTP status, its string the message with the detail."""
    text = error.message + (f": {error.detail}" if error.detail else "")
    fault = rpc.Fault(error.status.code, _NO_XML.sub("\ufffd", text))
    return rpc.dumps(fault, methodresponse=True).encode()


def _value(result: Any) -> Any:
    if isinstance(result, API):
        return result.data
    if isinstance(result, Response):
        if result.status >= 400:
            raise HTTPError(result.get_status(), result.detail)
        return _value(result.body)
    return result


class _Marshaller(rpc.Marshaller):
    """The standard library's, with 64-bit integers as <i8>."""

    dispatch = dict(rpc.Marshaller.dispatch)  # noqa: RUF012 - the base class's table, which only this class changes

    def __init__(self) -> None:
        super().__init__("utf-8", allow_none=True)

    def response(self, value: Any) -> bytes:
        text = self.dumps((value,))
        if (odd := _NO_XML.search(text)) is not None:
            raise TypeError(f"XML has no character {odd[0]!r}")
        return f'<?xml version="1.0"?>\n<methodResponse>\n{text}</methodResponse>\n'.encode()

    def dump_int(self, value: int, write: Any) -> None:
        if value not in _INT64:
            raise OverflowError("a whole number has 64 bits at most")
        tag = "int" if value in _INT32 else "i8"
        write(f"<value><{tag}>{value}</{tag}></value>\n")

    def dump_double(self, value: float, write: Any) -> None:
        if not isfinite(value):
            raise ValueError(f"{value} is no number")
        write(f"<value><double>{value!r}</double></value>\n")

    # functions of this class, called with one of its objects
    dispatch[int] = dump_int  # type: ignore[assignment]  # as above
    dispatch[float] = dump_double  # type: ignore[assignment]  # as above
