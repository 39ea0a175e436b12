"""Claims histories and loss runs as HTML and as PDF: letter-size pages, as many as the claims need."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.template.loader import render_to_string

from core.pdf import Candidate, Layout
from credentialing.claims_history.sheet import Sheet
from credentialing.images import mark_image, signature_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from credentialing.models import ClaimsPaper


# So many rows may fit on one page, where it's set close.
MOST_ON_ONE_PAGE = 14


def claims_paper_html(paper: ClaimsPaper, *, density: str = "close", style: str = "") -> str:
    """Return the pages of a paper, 'roomy' or 'close'; `style`: CSS to put into them."""
    return _html(paper, Sheet(paper.snapshot), density=density, style=style)


def _html(paper: ClaimsPaper, sheet: Sheet, *, density: str, style: str = "") -> str:
    template = "history" if paper.is_history else "loss_run"
    context = {
        "c": paper,
        "s": sheet,
        "density": density,
        "style": style,
        "mark": mark_image(settings.BRAND["mark"]),
        "signature": signature_image(sheet.company["signature"]),
    }
    return render_to_string(f"credentialing/claims_history/pdf/{template}.html", context)


def claims_paper_pdf(paper: ClaimsPaper) -> bytes:
    """Return the PDF of a paper. The same row gives the same bytes.

    A short one is set on one page if it fits, roomy or close; a long one runs on.
    """
    return layout().render(_candidates(paper))


def _candidates(paper: ClaimsPaper) -> Iterator[Candidate]:
    sheet = Sheet(paper.snapshot)
    if len(sheet.claims) + sheet.lines <= MOST_ON_ONE_PAGE:
        yield Candidate(_html(paper, sheet, density="roomy"), pages=1)
        yield Candidate(_html(paper, sheet, density="close"), pages=1)
    yield Candidate(_html(paper, sheet, density="roomy"))


@cache
def layout() -> Layout:
    """Return the layout, with fonts and style sheet read once per process: the certificates' look, in a flow of
    pages."""
    sheets = ("credentialing/pdf/certificate.css", "credentialing/claims_history/pdf/paper.css")
    return Layout("\n".join(render_to_string(name) for name in sheets))
