"""The reader of XML-RPC calls: no DTD and so no entities, strict about the structure, limited in depth."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any
from xml.parsers import expat

from ..errors import HTTPError
from .methods import Call

_INT = re.compile(r"[+-]?[0-9]{1,19}\Z")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_TIME = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}T[0-9]{2}:?[0-9]{2}:?[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9:]+)?\Z")
_METHOD = re.compile(r"[A-Za-z0-9_.:/-]+\Z")  # the specification's characters, and the - that paths have
_CHARSET = re.compile(
    r"(utf-?(8|16(le|be)?)|(us-)?ascii|iso-8859-\d+|windows-125\d|cp125\d|koi8-[ru])\Z", re.IGNORECASE
)
_SPACES = str.maketrans("", "", " \t\r\n")
_INT64 = range(-(2**63), 2**63)
_NONE: Any = object()  # no value yet


class _DoctypeError(ValueError):
    """The document declares a type, which is where entities come from."""


def read_call(body: bytes, depth: int = 64) -> Call:
    """Return the call in an XML text (xmlrpc.com/spec; nil and i8 as others extend it).

    Raises HTTPError 400 when it is malformed, has a document type declaration or nests over `depth` structs and arrays.
    """
    return _scan(body) or _parse(body, depth)


def _parse(body: bytes, depth: int) -> Call:
    reader = _Reader(depth)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.XmlDeclHandler = _check_encoding
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text.append
    try:
        parser.Parse(body, True)
    except _DoctypeError as error:
        raise HTTPError(400, "the XML-RPC call has a DTD or entities, which are refused") from error
    except (expat.ExpatError, ValueError, LookupError, ArithmeticError) as error:
        raise HTTPError(400, f"the XML-RPC call is malformed: {error}") from error
    if not reader.method:
        raise HTTPError(400, "the XML-RPC call names no method")
    return Call(reader.method, reader.arguments, nameable=True)


# Most calls have scalars only, and nothing that needs a parser: these patterns match a part of what the parser would
# read the same way, five times as fast. Whatever they do not match is the parser's.
_GAP = r"[ \t\r\n]*"
_TEXT = r"[^<&>\r\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]*"
_DECLARATION = r"""<\?xml version=(?:'1\.0'|"1\.0")(?: encoding=(?:'(?:utf|UTF)-8'|"(?:utf|UTF)-8"))? ?\?>"""
_HEAD = re.compile(
    rf"(?:{_DECLARATION})?{_GAP}<methodCall>{_GAP}<methodName>([A-Za-z0-9_.:/-]+)</methodName>{_GAP}<params>"
)
_PARAM = re.compile(
    rf"{_GAP}<param>{_GAP}<value>(?:<(int|i4|i8|boolean|double|string)>({_TEXT})</\1>|({_TEXT}))</value>{_GAP}</param>"
)
_TAIL = re.compile(rf"{_GAP}</params>{_GAP}</methodCall>{_GAP}\Z")


def _scan(body: bytes) -> Call | None:
    """Return a call whose arguments are plain scalars; None for any other, and for what is malformed."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    head = _HEAD.match(text)
    if head is None:
        return None
    arguments, place = [], head.end()
    try:
        while (found := _PARAM.match(text, place)) is not None:
            kind, content, bare = found.groups()
            arguments.append(bare if kind is None else _SCALARS[kind](content))
            place = found.end()
    except ValueError:
        return None
    return Call(head[1], arguments, nameable=True) if _TAIL.match(text, place) is not None else None


def _check_encoding(version: str, encoding: str | None, standalone: int) -> None:
    """Refuse what is no charset of texts: expat would ask any codec of Python, those of source code too."""
    if encoding is not None and not _CHARSET.match(encoding):
        raise ValueError(f"{encoding[:30]!r} is no charset for a call; utf-8 is")


def _refuse(*declaration: Any) -> None:
    raise _DoctypeError


def _read_int(text: str) -> int:
    if not _INT.match(text := text.strip()) or (number := int(text)) not in _INT64:
        raise ValueError(f"{text[:30]!r} is no whole number of 64 bits")
    return number


def _read_boolean(text: str) -> bool:
    if (text := text.strip()) not in ("0", "1"):
        raise ValueError(f"{text[:30]!r} is no boolean: 0 and 1 are")
    return text == "1"


def _read_double(text: str) -> float:
    if not _DOUBLE.match(text := text.strip()) or not isfinite(number := float(text)):
        raise ValueError(f"{text[:30]!r} is no double")
    return number


def _read_time(text: str) -> datetime:
    if not _TIME.match(text := text.strip()):
        raise ValueError(f"{text[:30]!r} is no dateTime.iso8601 such as 20260131T14:08:55")
    return datetime.fromisoformat(text)


