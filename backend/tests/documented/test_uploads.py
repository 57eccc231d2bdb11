"""Chapter 14: uploaded files."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from atila import Atila, Upload, Was
from tests.documented.conftest import ClientOf

FORM = '<form enctype="multipart/form-data" method="post"><input type="file" name="file"></form>'


@pytest.fixture
def app(tmp_path: Path) -> Atila:
    """An app that saves what it gets as the query says, and tells what it was."""
    app = Atila("tests")
    app.config.upload_memory_size = 100

    @app.route("/upload")
    def upload(was: Was, **form: Any) -> object:
        if was.request.command == "get":
            return FORM
        file = form.pop("file")
        before = file.path
        options = {key: form[key] for key in ("name", "dup") if key in form}
        path = file.save(tmp_path / form.get("into", "."), mkdir="mkdir" in form, **options)
        return was.API(
            name=file.name,
            size=file.size,
            mimetype=file.mimetype,
            before=before,
            path=path,
            after=file.path,
            kind=repr(file),
        )

    return app


@pytest.mark.row("14.9", "14.11", "14.12")
def test_a_file_has_a_name_a_size_and_a_type(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    client = client_of(app)
    assert client.get("/upload").text == FORM
    data = client.upload("/upload", {"file": ("a.txt", b"content"), "hidden": "Genious"}).data
    assert (data["name"], data["size"], data["mimetype"], data["before"]) == ("a.txt", 7, "text/plain", None)
    assert data["path"] == data["after"] == f"{tmp_path}/a.txt" or data["path"].endswith("/a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"content"
    assert data["kind"] == "Upload('a.txt', 7 bytes, text/plain)"


@pytest.mark.row("14.9", "14.11")
def test_a_large_file_lies_in_a_temporary_one_until_the_request_ends(
    app: Atila, client_of: ClientOf, tmp_path: Path
) -> None:
    data = client_of(app).upload("/upload", {"file": ("b.bin", b"x" * 5000)}).data
    assert data["before"]
    assert not os.path.exists(data["before"])
    assert (tmp_path / "b.bin").read_bytes() == b"x" * 5000


@pytest.mark.row("14.10")
def test_a_name_that_is_taken_gets_a_number_or_is_overwritten(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    client = client_of(app)
    for text in (b"0", b"1", b"2"):
        assert client.upload("/upload", {"file": ("a.txt", text)}).status_code == 200
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.txt": "0",
        "a.1.txt": "1",
        "a.2.txt": "2",
    }
    client.upload("/upload", {"file": ("a.txt", b"new"), "dup": "o"})
    assert (tmp_path / "a.txt").read_text() == "new"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.row("14.10")
@pytest.mark.parametrize("dup", ["u", "o"])
def test_saved_files_have_the_usual_rights(app: Atila, client_of: ClientOf, tmp_path: Path, dup: str) -> None:
    (tmp_path / "own").write_text("")
    client_of(app).upload("/upload", {"file": ("a.txt", b"0"), "dup": dup})
    usual, saved = ((tmp_path / name).stat().st_mode for name in ("own", "a.txt"))
    assert stat.S_IMODE(saved) == stat.S_IMODE(usual)


@pytest.mark.row("14.9")
def test_name_and_mkdir(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    client = client_of(app)
    fields = {"file": ("a.txt", b"0"), "name": "other.md", "into": "deep/er"}
    assert client.upload("/upload", fields).status_code == 500  # the folder is missing
    assert client.upload("/upload", {**fields, "mkdir": "1"}).status_code == 200
    assert (tmp_path / "deep/er/other.md").read_bytes() == b"0"
    assert client.upload("/upload", {"file": ("a.txt", b"0"), "dup": "x"}).status_code == 500
    assert not (tmp_path / "a.txt").exists()


@pytest.mark.row("14.9")
@pytest.mark.parametrize(("sent", "kept"), [
    ("../../etc/passwd", "passwd"), ("C:\\folder\\a.txt", "a.txt"), ("..", "unnamed"), ("a\x00b", "a_b"),
    ("", "unnamed"),
    (".hidden", "hidden"), ("a:b*c?.txt", "a_b_c_.txt"), ("é.txt", "é.txt"), ("é" * 300 + ".jpeg", "é" * 97 + ".jpeg"),
    ("/", "unnamed"), ("a b .txt ", "a b .txt"), ("x." + "s" * 300, "x." + "s" * 49),
])  # fmt: skip
def test_no_name_leaves_the_folder(tmp_path: Path, sent: str, kept: str) -> None:
    upload = Upload(io.BytesIO(b"x"), sent, 1, "text/plain")
    assert upload.name == kept
    assert Path(upload.save(tmp_path)).parent == tmp_path
    assert Path(upload.save(tmp_path, name=sent)).parent == tmp_path  # a name given to save is cleaned as well
    assert Path(upload.save(tmp_path, name=f"../{kept}", dup="o")) == tmp_path / kept


@pytest.mark.row("14.9")
def test_read_and_remove(app: Atila, client_of: ClientOf, tmp_path: Path) -> None:
    seen: dict[str, object] = {}

    @app.route("/read", methods=["POST"])
    def read(was: Was, file: Any) -> str:
        seen["start"], seen["rest"] = file.read(3), file.read()
        path = file.save(tmp_path)
        file.remove()
        file.remove()
        seen["left"] = os.path.exists(path)
        return "x"

    assert client_of(app).upload("/read", {"file": ("a.txt", b"content")}).status_code == 200
    assert seen == {"start": b"con", "rest": b"tent", "left": False}


@pytest.mark.row("14.9")
def test_several_files_of_one_name_are_a_list(app: Atila, client_of: ClientOf) -> None:
    @app.route("/several", methods=["POST"])
    def several(was: Was, file: Any) -> object:
        return was.API(names=[item.name for item in file])

    answer = client_of(app).post("/several", files={"file": [("a.txt", b"a"), ("b.txt", b"b")]})
    assert answer.data == {"names": ["a.txt", "b.txt"]}


@pytest.mark.row("14.9")
def test_nothing_half_saved(tmp_path: Path) -> None:
    class Broken:
        """A file that cannot be read to its end."""

        def seek(self, place: int) -> None: ...
        def read(self, size: int) -> bytes:
            raise OSError("the disk is gone")

    for dup in ("u", "o"):
        with pytest.raises(OSError, match="gone"):
            Upload(Broken(), "a.txt", 1, "text/plain").save(tmp_path, dup=dup)  # type: ignore[arg-type]  # a broken one
    assert list(tmp_path.iterdir()) == []


@pytest.mark.row("14.9", "1.22")
def test_a_file_over_the_limit_is_refused(app: Atila, client_of: ClientOf) -> None:
    app.config.max_upload_file_size = 1000
    answer = client_of(app).upload("/upload", {"file": ("a.bin", b"x" * 2000)})
    assert (answer.status_code, answer.data["code"]) == (413, 41300)


@pytest.mark.row("14.9")
@pytest.mark.parametrize("body", [
    b"--x\r\n", b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf', b"nonsense",
    b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n",
])  # fmt: skip
def test_a_form_that_is_cut_off_or_malformed_is_400(app: Atila, client_of: ClientOf, body: bytes) -> None:
    answer = client_of(app).post("/upload", body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.data["message"]) == (400, "bad request")
