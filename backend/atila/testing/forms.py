"""Multipart forms (RFC 7578), written for tests."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Mapping
from typing import Any


def encode_multipart(fields: Mapping[str, Any], files: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return a form's body and its type. A file is a path, an open file, (name, bytes) or (name, bytes, type)."""
    boundary = os.urandom(12).hex()
    parts = [_part(f'name="{_quote(name)}"', str(value).encode()) for name, value in _pairs(fields)]
    for name, value in _pairs(files):
        file_name, content, kind = _file(value)
        head = f'name="{_quote(name)}"; filename="{_quote(file_name)}"\r\nContent-Type: {kind}'
        parts.append(_part(head, content))
    mark = f"--{boundary}\r\n".encode()
    body = b"".join(mark + part for part in parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _part(head: str, content: bytes) -> bytes:
    return f"Content-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    listed = [(name, value if isinstance(value, list) else [value]) for name, value in values.items()]
    return [(name, item) for name, items in listed for item in items]


def _file(value: Any) -> tuple[str, bytes, str]:
    if isinstance(value, tuple):
        name, content = value[0], value[1]
        return name, content, value[2] if len(value) > 2 else _guess(name)
    if hasattr(value, "read"):
        name = os.path.basename(getattr(value, "name", "file"))
        return name, value.read(), _guess(name)
    with open(value, "rb") as file:
        return os.path.basename(value), file.read(), _guess(os.fspath(value))


def _guess(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _quote(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
