"""Many certificates at once: as one PDF with an outline and a cover list, or as a ZIP of separate PDFs.

Both write as they go, so that memory doesn't grow with the number of certificates.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from django.utils import timezone

from core.pdf.fast import Made
from core.pdf.setting import CantSet
from credentialing.certificates.cover import Line, cover_pages, outline_of, title_of
from credentialing.certificates.names import file_name
from credentialing.certificates.rendering import layout, made, pages_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from core.pdf.binding import Binder
    from credentialing.models import Certificate


@dataclass(frozen=True)
class Outcome:
    """What was written: how many certificates, on how many pages (the cover list's included), and how many of them
    had to be laid out the plain way."""

    certificates: int
    pages: int
    plain: int = 0


def single_pdf(
    certificates: Iterable[Certificate], to: BinaryIO, *, on_progress: Callable[[int], None] | None = None
) -> Outcome:
    """Write all certificates into one PDF, in their order, with a list of them in front and an outline by insured, and
    call `on_progress` with how many are done. `to` needs no `seek`."""
    # Loads pikepdf, which web processes do without.
    from core.pdf.binding import Binder

    binder = Binder(to, layout().faces())
    lines: list[Line] = []
    plain = 0
    for certificate in certificates:
        line, fast = bind(binder, certificate)
        lines.append(line)
        plain += not fast
        if on_progress:
            on_progress(len(lines))
    return Outcome(certificates=len(lines), pages=close(binder, lines), plain=plain)


def bind(binder: Binder, certificate: Certificate) -> tuple[Line, bool]:
    """Add a certificate to a PDF. Return its line in the list, and whether it was set from pieces."""
    press = layout()
    title = f"{certificate.insured_name}, {certificate.serial}"
    number = binder.pages + 1
    candidates = pages_of(certificate)
    try:
        page, fast = binder.add(press.compose(candidates), title=title), True
    except CantSet as refusal:
        press.count_plain(refusal)
        page, fast = binder.add_whole(press.render(candidates()), title=title), False
    else:
        press.count_fast()
    return Line.of(certificate, number=number, page=page), fast


def close(binder: Binder, lines: Sequence[Line]) -> int:
    """Write the list in front, the outline, and the rest of a PDF. Return how many pages it has."""
    created = timezone.now()
    return binder.close(
        cover_pages(lines, created=created),
        outline=outline_of(lines),
        metadata={"title": title_of(lines), "lang": "en-US", "dcterms.created": created.isoformat()},
    )


def zip_of(
    certificates: Iterable[Certificate],
    to: BinaryIO,
    *,
    on_progress: Callable[[int], None] | None = None,
    pdf_of: Callable[[Certificate], bytes] | None = None,
) -> Outcome:
    """Write each certificate as a PDF of its own into a ZIP, in their order, and call `on_progress` with how many are
    done. `to` needs no `seek`. `pdf_of`: where the PDFs come from, if they are made already; each counts as a
    page then."""
    count = pages = plain = 0
    # Pages are compressed already.
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for certificate in certificates:
            entry = zipfile.ZipInfo(file_name(certificate), certificate.issued_at.timetuple()[:6])
            entry.external_attr = 0o644 << 16
            pdf = Made(pdf_of(certificate), pages=1, fast=True) if pdf_of else made(certificate)
            archive.writestr(entry, pdf.content)
            count += 1
            pages += pdf.pages
            plain += not pdf.fast
            if on_progress:
                on_progress(count)
    return Outcome(certificates=count, pages=pages, plain=plain)
