"""Multipart forms: what a client writes is what a handler gets; anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atila.errors import HTTPError
from atila.http.body import FormLimits, parse_multipart
from atila.http.uploads import Upload, clean_name
from atila.testing.forms import encode_multipart

NAMES = st.from_regex(r"[A-Za-z0-9 _.\[\]é-]{1,20}", fullmatch=True)


@settings(max_examples=50)
@given(
    st.dictionaries(NAMES, st.text(max_size=100), max_size=4),
    st.dictionaries(NAMES, st.binary(max_size=500), max_size=3),
)
def test_a_form_comes_back(fields: dict[str, str], files: dict[str, bytes]) -> None:
    fields = {name: value for name, value in fields.items() if name not in files}
    body, kind = encode_multipart(fields, {name: (f"{name}.bin", content) for name, content in files.items()})
    boundary = kind.partition("boundary=")[2]
    if not fields and not files:
        return
    found = parse_multipart(body, boundary, FormLimits(memory_size=100))
    uploads = {name: found.pop(name) for name in files}
    assert found == fields
    for name, content in files.items():
        upload = uploads[name]
        assert isinstance(upload, Upload)
        assert (upload.read(), upload.size, upload.name) == (content, len(content), clean_name(f"{name}.bin"))
        assert (upload.path is not None) == (len(content) > 100)
        upload.close()


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(noise: bytes) -> None:
    refused: set[int] = set()
    for body in (noise, b"--x\r\n" + noise, b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + noise):
        try:
            for value in parse_multipart(body, "x", FormLimits()).values():
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, Upload):
                        item.close()
        except HTTPError as error:
            refused.add(error.status.code)
    assert refused <= {400, 413}


@given(st.integers(min_value=1, max_value=200))
def test_every_cut_off_form_is_refused(cut: int) -> None:
    body, kind = encode_multipart({"a": "1"}, {"file": ("a.txt", b"content")})
    with pytest.raises(HTTPError, match="400"):
        parse_multipart(body[: max(len(body) - cut - 4, 0)], kind.partition("boundary=")[2], FormLimits())


@given(st.text(max_size=400))
def test_a_clean_name_stays_in_its_folder(name: str) -> None:
    clean = clean_name(name)
    assert clean
    assert clean not in (".", "..")
    assert not set(clean) & set('/\\\x00:*?"<>|')
    assert len(clean.encode()) <= 200


@pytest.mark.parametrize(("limits", "status"), [
    (FormLimits(fields=1), 413), (FormLimits(file_size=3), 413), (FormLimits(), 200),
])  # fmt: skip
def test_limits(limits: FormLimits, status: int) -> None:
    body, kind = encode_multipart({"a": "1"}, {"file": ("a.txt", b"content")})
    boundary = kind.partition("boundary=")[2]
    if status == 200:
        assert set(parse_multipart(body, boundary, limits)) == {"a", "file"}
        return
    with pytest.raises(HTTPError, match=str(status)):
        parse_multipart(body, boundary, limits)


@pytest.mark.parametrize(("body", "boundary"), [(b"", "x"), (b"x", None), (b"x", ""), (b"x", "x" * 5000)])
def test_a_form_without_body_or_boundary_is_refused(body: bytes, boundary: str | None) -> None:
    with pytest.raises(HTTPError, match="400"):
        parse_multipart(body, boundary, FormLimits())


def test_text_that_is_not_utf_8_is_refused_and_nothing_is_left_open() -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="'
    body = head + b'f"; filename="a"\r\n\r\n' + b"y" * 600 + b"\r\n" + head + b'a"\r\n\r\n\xff\r\n--x--\r\n'
    with pytest.raises(HTTPError, match="400"):
        parse_multipart(body, "x", FormLimits(memory_size=10))
