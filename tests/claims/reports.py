"""Reports of incidents for tests."""

from __future__ import annotations

import uuid
from typing import Any

from accounts.models import User
from claims.incidents import drafting
from claims.models import IncidentReport, Matter, MatterFile
from core.uploads.checking import check
from core.uploads.models import attach
from policies.models import Coverage
from tests.book import days
from tests.feed.assets import a_pdf
from tests.on_file import ClaimFactory
from tests.uploads import uploaded

PATIENT = "Wilhelmina Quackenbush"
STORY = "The sponge count was off by one at closing."


def a_draft(by: User, coverage: Coverage, **values: Any) -> IncidentReport:
    """Return a draft with what is needed to send it."""
    report = drafting.begin(Coverage.objects.with_policy().get(pk=coverage.pk), by=by, key=uuid.uuid4())
    filled = {"kind": "incident", "happened_on": days(-3), "description": STORY, "patient_name": PATIENT}
    born = {"patient_birth_date": "1951-02-03"}
    assert report.save_draft(version=0, window="", **(filled | born | values))
    return IncidentReport.objects.select_related("policy__company", "policy__policyholder", "insured").get(pk=report.pk)


def a_report(by: User, coverage: Coverage, *, files: int = 1, **values: Any) -> IncidentReport:
    """Return a report that was sent, with a file."""
    report = a_draft(by, coverage, **values)
    drafting.keep_files(
        report, [check(uploaded(f"{PATIENT} {n}.pdf", a_pdf(pages=n))) for n in range(1, files + 1)], by=by
    )
    assert report.submit(by=by, version=report.version)
    return report


def a_matter(coverage: Coverage, *, by: User, **fields: Any) -> Matter:
    """Return a published claim of a coverage's insured, with a document."""
    handled = {"stage": "Discovery", "handler": "Hollis Grant", "handler_phone": "(860) 555-0171", "counsel": "Orr LLP"}
    ahead = {"next_date": days(20), "next_event": "Deposition"}
    claim = ClaimFactory.create(insured=coverage.insured, policy=coverage.term.policy, **(handled | ahead | fields))
    assert Matter.publish(claim, by=by)
    matter = Matter.objects.get(claim=claim)
    rows = MatterFile.objects.filter(matter=matter, message=None)
    attach(rows, check(uploaded("complaint.pdf", a_pdf())), by=by, matter=matter, message=None, added_by=by)
    return matter
