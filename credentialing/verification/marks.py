"""What a certificate bears so that anyone can verify it: the address with its code, in words and as a QR code."""

from __future__ import annotations

import base64
import io
from urllib.parse import urlsplit

import segno
from django.conf import settings
from django.urls import reverse
from PIL import Image

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


def verification_address(code: str) -> str:
    """Return the public address that verifies a code, in full."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('verify:code', args=[code.replace('-', '')])}"


def address_in_words() -> str:
    """Return where to type a code, as people write an address: 'portal.example.com/verify'."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.netloc}{parts.path.rstrip('/')}{reverse('verify:form')}".rstrip("/")


def qr_code(code: str) -> str:
    """Return the QR code of a code's address as a data URL of a black and white PNG."""
    symbol = segno.make(verification_address(code), error=ERROR_CORRECTION, mask=MASK, micro=False)
    rows = [bytes(row).translate(INK) for row in symbol.matrix_iter(border=QUIET_ZONE)]
    side = len(rows) * DOTS
    image = io.BytesIO()
    Image.frombytes("1", (side, side), b"".join(row * DOTS for row in rows)).save(image, "PNG")
    return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}"
