"""A certificate's page as HTML, and as the PDF that is sent out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string

from core.pdf import Layout, Setting
from credentialing.certificates.sheet import Sheet
from policies.signatures import read_signature

if TYPE_CHECKING:
    from credentialing.models import Certificate

# The ways to set a page, roomiest first, each with the weight (see `_weight`) up to which it is worth a trial. That
# only saves trials: whatever doesn't fit its page is set again the next way.
DENSITIES = (("roomy", 575), ("close", 1560), ("tight", 4260))


def certificate_html(certificate: Certificate) -> str:
    """The very page of a certificate, with its style sheet and the addresses of its faces: `weasyprint.HTML(string=…)`
    lays it out as the worker does."""
    return next(_settings(certificate, style=layout().standalone_css())).html


def certificate_pdf(certificate: Certificate) -> bytes:
    """The PDF of a certificate: one letter page; others for a schedule of endorsements, or of what a letter lists, only
    where the first can't hold them. The same row gives the same bytes."""
    return layout().render(_settings(certificate))


@cache
def layout() -> Layout:
    """The certificates' layout, with fonts and style sheet read once per process."""
    return Layout(render_to_string("credentialing/pdf/certificate.css"))


def _settings(certificate: Certificate, *, style: str = "") -> Iterator[Setting]:
    """The ways to set the page: as it should look, drawn together, and at last with a schedule on pages of its own."""
    sheet = Sheet(certificate.snapshot)
    images = {"mark": _mark(settings.BRAND["mark"]), "signature": _signature(sheet.company["signature"])}
    template = f"credentialing/pdf/{'letter' if sheet.is_letter else 'certificate'}.html"

    def html(density: str, *, continued: bool = False) -> str:
        context = {"c": certificate, "s": sheet, "density": density, "continued": continued, "style": style}
        return render_to_string(template, context | images)

    weight = _weight(sheet)
    for density, most in DENSITIES:
        if weight <= most:
            yield Setting(html(density), pages=1)
    yield Setting(html("roomy" if sheet.is_letter else "tight", continued=bool(sheet.endorsements or sheet.history)))


def _signature(name: str) -> str:
    """Return the signature's image as a data URL, empty without one.

    Raises FileNotFoundError where the file is gone, so that no certificate looks unsigned.
    """
    return _data_url("image/png", read_signature(name)) if name else ""


@cache
def _mark(path: str) -> str:
    """Return the brand's mark as a data URL, empty without one. Raises KeyError for other files than SVG and PNG."""
    if not path:
        return ""
    mark = Path(path)
    return _data_url({".svg": "image/svg+xml", ".png": "image/png"}[mark.suffix.lower()], mark.read_bytes())


def _data_url(content_type: str, image: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(image).decode()}"


def _weight(sheet: Sheet) -> int:
    """Roughly how many characters of variable text the page has to hold; a block that a page may lack weighs by its
    lines."""
    names = [sheet.insured["name"], sheet.named_insured["name"], *sheet.named_insured["address"]]
    if sheet.holder:
        names += [sheet.holder["name"], *sheet.holder["address"]]
    if sheet.is_letter:
        rows = sum(60 + len(entry.fund + entry.fund_limits) for entry in sheet.history)
        return sum(len(text) for text in names) + 130 * len(sheet.tails) + rows
    # Endorsements come with a heading and a note: a single one is what a roomy page can't hold any more.
    blocks = 2 * len(sheet.notices) + 2 * bool(sheet.coverage.fund) + len(sheet.tails) + 3 * bool(sheet.endorsements)
    return (
        sum(len(text) for text in names)
        + sum(max(len(text), 40) for text in sheet.endorsements)
        + 130 * blocks
        + 150 * sheet.own_period
    )
