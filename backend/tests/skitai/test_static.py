"""Files of a folder: what is served, what is not there, and what the client already has."""

from __future__ import annotations

import gzip
import os
from email.utils import formatdate
from pathlib import Path

import pytest

from atila.http.headers import Headers
from atila.http.request import Request
from atila.http.response import FileBody, Response
from skitai.static import FOREVER, Folder, accepted_encodings, content_type_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "digits.txt").write_text("0123456789")
    (folder / "assets" / "app-1a2b.js").write_text("export default 1")
    (folder / ".env").write_text("SECRET=1")
    (tmp_path / "outside.txt").write_text("secret")
    return folder


def get(folder: Folder, path: str, method: str = "GET", **headers: str) -> Response:
    file = folder.find(path)
    assert file is not None, path
    fields = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])
    return folder.answer(file, Request(method, f"/{path}", "", fields))


def sent(response: Response) -> bytes:
    body = response.body
    if not isinstance(body, FileBody):
        return bytes(body)
    return Path(body.path).read_bytes()[body.start : body.end]


def test_a_file_comes_with_its_type_length_and_validators(root: Path) -> None:
    response = get(Folder(root), "digits.txt")
    assert response.status == 200
    assert sent(response) == b"0123456789"
    assert response.get_header("content-type") == "text/plain; charset=utf-8"
    assert response.get_header("etag", "").startswith('"')  # type: ignore[union-attr]  # the default is text
    assert response.get_header("last-modified") == formatdate(int((root / "digits.txt").stat().st_mtime), usegmt=True)
    assert response.get_header("accept-ranges") == "bytes"
    assert response.get_header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "", ".env", "assets/../.env", "../outside.txt", "assets", "assets/", "nothing.txt", "a\0b", "..\\outside.txt",
        "/etc/passwd", "//etc/passwd", "digits.txt/", "digits.txt/x", ".git/config", "assets/.hidden", "x" * 5000,
    ],
)  # fmt: skip
def test_dotfiles_folders_and_everything_outside_are_not_there(root: Path, path: str) -> None:
    assert Folder(root).find(path) is None


def test_a_link_inside_is_followed_and_one_that_leads_out_is_not(root: Path) -> None:
    (root / "inside.txt").symlink_to(root / "digits.txt")
    (root / "leak.txt").symlink_to(root.parent / "outside.txt")
    (root / "up").symlink_to(root.parent)
    folder = Folder(root)
    assert folder.find("inside.txt") is not None
    assert folder.find("leak.txt") is None
    assert folder.find("up/outside.txt") is None


def test_a_link_turned_outwards_after_it_was_served_is_refused(root: Path) -> None:
    link = root / "link.txt"
    link.symlink_to(root / "digits.txt")
    folder = Folder(root)
    assert folder.find("link.txt") is not None
    link.unlink()
    link.symlink_to(root.parent / "outside.txt")
    assert folder.find("link.txt") is None


def test_a_named_pipe_is_not_there(root: Path) -> None:
    os.mkfifo(root / "pipe.txt")
    assert Folder(root).find("pipe.txt") is None


def test_well_known_is_the_one_dot_folder_that_is_served(root: Path) -> None:
    (root / ".well-known").mkdir()
    (root / ".well-known" / "security.txt").write_text("Contact: mailto:a@b.c")
    (root / ".well-known" / ".secret").write_text("")
    folder = Folder(root)
    assert folder.find(".well-known/security.txt") is not None
    assert folder.find(".well-known/.secret") is None


def test_a_client_that_has_it_gets_304_without_a_body(root: Path) -> None:
    folder = Folder(root)
    first = get(folder, "digits.txt")
    tag, modified = first.get_header("etag") or "", first.get_header("last-modified") or ""
    for headers in ({"if_none_match": tag}, {"if_none_match": f'W/{tag}, "x"'}, {"if_modified_since": modified}):
        response = get(folder, "digits.txt", **headers)
        assert response.status == 304
        assert response.body == b""
        assert response.get_header("etag") == tag
        assert response.get_header("content-type") is None
    assert get(folder, "digits.txt", if_none_match='"other"', if_modified_since=modified).status == 200
    assert get(folder, "digits.txt", if_modified_since="no date").status == 200


def test_a_precondition_that_fails_gets_412(root: Path) -> None:
    folder = Folder(root)
    tag = get(folder, "digits.txt").get_header("etag") or ""
    assert get(folder, "digits.txt", if_match='"other"').status == 412
    assert get(folder, "digits.txt", if_match=tag).status == 200
    assert get(folder, "digits.txt", if_match="*").status == 200
    assert get(folder, "digits.txt", if_unmodified_since=formatdate(0, usegmt=True)).status == 412


