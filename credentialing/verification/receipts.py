"""The receipt of a verification: one page for the file of the person who asked, made from the stored rows alone.

It is laid out when it's asked for and isn't kept: the same rows give the same bytes
(docs/decisions/0177-what-a-verification-keeps.md).
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format

from core.pdf import Candidate, Layout
from credentialing.certificates.sheet import Sheet
from credentialing.verification.marks import address_in_words

if TYPE_CHECKING:
    from credentialing.models import Verification


def receipt_pdf(row: Verification) -> bytes:
    """Return the PDF of a receipt."""
    return layout().render([Candidate(receipt_html(row))])


def receipt_html(row: Verification) -> str:
    """Return the page of a receipt as HTML, without its style sheet."""
    as_of = row.answer["as_of"]
    context = {
        "row": row,
        "c": row.certificate,
        "s": Sheet(row.certificate.snapshot),
        "answer": row.answer,
        "asked_at": _in_zone(row.asked_at),
        "as_of": _in_zone(dt.datetime.fromisoformat(as_of)) if as_of else "",
        "site_words": address_in_words(),
    }
    return render_to_string("credentialing/verify/pdf/receipt.html", context)


@cache
def layout() -> Layout:
    """Return the receipts' layout, with fonts and style sheet read once per process."""
    return Layout(render_to_string("credentialing/verify/pdf/receipt.css"))


def _in_zone(moment: dt.datetime) -> str:
    """Return a time in the company's zone: 'November 20, 2026, 9:00 p.m. EST'."""
    return date_format(timezone.localtime(moment, ZoneInfo(settings.TIME_ZONE)), "F j, Y, g:i a T")
