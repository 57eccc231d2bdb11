"""Multipart forms that tests send: what comes out is what went in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from atila.http.body import FormLimits, parse_multipart
from atila.http.headers import parse_content_type
from atila.testing.forms import encode_multipart


def read(fields: dict[str, Any], files: dict[str, Any]) -> dict[str, Any]:
    body, kind = encode_multipart(fields, files)
    name, parameters = parse_content_type(kind)
    assert name == "multipart/form-data"
    return dict(parse_multipart(body, parameters["boundary"], FormLimits()))


@pytest.mark.parametrize(("file", "name", "kind"), [
    (("a.png", b"x"), "a.png", "image/png"), (("a.png", b"x", "text/plain"), "a.png", "text/plain"),
    (("a", b"x"), "a", "application/octet-stream"), (io.BytesIO(b"x"), "file", "application/octet-stream"),
])  # fmt: skip
def test_a_file(file: Any, name: str, kind: str) -> None:
    upload = read({}, {"file": file})["file"]
    assert (upload.name, upload.mimetype, upload.read()) == (name, kind, b"x")
    upload.close()


@pytest.mark.parametrize("form", ["path", "text", "open"])
def test_a_file_of_a_folder(tmp_path: Path, form: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"x\r\n--y")
    with path.open("rb") as opened:
        upload = read({}, {"file": {"path": path, "text": str(path), "open": opened}[form]})["file"]
    assert (upload.name, upload.mimetype, upload.read()) == ("notes.txt", "text/plain", b"x\r\n--y")
    upload.close()


def test_fields_and_several_values_of_a_name() -> None:
    found = read({"a": 1, "b": ["é", None], 'q"\r\n': "x"}, {"files": [("a.txt", b"1"), ("b.txt", b"2")]})
    files = found.pop("files")
    assert [(file.name, file.read()) for file in files] == [("a.txt", b"1"), ("b.txt", b"2")]
    for file in files:
        file.close()
    assert found.pop("a") == "1"
    assert found.pop("b") == ["é", "None"]
    assert list(found.values()) == ["x"]  # whatever a server makes of the name, nothing got out of it
