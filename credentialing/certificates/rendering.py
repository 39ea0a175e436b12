"""A certificate's page as HTML and as PDF."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.template.loader import render_to_string

from core.pdf import Candidate
from core.pdf.fast import FastLayout, Made
from core.pdf.fonts import SERIF
from core.pdf.signing import sealer
from credentialing.certificates.numbers import new_verification_code
from credentialing.certificates.sheet import Sheet
from credentialing.verification.marks import address_in_words, qr_code
from policies.signatures import read_signature

if TYPE_CHECKING:
    from credentialing.models import Certificate

logger = structlog.get_logger(__name__)

IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
# US letter in points, as the style sheet has it.
LETTER = (612.0, 792.0)
# The face of headings, and what most of them say.
HEADINGS = {(SERIF, 400): "Certificate of Insurance"}
# The densities of a page, roomiest first, each with the weight (see `_weight`) up to which it is worth a try. That only
# saves tries: a page that doesn't fit is set again in the next density.
DENSITIES = (("roomy", 575), ("close", 1560), ("tight", 4260))


def certificate_html(certificate: Certificate) -> str:
    """Return a certificate's page with its style sheet and the addresses of its faces.

    `weasyprint.HTML(string=…)` lays it out as the worker does.
    """
    return next(_candidates(certificate, style=layout().standalone_css())).html


def certificate_pdf(certificate: Certificate) -> bytes:
    """Return the PDF of a certificate. The same row gives the same bytes.

    It is one letter-size page; a schedule of endorsements or of past coverage gets more only where the first is full.
    """
    return made(certificate).content


def made(certificate: Certificate) -> Made:
    """Return the same, with how it was made: signed where a key is configured."""
    paper = layout().make(pages_of(certificate))
    seal = sealer()
    if seal is None:
        return paper
    return replace(paper, content=seal.sign(paper.content, at=certificate.issued_at))


def pages_of(certificate: Certificate) -> Callable[[], Iterator[Candidate]]:
    """Return what yields the certificate's candidates, for `FastLayout`."""
    return partial(_candidates, certificate)


@cache
def layout() -> FastLayout:
    """Return the certificates' layout, with fonts and style sheet read once per process."""
    return FastLayout(render_to_string("credentialing/pdf/certificate.css"), page=LETTER, few=HEADINGS)


def warm_up() -> None:
    """Do what is done once per process, so that its first certificate is as fast as the next."""
    layout().warm_up()
    qr_code(new_verification_code())


def learn(certificates: Iterable[Certificate]) -> int:
    """Set some certificates, the latest for example, and throw the pages away: what they say is known to the process
    then, and those like them are set in milliseconds. Return how many it set.

    One that can't be set is left to the worker that somebody waits for, which says so.
    """
    known = 0
    for certificate in certificates:
        try:
            layout().make(pages_of(certificate))
        except Exception:
            logger.warning("certificate_not_learned", certificate=certificate.pk, exc_info=True)
        else:
            known += 1
    return known


def _candidates(certificate: Certificate, *, style: str = "") -> Iterator[Candidate]:
    """Yield the page in each density, and at last with its schedule on pages of its own."""
    sheet = Sheet(certificate.snapshot)
    images = {
        "mark": _mark(settings.BRAND["mark"]),
        "signature": _signature(sheet.company["signature"]),
        "qr": qr_code(certificate.verification_code),
        "verify_at": address_in_words(),
    }
    template = f"credentialing/pdf/{'letter' if sheet.is_letter else 'certificate'}.html"

    def html(density: str, *, continued: bool = False) -> str:
        context = {"c": certificate, "s": sheet, "density": density, "continued": continued, "style": style}
        return render_to_string(template, context | images)

    weight = _weight(sheet)
    for density, most in DENSITIES:
        if weight <= most:
            # Letters say everything in sentences: hardly two have a line in common.
            yield Candidate(html(density), pages=1, whole=sheet.is_letter)
    yield Candidate(html("roomy" if sheet.is_letter else "tight", continued=bool(sheet.endorsements or sheet.history)))


def _signature(name: str) -> str:
    """Return the signature's image as a data URL, empty without one.

    Raises FileNotFoundError where the file is gone, so that no certificate looks unsigned.
    """
    return _data_url(IMAGE_TYPES[Path(name).suffix], read_signature(name)) if name else ""


@cache
def _mark(path: str) -> str:
    """Return the brand's mark as a data URL, empty without one. Raises KeyError for other files than SVG and PNG."""
    if not path:
        return ""
    mark = Path(path)
    return _data_url(IMAGE_TYPES[mark.suffix.lower()], mark.read_bytes())


def _data_url(content_type: str, image: bytes) -> str:
    return f"data:{content_type};base64,{base64.b64encode(image).decode()}"


def _weight(sheet: Sheet) -> int:
    """Return roughly how many characters of variable text the page holds; optional blocks weigh by their lines."""
    names = [sheet.insured["name"], sheet.named_insured["name"], *sheet.named_insured["address"]]
    if sheet.holder:
        names += [sheet.holder["name"], *sheet.holder["address"]]
    if sheet.is_letter:
        rows = sum(
            60 + sum(map(len, entry.funds)) + 60 * len(entry.suspensions + entry.prior_limits)
            for entry in sheet.history
        )
        return sum(len(text) for text in names) + 130 * len(sheet.tails) + rows
    # Endorsements come with a heading and a note: a roomy page has no room for even one.
    coverage = sheet.coverage
    blocks = 2 * len(sheet.statements) + 2 * len(coverage.funds) + len(sheet.tails) + 3 * bool(sheet.endorsements)
    blocks += len(coverage.prior_limits) + 2 * len(sheet.wordings) + bool(coverage.defense or sheet.deductible_basis)
    return (
        sum(len(text) for text in names)
        + sum(max(len(text), 40) for text in sheet.endorsements)
        + 130 * blocks
        + 150 * sheet.own_period
    )
