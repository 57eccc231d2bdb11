"""The writer of XML-RPC values: results and faults as XML."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

import msgspec

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # whatever XML 1.0, 2.2 leaves out
_SPECIAL = re.compile("[&<>\r]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}  # a reader takes a bare \r for \n (XML 1.0, 2.11)
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_KEPT = (bytes, bytearray, datetime)  # what has a form of its own in XML-RPC


def write_value(value: Any) -> str:
    """Return a value as `<value>…</value>`.

    Raises TypeError, ValueError, OverflowError or RecursionError for what XML-RPC cannot carry: a number beyond 64
    bits, NaN, a character that XML lacks, an object without a form.
    """
    if type(value) not in _PLAIN:
        value = msgspec.to_builtins(value, builtin_types=_KEPT, str_keys=True, enc_hook=_simplify)
    parts: list[str] = []
    _write(value, parts.append)
    text = "".join(parts)
    if (odd := _NO_XML.search(text)) is not None:
        raise TypeError(f"XML has no character {odd[0]!r}")
    return text


def legible(text: str) -> str:
    """Return a text with U+FFFD in place of each character that XML lacks."""
    return _NO_XML.sub("\ufffd", text)


def _simplify(value: Any) -> Any:
    """Return the value of a type derived from a plain one, and what the standard library's client wraps."""
    kind = type(value)
    if kind.__module__ == "xmlrpc.client" and kind.__name__ == "Binary":
        return value.data
    if kind.__module__ == "xmlrpc.client" and kind.__name__ == "DateTime":
        return datetime.fromisoformat(value.value)
    base: Any = next((base for base in (str, int, float, bytes) if isinstance(value, base)), None)
    if base is not None:
        return base(value)
    raise TypeError(f"objects of type {kind.__name__} have none")


def _write(value: Any, write: Callable[[str], None]) -> None:
    _WRITERS[type(value)](value, write)  # which has every type that msgspec leaves


def _write_text(value: str, write: Callable[[str], None]) -> None:
    write(f"<value><string>{_escaped(value)}</string></value>")


def _escaped(text: str) -> str:
    if _SPECIAL.search(text) is None:
        return text
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)


def _write_int(value: int, write: Callable[[str], None]) -> None:
    if value in _INT32:
        write(f"<value><int>{value}</int></value>")
    elif value in _INT64:
        write(f"<value><i8>{value}</i8></value>")
    else:
        raise OverflowError("a whole number has 64 bits at most")


def _write_boolean(value: bool, write: Callable[[str], None]) -> None:
    write("<value><boolean>1</boolean></value>" if value else "<value><boolean>0</boolean></value>")


def _write_double(value: float, write: Callable[[str], None]) -> None:
    if not isfinite(value):
        raise ValueError(f"{value} is no number")
    text = repr(value)
    if "e" in text:  # the specification has no exponents
        text = format(Decimal(text), "f")
    write(f"<value><double>{text}</double></value>")


def _write_nil(value: None, write: Callable[[str], None]) -> None:
    write("<value><nil/></value>")


def _write_bytes(value: bytes, write: Callable[[str], None]) -> None:
    write(f"<value><base64>{binascii.b2a_base64(value, newline=False).decode()}</base64></value>")


def _write_time(value: datetime, write: Callable[[str], None]) -> None:
    """Write a moment without a zone as dateTime.iso8601, which has none; one with a zone as the text JSON has."""
    if value.tzinfo is not None:
        _write_text(msgspec.to_builtins(value), write)
    else:
        text = value.isoformat(timespec="seconds").replace("-", "")
        write(f"<value><dateTime.iso8601>{text}</dateTime.iso8601></value>")


def _write_array(value: Iterable[Any], write: Callable[[str], None]) -> None:
    write("<value><array><data>")
    for item in value:
        _write(item, write)
    write("</data></array></value>")


def _write_struct(value: dict[str, Any], write: Callable[[str], None]) -> None:
    write("<value><struct>")
    for name, item in value.items():
        write(f"<member><name>{_escaped(name)}</name>")
        _write(item, write)
        write("</member>")
    write("</struct></value>")


_WRITERS: dict[type, Callable[[Any, Callable[[str], None]], None]] = {
    str: _write_text,
    int: _write_int,
    bool: _write_boolean,
    float: _write_double,
    type(None): _write_nil,
    bytes: _write_bytes,
    bytearray: _write_bytes,
    datetime: _write_time,
    list: _write_array,
    tuple: _write_array,
    set: _write_array,
    frozenset: _write_array,
    dict: _write_struct,
}
_PLAIN = frozenset({str, int, bool, float, type(None), bytes})
