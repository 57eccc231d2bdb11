"""Files: ranges, paths, encodings."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from urllib.parse import unquote

from atila.http.conditional import Validators
from atila.http.headers import Headers, check_field
from atila.http.request import Request
from skitai.ranges import RangeError, wanted_range
from skitai.static import Folder, accepted_encodings, content_type_of
from tests.fuzz.fields import lines

_SIZE = 1000  # bytes


def byte_range(data: bytes) -> None:
    """A range lies inside the file, or there is none; one that is asked for plainly is given."""
    asked, condition = lines(data, 2)
    sent = [("range", asked)] + ([("if-range", condition)] if condition else [])
    try:
        part = wanted_range(Headers(sent), _SIZE, Validators('"v1"', 1_000_000_000))
    except RangeError:
        return
    if part is not None:
        assert 0 <= part.start < part.stop <= _SIZE
        plain = Headers([("range", f"bytes={part.start}-{part.stop - 1}")])
        assert wanted_range(plain, _SIZE, Validators()) == part


def file_path(data: bytes) -> None:
    """No path leads out of the folder or to a hidden file; what is found has a type and an answer."""
    path, encodings = lines(data, 2)
    folder = _folder()
    for name in (path, unquote(path, errors="replace")):
        check_field("content-type", content_type_of(name))
        found = folder.find(name)
        if found is None:
            continue
        assert os.path.realpath(found.plain.path).startswith(folder.root + os.sep)
        assert "secret" not in os.path.realpath(found.plain.path)
        response = folder.answer(found, Request("GET", "/", source=Headers([("accept-encoding", encodings)])))
        assert response.status == 200
        for field in response.headers:
            check_field(*field)
    assert accepted_encodings(encodings) <= {"br", "gzip"}


@cache
def _folder() -> Folder:
    """A folder to serve, beside something that must not be; gone when the process ends."""
    outside = tempfile.mkdtemp(prefix="fuzz-")
    atexit.register(shutil.rmtree, outside, ignore_errors=True)
    root = os.path.join(outside, "public")
    os.makedirs(os.path.join(root, "a"))
    for name in ("index.html", "a/b.js", "a/b.js.gz", ".secret", "../secret"):
        with open(os.path.join(root, name), "w", encoding="utf-8") as file:
            file.write("x")
    os.symlink(os.path.join(outside, "secret"), os.path.join(root, "link"))
    return Folder(root)
