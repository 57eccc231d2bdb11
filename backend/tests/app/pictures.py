"""Pictures for tests, drawn when they are asked for."""

from __future__ import annotations

import io
import os
from typing import Any

from PIL import ExifTags, Image

LATITUDE = (47.0, 11.0, 33.25)


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), colour: str = "teal", **save: Any) -> bytes:
    """An encoded picture of one colour."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, kind, **save)
    return target.getvalue()


def exif_with_position(orientation: int = 6) -> Image.Exif:
    """EXIF data as a telephone writes it: camera, orientation, time, maker's notes and the place."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Fernrohr"
    exif[ExifTags.Base.Orientation] = orientation
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2026:05:01 10:00:00"
    details[ExifTags.Base.MakerNote] = b"secret place 47.19"
    position = exif.get_ifd(ExifTags.IFD.GPSInfo)
    position[ExifTags.GPS.GPSLatitudeRef] = "N"
    position[ExifTags.GPS.GPSLatitude] = LATITUDE
    return exif


def noise(side: int) -> bytes:
    """A PNG file of about 3 * side * side bytes, since noise does not compress."""
    target = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(target, "PNG", compress_level=1)
    return target.getvalue()
