"""From the bytes of a query string or a body to parameters: URL-encoded, multipart (RFC 7578), JSON (RFC 8259)."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import multipart

from ..errors import HTTPError
from .uploads import Upload, spooled


class Fields(dict[str, Any]):
    """Parameters by name, also as attributes: `args.limit`. A name that came several times has a list."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no parameter {name!r}") from None


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What a body may hold: fields in all, bytes of one file, bytes of one file kept in memory, levels of JSON."""

    fields: int = 1000
    file_size: int = 20_000_000
    memory_size: int = 512 * 1024
    depth: int = 64


def parse_query(text: str, limit: int = 1000) -> Fields:
    """Return the fields of a query string or URL-encoded form. Raises HTTPError 400 for over `limit` fields."""
    if not text:
        return Fields()
    if "%" not in text and "+" not in text and text.isascii():
        return _collect_plain(text.split("&"), limit)
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=limit, errors="strict")
    except UnicodeDecodeError as error:
        raise HTTPError(400, "the query or form is not UTF-8") from error
    except ValueError as error:
        raise HTTPError(400, f"more than {limit} fields in the query or form") from error
    return collect(pairs)


def _collect_plain(items: list[str], limit: int) -> Fields:
    """Gather the fields of a query in which nothing is escaped, which is most of them."""
    if len(items) > limit:
        raise HTTPError(400, f"more than {limit} fields in the query or form")
    fields = Fields()
    for item in items:
        name, _, value = item.partition("=")
        if name in fields:
            return collect([item.partition("=")[::2] for item in items if item])
        if item:
            fields[name] = value
    return fields


def collect(pairs: Iterable[tuple[str, Any]]) -> Fields:
    """Gather pairs into Fields; several values of a name become a list."""
    fields = Fields()
    repeated: set[str] = set()
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif name in repeated:
            fields[name].append(value)
        else:
            repeated.add(name)
            fields[name] = [fields[name], value]
    return fields


def parse_multipart(body: bytes, boundary: str | None, limits: FormLimits) -> Fields:
    """Return the fields of a multipart form; files are Upload objects.

    Raises HTTPError 400 for a malformed or cut-off form, 413 for too many fields or too large a file.
    """
    if not boundary:
        raise HTTPError(400, "multipart/form-data without a boundary")
    if not body:
        raise HTTPError(400, "the multipart form is empty")
    try:
        parts = multipart.MultipartParser(
            io.BytesIO(body),
            boundary,
            content_length=len(body),
            part_limit=limits.fields,
            partsize_limit=limits.file_size,
            spool_limit=len(body) + 1,  # in memory: a form that is refused half-way leaves no open file behind
            memory_limit=len(body) + 1,
        ).parts()
        if not all(part.name for part in parts):
            raise HTTPError(400, "the multipart form has a part without a name")  # RFC 7578 4.2
        texts = {id(part): _text(part) for part in parts if part.filename is None}
        return collect([(part.name, _value(part, texts, limits.memory_size)) for part in parts])
    except multipart.ParserLimitReached as error:
        raise HTTPError(413, f"the form is too large: {error}") from error
    except (ValueError, LookupError) as error:  # a MultipartError is the one, an unknown charset the other
        raise HTTPError(400, f"the multipart form is malformed: {error}") from error


def _text(part: Any) -> str:
    """Return a field's text. Raises ValueError or LookupError when its charset is none, or is not that of its bytes."""
    if codecs.lookup(part.charset).name in _NO_CHARSETS:
        raise LookupError(f"{part.charset} is no charset of a form")
    text: str = part.raw.decode(part.charset)
    return text


# Codecs of names and of source code. They are slow, make half characters, or hide markup (UTF-7).
_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})


def _value(part: Any, texts: dict[int, str], memory_size: int) -> str | Upload:
    if part.filename is None:
        return texts[id(part)]
    content = part.raw
    part.close()
    return Upload(spooled(content, memory_size), part.filename, part.size, part.content_type)


_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse_json(body: bytes, depth: int = 64) -> Any:
    """Return the value of a JSON text (RFC 8259).

    Raises HTTPError 400 with the place when it is malformed, and for a key that an object has twice, for NaN and for
    more than `depth` levels of nesting.
    """
    try:
        value = _decode(body)
    except msgspec.DecodeError as error:
        raise HTTPError(400, f"the JSON body is malformed: {error}") from error
    except RecursionError as error:
        raise HTTPError(400, "the JSON body is nested too deep") from error
    except UnicodeDecodeError as error:
        raise HTTPError(400, "the JSON body is not UTF-8") from error
    if len(body) > 2 * depth and body.count(b"{") + body.count(b"[") > depth:
        check_depth(value, depth, "JSON body")
    if type(value) is dict or type(value) is list:
        _check_keys(body, value)
    return value


def check_depth(value: Any, depth: int, name: str) -> None:
    """Raise HTTPError 400 when dicts and lists are nested in each other over `depth` levels."""
    level = [value]
    for _ in range(depth + 1):
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    raise HTTPError(400, f"the {name} is nested deeper than {depth} levels")


def _check_keys(body: bytes, value: Any) -> None:
    # Written again, a key that was there twice is there once: fewer colons. An escaped colon would hide that.
    again = _encode(value)
    if again == body or (b"\\u" not in body and body.count(b":") == again.count(b":")):
        return
    json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise HTTPError(400, f"the JSON body has the key {name[:60]!r} twice in one object")
        made[name] = value
    return made
