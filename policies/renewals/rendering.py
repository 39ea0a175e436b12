"""The PDF of a renewal application as it was submitted."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core import work
from core.dates import carrier_day
from core.pdf import Candidate, Layout
from core.storage import keep_once
from policies.models import RenewalSubmission

if TYPE_CHECKING:
    from collections.abc import Mapping

# A table of thousands of rows takes a minute of CPU to lay out; beyond this, names are listed by day.
MOST_ROWS = 300


def render(submission_id: int) -> None:
    """Lay out and store the file of a submission, unless another worker is at it."""
    with work.attempt(RenewalSubmission, submission_id) as submission:
        if submission is None:
            return
        content = pdf_of(submission)
        digest = hashlib.sha256(content).hexdigest()
        name = f"renewals/{submission.public_id}/{digest[:16]}.pdf"
        keep_once(name, ContentFile(content))
        RenewalSubmission.objects.filter(pk=submission.pk).update(
            status=RenewalSubmission.Status.READY,
            file=name,
            sha256=digest,
            size=len(content),
            ready_at=timezone.now(),
        )


def pdf_of(submission: RenewalSubmission) -> bytes:
    """Return the PDF of a submission; the same row gives the same bytes."""
    return _layout().render([Candidate(html_of(submission))])


def html_of(submission: RenewalSubmission) -> str:
    """Return the pages of a submission."""
    context = {"s": in_words(submission.snapshot), "submission": submission, "brand": settings.BRAND}
    return render_to_string("policies/renewals/pdf/application.html", context)


def in_words(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """Return a snapshot with its days and moments as dates, for templates."""
    attestation = dict(snapshot["attestation"])
    attestation["signed_at"] = parse_datetime(attestation["signed_at"])
    parts = [(name, parse_datetime(signed) if signed else None) for name, signed in snapshot["parts"]]
    is_large = len(parts) > MOST_ROWS
    return {
        **snapshot,
        "term": {name: dt.date.fromisoformat(day) for name, day in snapshot["term"].items()},
        "attestation": attestation | {"paragraphs": attestation["text"].split("\n\n")},
        "parts": [] if is_large else parts,
        "parts_by_day": _by_day(parts) if is_large else [],
        "parts_count": len(parts),
        "missing": sum(1 for _, signed in parts if signed is None),
    }


def _by_day(parts: list[tuple[str, dt.datetime | None]]) -> list[tuple[dt.date | None, int, str]]:
    """Return the names, with their number, by the carrier's day on which they signed, the earliest first; those who
    didn't come before."""
    days: dict[dt.date | None, list[str]] = {}
    for name, signed in parts:
        day = carrier_day(signed) if signed else None
        days.setdefault(day, []).append(name)
    in_order = sorted(days, key=lambda day: day or dt.date.min)
    return [(day, len(days[day]), "; ".join(days[day])) for day in in_order]


@cache
def _layout() -> Layout:
    """Return the layout, its style sheet parsed once per process."""
    return Layout(render_to_string("policies/renewals/pdf/application.css"))
