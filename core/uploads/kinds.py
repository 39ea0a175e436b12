"""The kinds of files that the portal takes, and what a file's first bytes say it is."""

from __future__ import annotations

import re

import puremagic
from django.db import models

# Browsers and viewers look for their mark in about so many bytes at a file's start.
HEAD = 1024
PDF_MARK = b"%PDF-"
ZIP_MARK = b"PK\x03\x04"
# Word and Excel before 2007, and today's with a password.
OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HTML = re.compile(rb"<\s*(!doctype\s+html|html|head|body|script|iframe)\b", re.IGNORECASE)
SVG = re.compile(rb"<\s*svg\b", re.IGNORECASE)
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
ALLOWED = "Send PDF, JPG, PNG, HEIC, DOCX, or XLSX."


class Kind(models.TextChoices):
    """What a file can be. The value is the extension that a download gets."""

    PDF = "pdf", "PDF"
    JPG = "jpg", "JPG image"
    PNG = "png", "PNG image"
    HEIC = "heic", "HEIC image"
    DOCX = "docx", "Word document"
    XLSX = "xlsx", "Excel workbook"


ACCEPT = ",".join(f".{kind}" for kind in (*Kind.values, "jpeg", "heif"))
# How other files are called in a refusal, by the extensions that `puremagic` gives.
OTHERS = {
    ".exe": "a Windows program",
    ".elf": "a program",
    ".gif": "a GIF image",
    ".webp": "a WebP image",
    ".tif": "a TIFF image",
    ".tiff": "a TIFF image",
    ".bmp": "a BMP image",
    ".rar": "a RAR archive",
    ".7z": "a 7-Zip archive",
    ".gz": "a gzip archive",
    ".rtf": "a rich text document",
    ".mp4": "a video",
    ".mov": "a video",
    ".xml": "an XML file",
}


def kind_of(head: bytes) -> Kind | None:
    """Return the kind of a file by its first bytes; None for a ZIP archive, which only its contents tell apart, and for
    everything that isn't taken."""
    if head.startswith(PDF_MARK):
        return Kind.PDF
    if head.startswith(b"\xff\xd8\xff"):
        return Kind.JPG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        return Kind.HEIC
    return None


def name_of_other(head: bytes) -> str:
    """Return what a file that isn't taken seems to be, with its article."""
    if SVG.search(head):
        return "an SVG drawing, which can carry a program"
    if HTML.search(head):
        return "a web page (HTML)"
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        found = []
    return next((OTHERS[match.extension] for match in found if match.extension in OTHERS), "another kind of file")
