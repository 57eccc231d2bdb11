"""Multipart forms by the suite `multipart-form-data-conformance`: every required case, and what becomes of the others.

The suite tells what a parser finds in a body. Atila gives a handler texts and Upload objects by name, so that is what
is compared: an Upload's name is the client's without folders and without characters that some file system refuses, its
type is application/octet-stream when the client named none; parameters of a type, and a text's type, are not kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import multipart_form_data_conformance as suite
import pytest

from atila.errors import HTTPError
from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.uploads import Upload, clean_name

# Optional cases that are refused: the suite says that strict parsers should, and lenient ones need not.
REFUSED = {"061-lf-only-lenient", "062-mixed-endings"}


class Case(NamedTuple):
    """One folder of the suite."""

    name: str
    required: bool
    content_type: str
    body: bytes
    expected: dict[str, Any]


class Part(NamedTuple):
    """A field as a handler gets it; `filename` and `kind` are None for a text."""

    filename: str | None
    kind: str | None
    digest: str  # the content's SHA-256: all that the suite tells of a large one


def cases() -> Iterator[Case]:
    """Read the suite's cases that are about parsing."""
    for path in sorted(Path(suite.get_tests_dir()).glob("*/*/test.json")):
        described = json.loads(path.read_text(encoding="utf-8"))
        headers = json.loads((path.parent / "headers.json").read_text(encoding="utf-8"))
        if "parsing" in described["tags"]:
            body = (path.parent / "input.raw").read_bytes()
            required = "required" in described["tags"]
            yield Case(described["id"], required, headers["content-type"], body, described["expected"])


CASES = list(cases())


def parsed(case: Case) -> dict[str, list[Part]] | None:
    """Return the fields that a handler would get, None when the request is refused with 400."""
    request = Request("POST", "/", source=Headers([("content-type", case.content_type)]), body=case.body)
    try:
        fields = request.form()
    except HTTPError as error:
        if error.status.code != 400:
            raise
        return None
    assert fields is not None
    values = {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    found = {name: [_part(item) for item in items] for name, items in values.items()}
    request.close()
    return found


def _part(item: str | Upload) -> Part:
    if isinstance(item, str):
        return Part(None, None, hashlib.sha256(item.encode()).hexdigest())
    return Part(item.name, item.mimetype, hashlib.sha256(item.read()).hexdigest())


def expected(case: Case) -> dict[str, list[Part]] | None:
    """Return what the suite expects, as a handler would get it."""
    if not case.expected["valid"]:
        return None
    fields: dict[str, list[Part]] = defaultdict(list)
    for part in case.expected["parts"]:
        kind = (part["content_type"] or "application/octet-stream").partition(";")[0]
        named = part["filename"] is not None  # RFC 7578 4.2: there is no filename* in a form
        name = clean_name(part["filename"]) if named else None
        fields[part["name"]].append(Part(name, kind if named else None, _digest(part)))
    return dict(fields)


def _digest(part: dict[str, Any]) -> str:
    if "body_sha256" in part:
        return str(part["body_sha256"])
    coded = part.get("body_base64")
    return hashlib.sha256(base64.b64decode(coded) if coded else part["body_text"].encode()).hexdigest()


def test_the_suite_is_there() -> None:
    assert len([case for case in CASES if case.required]) >= 40


@pytest.mark.parametrize("case", [case for case in CASES if case.required], ids=lambda case: case.name)
def test_a_required_case(case: Case) -> None:
    assert parsed(case) == expected(case)


@pytest.mark.parametrize("case", [case for case in CASES if not case.required], ids=lambda case: case.name)
def test_an_optional_case(case: Case) -> None:
    assert parsed(case) == (None if case.name in REFUSED else expected(case))
