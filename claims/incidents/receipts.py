"""The receipt of a report as a PDF, laid out when it's asked for from the row that stays as it was sent.

The patient isn't on it: people put receipts into files that others read.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format

from core.pdf import Candidate, Layout

if TYPE_CHECKING:
    import datetime as dt

    from claims.models import IncidentReport


def receipt_pdf(report: IncidentReport) -> bytes:
    """Return the PDF of a report that was sent."""
    return layout().render([Candidate(receipt_html(report))])


def receipt_html(report: IncidentReport) -> str:
    """Return the page as HTML, without its style sheet."""
    context = {
        "report": report,
        "about": report.about,
        "files": list(report.files.filter(message=None).select_related("upload")),
        "submitted_at": _in_zone(report.submitted_at),
    }
    return render_to_string("claims/pdf/receipt.html", context)


@cache
def layout() -> Layout:
    """Return the receipts' layout, with fonts and style sheet read once per process."""
    return Layout(render_to_string("claims/pdf/receipt.css"))


def _in_zone(moment: dt.datetime | None) -> str:
    """Return a time in the company's zone: 'November 20, 2026, 9:00:05 p.m. EST'."""
    return date_format(timezone.localtime(moment, ZoneInfo(settings.TIME_ZONE)), "F j, Y, g:i:s a T")
