"""Pictures that people send: checked by decoding, freed of their position, made into thumbnails."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.services.photos import metadata

MAX_PIXELS = 50_000_000  # width x height of the largest picture taken
THUMBNAIL_SIDE = 480  # pixels of a thumbnail's longer side
ICC_LIMIT = 8192  # bytes of a colour profile that a thumbnail still carries along

# What Pillow raises for files that are not what they say, besides OSError.
BROKEN = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, struct.error, zlib.error)


class UnreadablePictureError(ValueError):
    """The bytes are no picture that this application takes; the text says why, for the person who sent it."""


@dataclass(frozen=True)
class Format:
    """One kind of picture file that is taken."""

    name: str
    content_type: str
    decoder: Callable[[io.BytesIO], ImageFile]
    clean: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Picture:
    """A decoded, cleaned picture, ready to be stored. Sizes in pixels, as shown after the file's orientation."""

    content_type: str
    width: int
    height: int
    original: bytes
    thumbnail: bytes


JPEG = Format("JPEG", "image/jpeg", JpegImageFile, metadata.clean_jpeg)
PNG = Format("PNG", "image/png", PngImageFile, metadata.clean_png)
WEBP = Format("WebP", "image/webp", WebPImageFile, metadata.clean_webp)


def read(data: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decodes a JPEG, PNG or WebP file, removes the place it was taken at, and draws its thumbnail.

    The format is told by the content, never by a name. Raises UnreadablePictureError.
    """
    kind = recognise(data)
    try:
        with kind.decoder(io.BytesIO(data)) as image:
            refuse_too_many_pixels(image.size, max_pixels)
            orientation = metadata.orientation(image)
            width, height = image.size if orientation < 5 else image.size[::-1]
            thumbnail = draw_thumbnail(image)
        original = kind.clean(data)
    except UnreadablePictureError:
        raise
    except BROKEN as error:
        raise UnreadablePictureError(f"the file is a damaged or incomplete {kind.name} picture") from error
    return Picture(kind.content_type, width, height, original, thumbnail)


def recognise(data: bytes) -> Format:
    """The format that the first bytes show."""
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    raise UnreadablePictureError("the file is not a JPEG, PNG or WebP picture")


def refuse_too_many_pixels(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise UnreadablePictureError(
            f"the picture has {width} x {height} pixels, more than the {max_pixels // 1_000_000} million that are taken"
        )


def draw_thumbnail(image: Image.Image) -> bytes:
    """A WebP picture of at most THUMBNAIL_SIDE pixels a side, upright, with the transparency of the original."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    profile = image.info.get("icc_profile") if image.mode in {"RGB", "RGBA", "P"} else None
    image.draft("RGB", (THUMBNAIL_SIDE * 2, THUMBNAIL_SIDE * 2))  # JPEG only: decode no larger than is needed
    image.load()
    upright = ImageOps.exif_transpose(image).convert(mode)
    upright.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    target = io.BytesIO()
    upright.save(
        target, "WEBP", quality=80, icc_profile=profile if profile and len(profile) <= ICC_LIMIT else b"", exif=b""
    )
    return target.getvalue()
