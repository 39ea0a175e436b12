"""What a certificate bears so that anyone can verify it: the address with its code, in words and as a QR code."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from functools import lru_cache
from urllib.parse import urlsplit

import segno
from django.conf import settings
from django.urls import reverse

# 15 % of the symbol may be smudged and it still reads; segno takes a higher level where that costs no size.
ERROR_CORRECTION = "m"
# The standard's four modules of quiet zone.
QUIET_ZONE = 4
# Any mask reads back. Trying all eight takes 6 ms of the few that a certificate of a batch has; this one is what the
# trial chooses most often for our addresses (docs/decisions/0176-qr-code-on-paper.md).
MASK = 2
# Dots a module, 330 an inch on paper. Programs draw an image of so many at 100 dpi in even gray; of vectors, they fit
# lines and edges to their pixels, and zbarimg then reads a quarter of the codes.
DOTS = 8
# A module is a byte of the image, eight dots: white ones or, where it's dark, black ones.
INK = bytes.maketrans(b"\x00\x01", b"\xff\x00")
# A letter of codes, and how many bits letters have.
PLAIN, BITS = "2", 7


def verification_address(code: str) -> str:
    """Return the public address that verifies a code, in full."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('verify:code', args=[code.replace('-', '')])}"


def address_in_words() -> str:
    """Return where to type a code, as people write an address: 'portal.example.com/verify'."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.netloc}{parts.path.rstrip('/')}{reverse('verify:form')}".rstrip("/")


def qr_code(code: str) -> str:
    """Return the QR code of a code's address as a data URL of a black and white PNG."""
    modules, side = _symbol(verification_address(code), code.replace("-", ""))
    light = b"\xff" * QUIET_ZONE
    rows = [light + modules[at : at + side].translate(INK) + light for at in range(0, side * side, side)]
    quiet = [b"\xff" * len(rows[0])] * QUIET_ZONE
    # A line of dots is its filter (none) and its bytes; equal lines follow each other, so zlib makes little of them.
    dots = b"".join((b"\0" + row) * DOTS for row in (*quiet, *rows, *quiet))
    size = len(rows[0]) * DOTS
    # One bit a dot, gray.
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(6, strategy=zlib.Z_FILTERED)
    chunks = ((b"IHDR", header), (b"IDAT", packer.compress(dots) + packer.flush()), (b"IEND", b""))
    image = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _symbol(address: str, code: str) -> tuple[bytes, int]:
    """Return the modules of an address with a code, a byte each (1: dark), and how many are in a row.

    With the same mask, each bit of a text turns the same modules over whatever the others are: the code's correction is
    linear (ISO/IEC 18004). So segno draws one address, and one for each bit of a code, and any other is their sum.
    """
    before, _, after = address.rpartition(code)
    drawn, bits = _bits(before, after, len(code))
    for place, letter in enumerate(code):
        turned = ord(letter) ^ ord(PLAIN)
        for bit, modules in enumerate(bits[place]):
            if turned >> bit & 1:
                drawn ^= modules
    side = math.isqrt(drawn.bit_length() // 8 + 1)
    return drawn.to_bytes(side * side, "big"), side


@lru_cache(maxsize=8)
def _bits(before: str, after: str, length: int) -> tuple[int, list[list[int]]]:
    """Return the modules of an address with a plain code, and for each place those that each bit turns over."""

    def draw(code: str) -> int:
        # The mode is said, or segno would choose it by the letters.
        address = f"{before}{code}{after}"
        symbol = segno.make(address, error=ERROR_CORRECTION, mask=MASK, micro=False, mode="byte")
        return int.from_bytes(b"".join(map(bytes, symbol.matrix)), "big")

    plain = draw(PLAIN * length)
    turned = [chr(ord(PLAIN) ^ 1 << bit) for bit in range(BITS)]
    return plain, [
        [plain ^ draw(PLAIN * place + other + PLAIN * (length - place - 1)) for other in turned]
        for place in range(length)
    ]
