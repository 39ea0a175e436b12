"""A small PDF writer for the example's documents: pages of plain text in the standard fonts, always the same bytes."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

# Letters that no accent explains, for fonts with Latin characters only.
_PLAIN = str.maketrans({"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ğ": "g", "Ğ": "G"})
WIDTH, HEIGHT, LEFT, TOP = 612, 792, 72, 720
LINE, MOST_LINES, MOST_LETTERS = 16, 40, 84


class Line(NamedTuple):
    """A line of text; a heading is larger and bold."""

    text: str
    heading: bool = False


def pdf(title: str, lines: Sequence[Line]) -> bytes:
    """Return a PDF with the lines, wrapped and divided into pages; its title is shown by viewers."""
    wrapped = [Line(part, line.heading) for line in lines for part in textwrap.wrap(line.text, MOST_LETTERS) or [""]]
    pages = [wrapped[start : start + MOST_LINES] for start in range(0, max(1, len(wrapped)), MOST_LINES)]
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en-US) /ViewerPreferences << /DisplayDocTitle true >> >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = _content(page, number + 1, len(pages))
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {6 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects.append(b"<< /Title %s >>" % _string(title))
    return _file(objects)


def _content(page: Sequence[Line], number: int, count: int) -> bytes:
    """Return a page's drawing instructions."""
    parts = [b"BT", b"%d %d Td" % (LEFT, TOP), b"%d TL" % LINE]
    for line in page:
        parts.append(b"/F2 14 Tf" if line.heading else b"/F1 11 Tf")
        parts.append(_string(line.text) + b" Tj T*")
    parts.append(b"ET")
    parts.append(b"BT /F1 9 Tf %d 40 Td (Page %d of %d) Tj ET" % (LEFT, number, count))
    return b"\n".join(parts)


def _string(text: str) -> bytes:
    """Return a text as a PDF string in the fonts' encoding."""
    letters = bytearray()
    for letter in text.translate(_PLAIN):
        try:
            letters += letter.encode("cp1252")
        except UnicodeEncodeError:
            base = unicodedata.normalize("NFKD", letter)[0]
            letters += base.encode("cp1252", "replace")
    escaped = bytes(letters).replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"(" + escaped + b")"


def _file(objects: Sequence[bytes]) -> bytes:
    """Return the file of these objects, numbered from 1; the first is the catalog, the last the information."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)