@pytest.mark.parametrize(
    ("wanted", "status", "content", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-30", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=" + "9" * 6000 + "-", 200, b"0123456789", None),
    ],
)
def test_a_range_gets_its_part(root: Path, wanted: str, status: int, content: bytes, content_range: str | None) -> None:
    response = get(Folder(root), "digits.txt", range=wanted)
    assert (response.status, sent(response), response.get_header("content-range")) == (status, content, content_range)


def test_if_range_gives_the_part_only_of_the_same_version(root: Path) -> None:
    folder = Folder(root)
    whole = get(folder, "digits.txt")
    tag, modified = whole.get_header("etag") or "", whole.get_header("last-modified") or ""
    assert get(folder, "digits.txt", range="bytes=0-1", if_range=tag).status == 206
    assert get(folder, "digits.txt", range="bytes=0-1", if_range=modified).status == 206
    assert get(folder, "digits.txt", range="bytes=0-1", if_range=f"W/{tag}").status == 200
    assert get(folder, "digits.txt", range="bytes=0-1", if_range='"older"').status == 200


def test_head_ignores_ranges_and_says_the_length(root: Path) -> None:
    response = get(Folder(root), "digits.txt", "HEAD", range="bytes=0-1")
    assert response.status == 200
    assert isinstance(response.body, FileBody)
    assert response.body.length == 10


def test_a_precompressed_sibling_is_sent_to_who_takes_it(root: Path) -> None:
    (root / "digits.txt.gz").write_bytes(gzip.compress(b"0123456789"))
    (root / "digits.txt.br").write_bytes(b"brotli")
    folder = Folder(root)
    plain = get(folder, "digits.txt")
    brotli = get(folder, "digits.txt", accept_encoding="gzip, deflate, br, zstd")
    zipped = get(folder, "digits.txt", accept_encoding="gzip, br;q=0")
    assert sent(brotli) == b"brotli"
    assert brotli.get_header("content-encoding") == "br"
    assert gzip.decompress(sent(zipped)) == b"0123456789"
    assert len({response.get_header("etag") for response in (plain, brotli, zipped)}) == 3
    assert {response.get_header("vary") for response in (plain, brotli, zipped)} == {"accept-encoding"}
    assert {response.get_header("content-type") for response in (plain, brotli)} == {"text/plain; charset=utf-8"}


def test_a_sibling_older_than_its_original_is_not_sent(root: Path) -> None:
    (root / "digits.txt.gz").write_bytes(gzip.compress(b"old"))
    os.utime(root / "digits.txt.gz", (0, 0))
    assert get(Folder(root), "digits.txt", accept_encoding="gzip").get_header("content-encoding") is None


def test_hashed_assets_are_kept_for_ever_and_documents_are_asked_for(root: Path) -> None:
    folder = Folder(
        root, headers={"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff"}
    )
    assert get(folder, "assets/app-1a2b.js").get_header("cache-control") == FOREVER
    document = get(folder, "index.html")
    assert document.get_header("cache-control") == "no-cache"
    assert document.get_header("content-security-policy") == "default-src 'self'"
    assert [name for name, _ in document.headers].count("x-content-type-options") == 1
    assert get(folder, "digits.txt").get_header("content-security-policy") is None


def test_a_changed_file_is_a_new_version_at_once(root: Path) -> None:
    folder = Folder(root)
    before = get(folder, "digits.txt").get_header("etag")
    (root / "digits.txt").write_text("changed!")
    after = get(folder, "digits.txt")
    assert after.get_header("etag") != before
    assert sent(after) == b"changed!"
    (root / "digits.txt").unlink()
    assert folder.find("digits.txt") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.js", "text/javascript; charset=utf-8"), ("a.MJS", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"), ("a.svg", "image/svg+xml; charset=utf-8"), ("a.json", "application/json"),
        ("a.wasm", "application/wasm"), ("a.tar.gz", "application/gzip"), ("a.woff2", "font/woff2"),
        ("a.unheard", "application/octet-stream"), ("LICENSE", "application/octet-stream"), ("a.png", "image/png"),
    ],
)  # fmt: skip
def test_a_type_is_the_same_on_every_machine(name: str, expected: str) -> None:
    assert content_type_of(name) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [("br", {"br"}), ("*", {"br", "gzip"}), ("*;q=0", set()), ("gzip;q=0.5, br;q=0", {"gzip"}), ("identity", set()),
     ("GZIP", {"gzip"}), ("br;q=x", set()), ("", set())],
)  # fmt: skip
def test_encodings_that_a_client_takes(header: str, expected: set[str]) -> None:
    assert accepted_encodings(header) == expected
