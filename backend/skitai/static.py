"""Files of a folder: validators, ranges, precompressed siblings; dotfiles and everything outside are not there."""

from __future__ import annotations

import mimetypes
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from atila.http.conditional import Validators, precondition
from atila.http.headers import Pairs
from atila.http.request import Request
from atila.http.response import FileBody, Response

from .ranges import RangeError, wanted_range

FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"  # keep it, but ask whether it changed: answered with 304
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # in the order the server prefers

_FRESH = 5.0  # seconds an examined file is believed to have the same siblings and to lie at the same place
_KEPT = 4096  # examined files remembered
_TEXT = frozenset({"application/javascript", "application/xml", "image/svg+xml"})
_TYPES = {
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".br": "application/octet-stream",
    ".gz": "application/gzip",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
    ".xz": "application/x-xz",
}
_KNOWN_TYPES = mimetypes.MimeTypes(filenames=())  # the machine's own tables stay out: the same file, the same type


@dataclass(frozen=True, slots=True)
class Form:
    """One stored form of a file: itself, or a compressed sibling."""

    path: str
    size: int
    validators: Validators
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of a file that may be served, as long as it stays the same on disk."""

    identity: tuple[int, int, int, int]
    until: float
    plain: Form
    compressed: Mapping[str, Form]


class Folder:
    """A folder of files to serve. Lives as long as its mount.

    `immutable` names sub-folders whose files carry a hash of their content in their name; `headers` are added to
    HTML documents (a content security policy, say); `max_age` tells the seconds that clients may keep a path's file
    without asking, None for what is usual.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        immutable: Sequence[str] = ("assets",),
        headers: Mapping[str, str] = {},
        max_age: Callable[[str], int | None] = lambda path: None,
    ) -> None:
        self.root = os.path.realpath(root)
        self.immutable = tuple(f"{name.strip('/')}/" for name in immutable)
        self.document_headers: Pairs = [(name.lower(), value) for name, value in headers.items()]
        self.max_age = max_age
        self._inside = self.root.rstrip(os.sep) + os.sep
        self._examined: dict[str, Examined] = {}

    def __repr__(self) -> str:
        return f"Folder({self.root!r})"

    def find(self, path: str) -> Examined | None:
        """Return the file at a path relative to the folder ("assets/app.js"), or None when there is none to serve."""
        if not is_plain(path):
            return None
        name = self._inside + path
        try:
            state = os.stat(name)
        except (OSError, ValueError):
            return None
        identity = (state.st_mtime_ns, state.st_size, state.st_ino, state.st_dev)
        known = self._examined.get(path)
        if known is not None and known.identity == identity and known.until > time.monotonic():
            return known
        if not stat.S_ISREG(state.st_mode) or not os.path.realpath(name).startswith(self._inside):
            return None  # no folder, device or pipe, and no link that leads out
        return self._examine(path, name, state, identity)

    def has_folder(self, path: str) -> bool:
        """Say whether a path is a sub-folder that has an index.html."""
        return self.find(f"{path.strip('/')}/index.html".lstrip("/")) is not None

    def answer(self, file: Examined, request: Request) -> Response:
        """Return the answer to a GET or HEAD of a file that `find` returned."""
        form = _negotiate(file, request.source.get("accept-encoding"))
        fields: Pairs = [*form.headers]
        status = precondition(request, form.validators)
        if status is not None:
            return Response(status, [field for field in fields if field[0] not in ("content-type", "content-encoding")])
        if request.method != "GET":
            return Response(200, fields, FileBody(form.path, form.size))
        try:
            part = wanted_range(request.source, form.size, form.validators)
        except RangeError:
            return Response(416, [("content-range", f"bytes */{form.size}"), ("accept-ranges", "bytes")])
        if part is None:
            return Response(200, fields, FileBody(form.path, form.size))
        fields.append(("content-range", f"bytes {part.start}-{part.stop - 1}/{form.size}"))
        return Response(206, fields, FileBody(form.path, form.size, part.start, part.stop))

    def _examine(self, path: str, name: str, state: os.stat_result, identity: tuple[int, int, int, int]) -> Examined:
        siblings = {encoding: _sibling(name + suffix, state) for encoding, suffix in ENCODINGS.items()}
        found = {encoding: sibling for encoding, sibling in siblings.items() if sibling is not None}
        headers = self._headers_for(path, varies=bool(found))
        plain = _form(name, state, "", headers)
        compressed = {
            encoding: _form(name + ENCODINGS[encoding], sibling, encoding, [*headers, ("content-encoding", encoding)])
            for encoding, sibling in found.items()
        }
        examined = Examined(identity, time.monotonic() + _FRESH, plain, compressed)
        if len(self._examined) >= _KEPT:
            self._examined.clear()
        self._examined[path] = examined
        return examined

    def _headers_for(self, path: str, *, varies: bool) -> Pairs:
        content_type = content_type_of(path)
        cache = FOREVER if path.startswith(self.immutable) and not path.endswith(".html") else ASK_FIRST
        if (seconds := self.max_age(path)) is not None:
            cache = f"public, max-age={seconds}"
        headers = [
            ("content-type", content_type),
            ("cache-control", cache),
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
        ]
        if varies:
            headers.append(("vary", "accept-encoding"))
        if content_type.startswith("text/html"):
            given = {name for name, _ in self.document_headers}
            headers = [field for field in headers if field[0] not in given] + self.document_headers
        return headers


