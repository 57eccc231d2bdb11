"""Uploaded pictures: told by content, checked by decoding, freed of their position without a second encoding."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import ExifTags, Image

from app.services.photos import images
from app.services.photos.images import UnreadablePictureError, read
from tests.app.pictures import exif_with_position, picture

XMP = b"<x:xmpmeta><exif:GPSLatitude>47,11N</exif:GPSLatitude></x:xmpmeta>"


@pytest.mark.parametrize(
    ("kind", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_the_three_formats_are_taken_and_get_a_webp_thumbnail(kind: str, content_type: str) -> None:
    found = read(picture(kind, (1000, 500)))
    assert (found.content_type, found.width, found.height) == (content_type, 1000, 500)
    with Image.open(io.BytesIO(found.thumbnail)) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (480, 240))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_position_is_removed_and_the_rest_kept(kind: str) -> None:
    data = picture(kind, (100, 50), exif=exif_with_position().tobytes(), xmp=XMP)
    found = read(data)
    with Image.open(io.BytesIO(found.original)) as stored:
        exif = stored.getexif()
        assert exif[ExifTags.Base.Make] == "Fernrohr"
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2026:05:01 10:00:00"
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
        with Image.open(io.BytesIO(data)) as sent:
            assert stored.tobytes() == sent.tobytes()
    assert b"GPS" not in found.original
    assert b"secret place" not in found.original


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_thumbnail_is_upright_and_the_size_is_the_shown_one(kind: str) -> None:
    found = read(picture(kind, (100, 50), exif=exif_with_position(orientation=6).tobytes()))
    assert (found.width, found.height) == (50, 100)
    with Image.open(io.BytesIO(found.thumbnail)) as thumbnail:
        assert thumbnail.size == (50, 100)
        assert not thumbnail.getexif()
    with Image.open(io.BytesIO(found.original)) as stored:
        assert stored.getexif()[ExifTags.Base.Orientation] == 6


def test_a_film_behind_the_picture_goes() -> None:
    data = picture("JPEG", progressive=True, quality=90)
    assert read(data + b"ftypmp42 and a position").original == data


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_exif_that_nobody_can_read_goes() -> None:
    data = picture("JPEG")
    block = b"Exif\x00\x00II*\x00\xff\xff\xff\x00"
    odd = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    assert b"Exif" not in read(odd).original[:8]


def test_a_text_file_named_jpg_is_told_apart() -> None:
    with pytest.raises(UnreadablePictureError, match="not a JPEG, PNG or WebP picture"):
        read(b"Dear diary, this is not a picture.")


def test_a_gif_is_not_taken() -> None:
    with pytest.raises(UnreadablePictureError, match="not a JPEG, PNG or WebP picture"):
        read(picture("GIF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_half_a_picture_is_refused(kind: str) -> None:
    whole = picture(kind, (300, 300))
    for share in (0.02, 0.3, 0.5, 0.9):
        with pytest.raises(UnreadablePictureError, match="damaged or incomplete"):
            read(whole[: max(12, int(len(whole) * share))])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_too_many_pixels_are_refused_before_they_are_decoded(kind: str) -> None:
    with pytest.raises(UnreadablePictureError, match="1001 x 1000 pixels"):
        read(picture(kind, (1001, 1000)), max_pixels=1_000_000)


def test_a_tiny_file_that_claims_to_be_huge_is_refused() -> None:
    header = struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(UnreadablePictureError, match="65000 x 65000 pixels"):
        read(bomb + picture("PNG")[33:])


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16", "1"])
def test_other_colour_modes_get_a_thumbnail_too(mode: str) -> None:
    target = io.BytesIO()
    Image.new(mode, (20, 10)).save(target, "JPEG" if mode == "CMYK" else "PNG")
    assert read(target.getvalue()).thumbnail.startswith(b"RIFF")


def test_transparency_survives_in_the_thumbnail() -> None:
    target = io.BytesIO()
    Image.new("RGBA", (20, 10), (255, 0, 0, 0)).save(target, "PNG")
    with Image.open(io.BytesIO(images.read(target.getvalue()).thumbnail)) as thumbnail:
        assert thumbnail.mode == "RGBA"
