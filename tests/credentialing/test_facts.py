"""What the carrier says of a coverage is printed: days not covered, prior limits, endorsements, and funds."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from feed.models import Source
from policies.models import Coverage, Endorsement, FundEnrollment, PriorLimit, Suspension, Term
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, made, words_of

NOON = dt.datetime(2026, 11, 21, 17, 0, tzinfo=dt.UTC)
pytestmark = pytest.mark.time_machine(NOON, tick=False)
STARTS, ENDS = dt.date(2026, 3, 1), dt.date(2027, 3, 1)


@pytest.fixture
def coverage(cast: Cast) -> Coverage:
    """Return Ana's coverage from March 1, 2026, seen on November 21, with every fact that a carrier may send."""
    Term.objects.update(effective=STARTS, expires=ENDS)
    Coverage.objects.update(effective=STARTS, expires=ENDS)
    Source.objects.update(as_of=dt.datetime(2026, 11, 21, 7, 0, tzinfo=dt.UTC))
    coverage = cast.coverage
    Coverage.objects.filter(pk=coverage.pk).update(
        limit_basis="medical_incident", limits_shared=True, limits_shared_with="Riverbend Medical Group",
        defense="outside", deductible=Decimal(5000), deductible_basis="indemnity_and_expense",
        scope="Work for Riverbend Medical Group only", locum="Up to 60 days a year", states="NY and NJ",
        endorsement_text="The older text", fund="An older fund",
    )  # fmt: skip
    PriorLimit.objects.create(
        source="core", external_id="1", coverage=coverage, incidents_before=dt.date(2024, 1, 1),
        limit_per_claim=500_000, limit_aggregate=1_500_000,
    )  # fmt: skip
    for number, marked, fields in (
        ("LM-E-214", True, {}),
        ("LM-E-280", False, {}),
        ("LM-E-236", True, {"expires": dt.date(2026, 11, 21)}),
        ("LM-E-240", True, {"retired_at": NOON}),
    ):
        Endorsement.objects.create(
            source="core", external_id=number, coverage=coverage, form_number=number, edition="01-26",
            title=f"Title of {number}", on_certificate=marked, **fields,
        )  # fmt: skip
    for year, ends in ((2025, dt.date(2026, 7, 1)), (2026, None)):
        FundEnrollment.objects.create(
            source="core", external_id=f"F{year}", coverage=coverage, fund=f"Excess Fund {year}", form="occurrence",
            limits="$1,000,000 each occurrence", effective=dt.date(year, 7, 1), expires=ends,
        )  # fmt: skip
    Suspension.objects.create(
        source="core", external_id="S1", coverage=coverage, starts=dt.date(2026, 11, 1), ends=dt.date(2027, 1, 15)
    )
    return coverage


def test_a_certificate_states_the_facts_of_its_coverage(cast: Cast, coverage: Coverage) -> None:
    text = words_of(made(coverage, cast.ana, a_holder(cast.ana, coverage)))
    for line in (
        "Days not covered. Professional services from November 1, 2026, to January 15, 2027, 12:01 a.m. standard time",
        "$1,000,000 each medical incident Defense outside the limits $3,000,000 Shared with Riverbend Medical Group $5",
        "$5,000 Indemnity and expense",
        "Incidents before January 1, 2024: $500,000 / $1,500,000",
        "Scope of coverage: Work for Riverbend Medical Group only",
        "Locum tenens: Up to 60 days a year",
        "Covered states: NY and NJ",
        "Patient compensation fund, as reported to this company: Excess Fund 2026, occurrence, layer: $1,000,000 each",
        "enrolled from July 1, 2026; The fund itself issues evidence of participation",
        "LM-E-214 (01-26) Title of LM-E-214",
        "Status: In force on November 21, 2026; services on that day aren’t covered",
    ):
        assert line in text, text
    for absent in ("LM-E-280", "LM-E-236", "LM-E-240", "The older text", "An older fund", "Excess Fund 2025"):
        assert absent not in text


def test_a_leave_before_a_change_in_mid_term_is_on_the_certificate_of_the_chain(cast: Cast, coverage: Coverage) -> None:
    changed = Coverage.objects.get(pk=coverage.pk)
    changed.pk, changed.public_id, changed.external_id = None, "changed-segment", "CV-changed"
    changed.effective, changed.continues_id = dt.date(2026, 11, 15), coverage.pk
    Coverage.objects.filter(pk=coverage.pk).update(expires=changed.effective)
    changed.save()
    Suspension.objects.update(starts=dt.date(2026, 4, 1), ends=dt.date(2026, 5, 1))
    (snapshot,) = made(changed, cast.ana).snapshot["parts"]
    assert (snapshot["starts"], snapshot["ends"]) == ("2026-03-01", "2027-03-01")
    assert snapshot["suspensions"] == [{"starts": "2026-04-01", "ends": "2026-05-01"}]