def is_plain(path: str) -> bool:
    """Say whether a relative path names only what may be public: no dotfile, no way up or out, no odd character.

    `.well-known` is the one dot folder that the web reads (RFC 8615).
    """
    if not path or "\\" in path or "\0" in path or (os.name == "nt" and ":" in path):
        return False
    if "/." not in path and "//" not in path and path[0] not in "./" and path[-1] != "/":
        return True
    segments = path.split("/")
    return all(segments) and all(
        segment[0] != "." or (segment == ".well-known" and place == 0) for place, segment in enumerate(segments)
    )


def content_type_of(path: str) -> str:
    """Return the Content-Type of a file name; text says that it is UTF-8."""
    suffix = Path(path).suffix.lower()
    kind = _TYPES.get(suffix) or _KNOWN_TYPES.types_map[True].get(suffix) or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind in _TEXT else kind


@lru_cache(maxsize=256)
def accepted_encodings(header: str) -> frozenset[str]:
    """Return which of our encodings an Accept-Encoding header takes (RFC 9110 12.5.3)."""
    weights: dict[str, float] = {}
    for item in header.lower().split(","):
        name, _, parameters = item.partition(";")
        weights[name.strip()] = _weight(parameters)
    any_other = weights.get("*", 0.0)
    return frozenset(name for name in ENCODINGS if weights.get(name, any_other) > 0)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _negotiate(file: Examined, accept_encoding: str | None) -> Form:
    if not file.compressed or not accept_encoding or len(accept_encoding) > 200:
        return file.plain
    accepted = accepted_encodings(accept_encoding)
    for encoding, form in file.compressed.items():
        if encoding in accepted:
            return form
    return file.plain


def _sibling(name: str, original: os.stat_result) -> os.stat_result | None:
    """Return the state of a compressed sibling; one that is older than its original was forgotten there, and a link may
    lead anywhere: neither counts."""
    try:
        state = os.lstat(name)
    except OSError:
        return None
    tolerance = 10  # seconds: a copied folder gives its files times in the order they were written
    return state if stat.S_ISREG(state.st_mode) and state.st_mtime >= original.st_mtime - tolerance else None


def _form(name: str, state: os.stat_result, encoding: str, headers: Pairs) -> Form:
    validators = Validators(f'"{state.st_mtime_ns:x}-{state.st_size:x}{encoding}"', int(state.st_mtime))
    return Form(name, state.st_size, validators, (*headers, *validators.fields()))
