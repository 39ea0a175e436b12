"""PDF files that come with the carrier's feed: judged, and kept in the private storage under their digests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.core.files.base import File

from core.feedspec import Take, Taken
from core.pdf.checking import PdfChecker
from core.storage import keep_once

CONTENT_TYPE = "application/pdf"
# The faults of `PdfChecker`, as warnings about the row that names such a file.
FAULTS = {
    "broken": "The file is damaged or isn't a PDF; customers can't open it.",
    "encrypted": "The PDF is locked with a password; customers can't open it.",
}


@contextmanager
def pdf_taker(folder: str) -> Iterator[Take]:
    """Open what takes PDF files into a folder of the private storage: `folder/ab/abcd….pdf`."""
    with PdfChecker() as checker:
        yield partial(_take, checker, folder)


def _take(checker: PdfChecker, folder: str, local: Path, sha256: str, *, keep: bool) -> Taken:
    size = local.stat().st_size
    checked = checker.check(local)
    if checked.fault:
        return Taken(size=size, fault=checked.fault)
    name = f"{folder}/{sha256[:2]}/{sha256}.pdf"
    if keep:
        with local.open("rb") as stream:
            keep_once(name, File(stream))
    return Taken(name=name, size=size, pages=checked.pages, content_type=CONTENT_TYPE)
