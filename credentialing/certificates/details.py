"""What belongs to coverages and is printed with them: endorsements, suspensions, prior limits, and funds.

Only what the carrier sends: a coverage without such rows has the older texts of its own row.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from policies.models import Endorsement, FundEnrollment, PriorLimit, Suspension

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.db.models import QuerySet

    from policies.models import Coverage


class Details:
    """The rows that belong to some coverages, of one insured. Four queries."""

    def __init__(self, coverages: Collection[Coverage]) -> None:
        insured_ids = {coverage.insured_id for coverage in coverages}
        of_terms = {"coverage__term__in": {c.term_id for c in coverages}, "coverage__insured__in": insured_ids}
        # A change in mid-term leaves the leave before it with the segment before.
        self._suspensions = list(
            Suspension.objects.not_retired().filter(coverage__retired_at=None, **of_terms).select_related("coverage")
        )
        self._endorsements = _by_coverage(Endorsement.objects, coverages)
        self._prior_limits = _by_coverage(PriorLimit.objects, coverages)
        self._funds = _by_coverage(FundEnrollment.objects, coverages)

    def endorsements(self, coverage: Coverage, day: dt.date) -> list[str]:
        """Return the endorsements that the carrier marks for certificates and that hold on `day`."""
        rows = self._endorsements.get(coverage.pk)
        if rows is None:
            return coverage.endorsement_list
        marked = [row for row in rows if row.on_certificate and row.in_force_on(day)]
        return [f"{row.form_number}{f' ({row.edition})' if row.edition else ''} {row.title}" for row in marked]

    def suspensions(self, coverage: Coverage, starts: dt.date, ends: dt.date) -> list[dict[str, str]]:
        """Return the days from `starts` to `ends` on which the coverage's part isn't covered, in order."""
        found = set()
        for row in self._suspensions:
            same = (row.coverage.insured_id, row.coverage.term_id, row.coverage.part)
            if same != (coverage.insured_id, coverage.term_id, coverage.part):
                continue
            first, last = max(row.starts, starts), min(row.ends or ends, ends)
            if first < last:
                found.add((first, last))
        return [{"starts": str(first), "ends": str(last)} for first, last in sorted(found)]

    def prior_limits(self, coverage: Coverage) -> list[dict[str, str]]:
        """Return the limits for incidents before a day, the latest day first."""
        return [
            {
                "before": str(row.incidents_before),
                "per_claim": str(row.limit_per_claim),
                "aggregate": str(row.limit_aggregate),
            }
            for row in self._prior_limits.get(coverage.pk, [])
        ]

    def funds(self, coverage: Coverage, starts: dt.date, ends: dt.date) -> list[dict[str, Any]]:
        """Return the enrollments in patient compensation funds between two days, each with its own form and dates."""
        rows = self._funds.get(coverage.pk)
        if rows is None:
            own = {"name": coverage.fund, "limits": coverage.fund_limits, "form": "", "starts": None, "ends": None}
            return [own] if coverage.fund else []
        return [
            {
                "name": row.fund,
                "limits": row.limits,
                "form": row.get_form_display().lower() if row.form else "",
                "starts": str(row.effective),
                "ends": str(row.expires) if row.expires else None,
            }
            for row in rows
            if row.effective < ends and (row.expires is None or row.expires > starts)
        ]


def _by_coverage(rows: Any, coverages: Iterable[Coverage]) -> dict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    query: QuerySet[Any] = rows.not_retired().filter(coverage__in=list(coverages))
    for row in query:
        found[row.coverage_id].append(row)
    return dict(found)