def _read_base64(text: str) -> bytes:
    return binascii.a2b_base64(text.translate(_SPACES).encode(), strict_mode=True)


def _read_nil(text: str) -> None:
    return None


_SCALARS: dict[str, Callable[[str], Any]] = {
    "int": _read_int, "i4": _read_int, "i8": _read_int, "i1": _read_int, "i2": _read_int, "ex:i8": _read_int,
    "boolean": _read_boolean, "string": str, "double": _read_double, "float": _read_double,
    "dateTime.iso8601": _read_time, "base64": _read_base64, "nil": _read_nil, "ex:nil": _read_nil,
}  # fmt: skip
# What may stand inside of what; a scalar holds text only.
_INSIDE: dict[str, frozenset[str]] = {
    "": frozenset({"methodCall"}),
    "methodCall": frozenset({"methodName", "params"}),
    "methodName": frozenset(),
    "params": frozenset({"param"}),
    "param": frozenset({"value"}),
    "value": frozenset({*_SCALARS, "struct", "array"}),
    "struct": frozenset({"member"}),
    "member": frozenset({"name", "value"}),
    "name": frozenset(),
    "array": frozenset({"data"}),
    "data": frozenset({"value"}),
    **{name: frozenset() for name in _SCALARS},
}


class _Member:
    """A member of a struct that is being read."""

    __slots__ = ("name", "value")

    def __init__(self) -> None:
        self.name: str | None = None
        self.value = _NONE


class _Reader:
    """What expat tells of one call. Lives as long as the parser."""

    __slots__ = ("_depth", "_given", "_holders", "_open", "_value", "arguments", "method", "text")

    def __init__(self, depth: int) -> None:
        self.method = ""
        self.arguments: list[Any] = []
        self.text: list[str] = []  # since the last tag
        self._open = [""]  # the elements that we are in
        self._holders: list[Any] = []  # the arrays, structs and members that we are in
        self._value = _NONE  # what the element that just ended was
        self._depth = depth  # arrays and structs that may still begin inside of each other
        self._given = 0

    def start(self, tag: str, attributes: Any) -> None:
        parent = self._open[-1]
        if tag not in _INSIDE[parent]:
            raise ValueError(f"<{tag[:30]}> inside of <{parent}>" if parent else f"<{tag[:30]}> is no <methodCall>")
        self._open.append(tag)
        self.text.clear()
        if tag == "value":
            self._value = _NONE
        elif parent == "value":
            if self._value is not _NONE:
                raise ValueError("a <value> has one type")
            if tag in _MAKERS:
                self._enter(_MAKERS[tag]())
        elif tag == "member":
            self._holders.append(_Member())
        elif tag == "param":
            self._given = len(self.arguments)

    def _enter(self, holder: Any) -> None:
        self._depth -= 1
        if self._depth < 0:
            raise ValueError("it is nested too deep")
        self._holders.append(holder)

    def end(self, tag: str) -> None:
        self._open.pop()
        read = _SCALARS.get(tag)
        if read is not None:
            self._value = read("".join(self.text))
        elif tag == "value":
            self._give("".join(self.text) if self._value is _NONE else self._value)
        elif tag in _MAKERS:
            self._depth += 1
            self._value = self._holders.pop()
        elif tag == "name":
            self._name("".join(self.text))
        elif tag == "member":
            self._add(self._holders.pop())
        elif tag == "param" and len(self.arguments) != self._given + 1:
            raise ValueError("a <param> has one <value>")
        elif tag == "methodName":
            self._name_method("".join(self.text).strip())
        self.text.clear()

    def _give(self, value: Any) -> None:
        """Put a value where it belongs."""
        parent = self._open[-1]
        if parent == "param":
            self.arguments.append(value)
        elif parent == "data":
            self._holders[-1].append(value)
        elif self._holders[-1].value is not _NONE:
            raise ValueError("a <member> has one <value>")
        else:
            self._holders[-1].value = value

    def _name(self, name: str) -> None:
        member = self._holders[-1]
        if member.name is not None:
            raise ValueError("a <member> has one <name>")
        member.name = name

    def _add(self, member: _Member) -> None:
        if member.name is None or member.value is _NONE:
            raise ValueError("a <member> has a <name> and a <value>")
        struct = self._holders[-1]
        if member.name in struct:
            raise ValueError(f"a <struct> has the member {member.name[:30]!r} twice")
        struct[member.name] = member.value

    def _name_method(self, name: str) -> None:
        if self.method or (name and not _METHOD.match(name)):
            raise ValueError(f"{name[:30]!r} is no method's name" if name else "it has several names")
        self.method = name


_MAKERS: dict[str, Callable[[], Any]] = {"array": list, "struct": dict}
