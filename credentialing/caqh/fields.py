"""The fields of professional liability insurance in a CAQH profile, with what belongs into each.

The names are those that such profiles ask for; the order is ours. Dates are as they are typed there, month first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Min

from core.money import whole_dollars
from core.workbooks import Column
from policies.eligibility import judge_now
from policies.models import Coverage, EreOffer

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from core.workbooks import Cell
    from policies.eligibility import Eligibility


@dataclass(frozen=True)
class Field:
    """One field of the profile. `note`: what to know about the value."""

    label: str
    value: str
    note: str = ""


LABELS = (
    "Self-insured",
    "Carrier name",
    "Carrier street",
    "Carrier street 2",
    "Carrier city",
    "Carrier state",
    "Carrier ZIP code",
    "Carrier phone",
    "Policy number",
    "Policyholder",
    "Original effective date",
    "Current effective date",
    "Current expiration date",
    "Coverage type",
    "Claims-made or occurrence",
    "Unlimited coverage",
    "Amount per claim or occurrence",
    "Aggregate amount",
    "Tail coverage",
)
# Of the Excel file of a group.
COLUMNS = (Column("Clinician", 32), Column("NPI", 12), *(Column(label, 20) for label in LABELS), Column("Note", 40))
# Clinicians that are read at once.
TOGETHER = 500


class Sheets:
    """The sheets of some coverages. Two queries for what lies beside them, however many there are."""

    def __init__(self, coverages: Sequence[Coverage]) -> None:
        """They come `with_policy`, and are of one writing company each."""
        first = (
            Coverage.objects.not_retired()
            .filter(insured_id__any=list({coverage.insured_id for coverage in coverages}), term__status__in=_taken_up())
            .order_by()
            .values_list("insured_id", "term__policy__company_id")
            .annotate(Min("effective"))
        )
        self._first = {(insured, company): day for insured, company, day in first}
        self._with_tail = set(
            EreOffer.objects.not_retired()
            .filter(coverage__in=coverages, status__in=list(EreOffer.ON_RECORD))
            .values_list("coverage_id", flat=True)
        )

    def of(self, coverage: Coverage, gives: Eligibility) -> list[Field]:
        """Return the fields, in the order of `LABELS`. `gives`: what the coverage gives now; it allows something."""
        policy = coverage.term.policy
        company = policy.company
        original, note = self._original(coverage)
        values = (
            "No",
            company.name,
            company.address1,
            company.address2,
            company.city,
            company.state,
            company.zip,
            settings.SUPPORT["service"]["phone"],
            policy.number,
            policy.policyholder.name,
            _day(original),
            _day(gives.starts or coverage.effective),
            _day(gives.ends or coverage.expires),
            "Shared" if coverage.limits_shared or coverage.limits_shared_with else "Individual",
            coverage.get_form_display(),
            "No",
            whole_dollars(coverage.limit_per_claim),
            whole_dollars(coverage.limit_aggregate),
            "Yes" if coverage.pk in self._with_tail else "No",
        )
        notes = {"Original effective date": note, "Amount per claim or occurrence": coverage.per_claim_label}
        return [Field(label, value, notes.get(label, "")) for label, value in zip(LABELS, values, strict=True)]

    def _original(self, coverage: Coverage) -> tuple[dt.date, str]:
        """Return the retroactive date of claims-made coverage; otherwise the first day with this company."""
        if coverage.form == Coverage.Form.CLAIMS_MADE and coverage.retroactive_date is not None:
            return coverage.retroactive_date, "The retroactive date"
        first = self._first.get((coverage.insured_id, coverage.term.policy.company_id), coverage.effective)
        note = "Full prior acts: the first day with us" if coverage.full_prior_acts else "The first day with us"
        return first, note


def rows_of(coverages: Sequence[Coverage]) -> Iterator[Sequence[Cell]]:
    """Yield a row of the Excel file for each clinician; one that can't be certified now says why instead."""
    for start in range(0, len(coverages), TOGETHER):
        some = coverages[start : start + TOGETHER]
        sheets = Sheets(some)
        for coverage in some:
            gives, insured = judge_now(coverage), coverage.insured
            who = (insured.display_name, insured.npi)
            if gives.allows:
                yield (*who, *(field.value for field in sheets.of(coverage, gives)), "")
            else:
                yield (*who, *("" for _ in LABELS), gives.reason)


def _day(day: dt.date) -> str:
    return f"{day:%m/%d/%Y}"


def _taken_up() -> list[str]:
    from policies.models import Term

    return [str(status) for status in Term.TAKEN_UP]
