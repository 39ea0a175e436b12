"""Many certificates at once: as one PDF with an outline and a cover list, or as a ZIP of separate PDFs.

Both write as they go, so that memory doesn't grow with the number of certificates.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import pikepdf

from credentialing.certificates.names import file_name, sort_name
from credentialing.certificates.rendering import certificate_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from credentialing.models import Certificate


@dataclass(frozen=True)
class Outcome:
    """What was written: how many certificates, on how many pages (the cover list's included), and how many of them
    had to be laid out the plain way."""

    certificates: int
    pages: int
    plain: int = 0


def zip_of(
    certificates: Iterable[Certificate],
    to: BinaryIO,
    *,
    on_progress: Callable[[int], None] | None = None,
    pdf_of: Callable[[Certificate], bytes] | None = None,
) -> Outcome:
    """Write each certificate as a PDF of its own into a ZIP, in their order, and call `on_progress` with how many are
    done. `to` needs no `seek`. `pdf_of`: where the PDFs come from, if they are made already."""
    count = 0
    # Pages are compressed already.
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for certificate in certificates:
            entry = zipfile.ZipInfo(file_name(certificate), certificate.issued_at.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, (pdf_of or certificate_pdf)(certificate))
            count += 1
            if on_progress:
                on_progress(count)
    return Outcome(certificates=count, pages=count)


def single_pdf(
    certificates: Iterable[Certificate], to: BinaryIO, *, on_progress: Callable[[int], None] | None = None
) -> Outcome:
    """Write all certificates into one PDF, in their order, with an outline by insured, and call `on_progress` with how
    many are done."""
    count = 0
    with pikepdf.new() as whole:
        with whole.open_outline() as outline:
            for certificate in certificates:
                with pikepdf.open(io.BytesIO(certificate_pdf(certificate))) as one:
                    first = len(whole.pages)
                    whole.pages.extend(one.pages)
                outline.root.append(pikepdf.OutlineItem(sort_name(certificate.snapshot), first))
                count += 1
                if on_progress:
                    on_progress(count)
        pages = len(whole.pages)
        whole.save(to)
    return Outcome(certificates=count, pages=pages)
