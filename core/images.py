"""Images for documents: checked by their content and rewritten before they're stored."""

from __future__ import annotations

import io
import zlib

from PIL import Image, UnidentifiedImageError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_BYTES = 1024 * 1024
MOST_PIXELS = 4_000_000
# Printed a few centimeters wide: more pixels would only cost time on every page.
PRINTED_AT_MOST = (640, 200)


class ImageRefusedError(ValueError):
    """The image can't be used; the message says why."""


def clean_png(data: bytes) -> bytes:
    """Return the PNG image in `data` at most 640 × 200 pixels large, rewritten with nothing but its pixels.

    The content counts, not the file's name. The same image gives the same bytes. Raises `ImageRefusedError`.
    """
    if len(data) > MOST_BYTES:
        raise ImageRefusedError("The image is larger than 1 MB.")
    if not _is_whole(data):
        raise ImageRefusedError("The file isn’t a PNG image, or it is damaged.")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ImageRefusedError("The image has more than 4 million pixels.")
            pixels = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ImageRefusedError("The file isn’t a PNG image, or it is damaged.") from error
    pixels.thumbnail(PRINTED_AT_MOST)
    if pixels.getchannel("A").getextrema()[1] == 0:
        raise ImageRefusedError("The image is empty.")
    written = io.BytesIO()
    pixels.save(written, format="PNG", optimize=True)
    return written.getvalue()


def _is_whole(data: bytes) -> bool:
    """Whether `data` is a complete, undamaged PNG. Pillow can't tell: WeasyPrint makes it read damaged images too, for
    the whole process."""
    position = len(PNG_SIGNATURE)
    while data.startswith(PNG_SIGNATURE) and position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4])
        chunk = data[position + 4 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        if zlib.crc32(chunk).to_bytes(4) != checksum:
            return False
        if chunk[:4] == b"IEND":
            return True
        position += 12 + length
    return False
