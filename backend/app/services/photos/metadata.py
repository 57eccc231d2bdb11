"""What a picture file tells beside the picture: keeps it, but never the place where it was taken.

The files are taken apart at their container's borders (JPEG segments, PNG and RIFF chunks) and put together again, so
the picture itself is not encoded a second time. EXIF loses its GPS block and the maker's notes, which repeat it; XMP
packets and text profiles go altogether, and so does what follows the picture's end (motion photos: a film).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from PIL import ExifTags, Image

EXIF_START = b"Exif\x00\x00"
XMP_STARTS = (b"http://ns.adobe.com/xap/1.0/\x00", b"http://ns.adobe.com/xmp/extension/\x00")
MAKER_NOTE = 0x927C
APP1, SOS, EOI = 0xE1, 0xDA, 0xD9
# The next marker in entropy-coded data: FF, but neither a stuffed FF nor a restart nor fill bytes.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
PNG_PROFILES = (b"Raw profile type", b"XML:com.adobe.xmp")
VP8X_HAS_XMP, VP8X_HAS_EXIF = 0x04, 0x08


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; from 5 on width and height change places when the picture is shown."""
    value = image.getexif().get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def clean_jpeg(data: bytes) -> bytes:
    """A JPEG file without position. Raises ValueError when its segments do not add up."""
    kept = [data[:2]]
    for marker, segment, payload in jpeg_segments(data):
        if marker == APP1 and payload.startswith(EXIF_START):
            kept.append(jpeg_exif(payload))
        elif not (marker == APP1 and payload.startswith(XMP_STARTS)):
            kept.append(segment)
    return b"".join(kept)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, whole segment and payload of each part up to the end of the picture (EOI)."""
    at = 2
    while at + 4 <= len(data) or data[at : at + 2] == b"\xff\xd9":
        if data[at] != 0xFF:
            raise ValueError("a JPEG marker is missing")
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == EOI:
            yield marker, data[at : at + 2], b""
            return
        end = at + 2 + int(struct.unpack_from(">H", data, at + 2)[0])
        if end > len(data):
            raise ValueError("a JPEG segment ends too early")
        stop = scan_end(data, end) if marker == SOS else end
        yield marker, data[at:stop], data[at + 4 : end]
        at = stop
    raise ValueError("the JPEG file has no end")


def scan_end(data: bytes, start: int) -> int:
    found = MARKER.search(data, start)
    if found is None:
        raise ValueError("the JPEG file has no end")
    return found.start()


def jpeg_exif(payload: bytes) -> bytes:
    block = clean_exif(payload)
    if block is None or len(block) + 2 > 0xFFFF:
        return b""
    return b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block


def clean_exif(block: bytes) -> bytes | None:
    """An EXIF block (it begins with `Exif`) without position, or None when it cannot be understood and must go."""
    exif = Image.Exif()
    try:
        exif.load(block)
        exif.pop(ExifTags.IFD.GPSInfo, None)
        exif.get_ifd(ExifTags.IFD.GPSInfo).clear()
        exif.get_ifd(ExifTags.IFD.Exif).pop(MAKER_NOTE, None)
        return exif.tobytes()
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error):
        return None


def clean_png(data: bytes) -> bytes:
    """A PNG file without position. Raises ValueError when its chunks do not add up."""
    kept = [data[:8]]
    for kind, chunk, payload in png_chunks(data):
        if kind == b"eXIf":
            kept.append(png_exif(payload))
        elif not (kind in PNG_TEXTS and payload.startswith(PNG_PROFILES)):
            kept.append(chunk)
    return b"".join(kept)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        yield kind, data[at:end], data[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end
    raise ValueError("the PNG file has no end")


def png_exif(payload: bytes) -> bytes:
    block = clean_exif(EXIF_START + payload)
    if block is None:
        return b""
    body = b"eXIf" + block.removeprefix(EXIF_START)
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def clean_webp(data: bytes) -> bytes:
    """A WebP file without position. Raises ValueError when its chunks do not add up."""
    kept = [cleaned for kind, payload in webp_chunks(data) if (cleaned := clean_webp_chunk(kind, payload))]
    has_exif = any(chunk.startswith(b"EXIF") for chunk in kept)
    body = b"WEBP" + b"".join(webp_flags(chunk, has_exif) for chunk in kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def clean_webp_chunk(kind: bytes, payload: bytes) -> bytes:
    if kind == b"XMP ":
        return b""
    if kind != b"EXIF":
        return webp_chunk(kind, payload)
    block = clean_exif(EXIF_START + payload.removeprefix(EXIF_START))
    return webp_chunk(kind, block.removeprefix(EXIF_START)) if block else b""


def webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and payload of each chunk. Format: developers.google.com/speed/webp/docs/riff_container."""
    stop = 8 + int(struct.unpack_from("<I", data, 4)[0])
    if stop > len(data):
        raise ValueError("the WebP file ends too early")
    at = 12
    while at + 8 <= stop:
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > stop:
            raise ValueError("a WebP chunk ends too early")
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def webp_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + struct.pack("<I", len(payload)) + payload + b"\x00" * (len(payload) % 2)


def webp_flags(chunk: bytes, has_exif: bool) -> bytes:
    """The extended header says which other chunks follow: XMP never does now, EXIF perhaps."""
    if chunk[:4] != b"VP8X":
        return chunk
    flags = chunk[8] & ~VP8X_HAS_XMP & ~VP8X_HAS_EXIF | (VP8X_HAS_EXIF if has_exif else 0)
    return chunk[:8] + bytes([flags]) + chunk[9:]
