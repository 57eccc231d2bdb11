"""Remote methods of upstreams over HTTP: XML-RPC (xmlrpc.com/spec) and JSON-RPC 2.0 (jsonrpc.org)."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

import msgspec

from atila.alias import Member
from atila.rpc.xmlwriter import write_value

from .calls import HTTP_KINDS, Auth, Callback, Calls, Use, authorization
from .group import Tasks
from .message import Call, Fields, HTTPReply, RemoteError, as_pairs
from .task import Task

DEEPEST = 200  # structs and arrays in each other, of an XML-RPC answer
_NESTING = ("struct", "array")


class XMLRPCError(RemoteError):
    """What a method answered instead of a result: a number and a text."""

    title = "XML-RPC Fault"

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = self.faultCode = code
        self.text = self.faultString = text


class JSONRPCError(RemoteError):
    """What a method answered instead of a result: a number, a text, and anything else (5.1)."""

    title = "JSON-RPC Error"

    def __init__(self, code: int, text: str, data: Any = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.data = data


@dataclass(frozen=True, slots=True)
class Codec:
    """How calls of one protocol are written, and their answers read."""

    content_type: str
    write: Callable[[str, tuple[Any, ...], dict[str, Any]], bytes]
    read: Callable[[HTTPReply], Any]


class Remote:
    """`was.rpc` and `was.jsonrpc`. Used by one request."""

    def __init__(self, calls: Calls, codec: Codec) -> None:
        self._calls = calls
        self._codec = codec

    def __call__(
        self,
        url: str,
        headers: Fields | None = None,
        callback: Callback | None = None,
        use_cache: Use = True,
        timeout: float | None = None,
        *,
        auth: Auth | None = None,
    ) -> Stub:
        """Return the methods behind a URL or "@alias/path": `was.rpc("@books/rpc2").find("Emma").fetch()`.

        Options are those of `was.get`. Raises SettingError for an alias that is not there or not HTTP.
        """
        self._calls.alias(url, *HTTP_KINDS)
        fields = as_pairs(headers) + authorization(auth)

        def fire(content: bytes, member: Member | None = None) -> Task[Any]:
            kinds = fields if any(name.lower() == "content-type" for name, _ in fields) else [*fields, self._kind]
            call: Call = self._calls.call("POST", url, [*kinds], content, timeout=timeout, decode=self._codec.read)
            return self._calls.fire(call, callback=callback, use=use_cache, member=member)

        return Stub(fire, self._codec)

    lb = __call__  # the server whose turn it is, which is always so

    def map(self, url: str, *arguments: Any, **options: Any) -> Stub:
        """Return the methods of every server of an alias; a call gives Tasks. Raises SettingError for another URL."""
        members = self._calls.members(url, *HTTP_KINDS)
        fire = self(url, *arguments, **options).fire
        return Stub(lambda content: Tasks([fire(content, member) for member in members], None), self._codec)

    @property
    def _kind(self) -> tuple[str, str]:
        return "content-type", self._codec.content_type


class Stub(nullcontext[Any]):
    """Remote methods as attributes, also with dots: `stub.system.listMethods()`. A call returns its task at once.

    A `with` block groups the calls of one stub; it changes nothing else.
    """

    def __init__(self, fire: Callable[..., Any], codec: Codec, name: str = "") -> None:
        super().__init__(self)
        self.fire = fire
        self.codec = codec
        self.name = name

    def __getattr__(self, name: str) -> Stub:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(self.fire, self.codec, f"{self.name}.{name}" if self.name else name)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the method. Raises TypeError or ValueError for an argument that the protocol cannot carry."""
        if not self.name:
            raise TypeError("a method is called: stub.method(…)")
        return self.fire(self.codec.write(self.name, arguments, named))


def _write_xml(method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> bytes:
    """Return a methodCall; named arguments are a struct after the others."""
    values = [*arguments, named] if named else arguments
    params = "".join(f"<param>{write_value(value)}</param>" for value in values)
    name = method.replace("&", "&amp;").replace("<", "&lt;")
    text = f'<?xml version="1.0"?><methodCall><methodName>{name}</methodName><params>{params}</params></methodCall>'
    return text.encode()


def _read_xml(reply: HTTPReply) -> Any:
    """Return a method's result. Raises XMLRPCError for a fault, ValueError for what is no methodResponse."""
    if reply.status_code >= 300:
        return reply.content
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse  # which is where entities come from
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.unmarshaller.data
    try:
        parser.Parse(reply.content, True)
        values = reader.unmarshaller.close()
    except xmlrpc.client.Fault as fault:
        raise XMLRPCError(fault.faultCode, fault.faultString) from None
    except (expat.ExpatError, xmlrpc.client.Error, TypeError, LookupError, ArithmeticError) as error:
        raise ValueError(f"the answer is no XML-RPC: {error}") from error
    if len(values) != 1:
        raise ValueError(f"an XML-RPC answer has one value, not {len(values)}")
    return values[0]


class _Reader:
    """What expat calls: the standard library's unmarshaller, and a limit to how deep an answer nests."""

    def __init__(self) -> None:
        self.unmarshaller = xmlrpc.client.Unmarshaller(use_builtin_types=True)
        self.unmarshaller.xml(None, None)  # type: ignore[arg-type]  # expat has decoded the text, as the library says it
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += tag in _NESTING
        if self._depth > DEEPEST:
            raise ValueError(f"the answer nests over {DEEPEST} structs and arrays")
        self.unmarshaller.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= tag in _NESTING
        self.unmarshaller.end(tag)


def _refuse(*declaration: Any) -> None:
    raise ValueError("the answer is XML with a document type, which is refused")


def _write_json(method: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> bytes:
    """Return a request object; its arguments are either by position or by name (4.2)."""
    if arguments and named:
        raise TypeError("JSON-RPC takes arguments by position or by name, not both")
    return msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": named or list(arguments), "id": 1})


def _read_json(reply: HTTPReply) -> Any:
    """Return a method's result. Raises JSONRPCError for an error, ValueError for what is no response object."""
    if reply.status_code >= 300:
        return reply.content
    answer = msgspec.json.decode(reply.content)
    if not isinstance(answer, dict) or not ("result" in answer or isinstance(answer.get("error"), dict)):
        raise ValueError("the answer is no JSON-RPC")
    error = answer.get("error")
    if error is not None:
        raise JSONRPCError(error.get("code", 0), str(error.get("message", "")), error.get("data"))
    return answer["result"]


XML_RPC = Codec("text/xml", _write_xml, _read_xml)
JSON_RPC = Codec("application/json-rpc", _write_json, _read_json)
