"""What belongs to coverages and is printed with them, for as many certificates as are made at once.

Only what the carrier sends: a coverage without such rows has the older texts of its own row.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.conf import settings

from policies.models import (
    AgentOfRecord,
    Endorsement,
    EreOffer,
    FundEnrollment,
    License,
    PriorLimit,
    Suspension,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from django.db.models import QuerySet

    from policies.models import Coverage


class Details:
    """The rows that belong to some coverages, and to their insureds and policies.

    Six queries for all of them, however many there are, and one more where licenses are printed.
    """

    def __init__(self, coverages: Collection[Coverage]) -> None:
        insured_ids = {coverage.insured_id for coverage in coverages}
        of_terms = {"coverage__term__in": {c.term_id for c in coverages}, "coverage__insured__in": insured_ids}
        # A change in mid-term leaves the leave before it with the segment before.
        suspensions = Suspension.objects.not_retired().filter(coverage__retired_at=None, **of_terms)
        self._suspensions: defaultdict[tuple[int, int, str], list[Suspension]] = defaultdict(list)
        for suspension in suspensions.select_related("coverage"):
            self._suspensions[_part(suspension.coverage)].append(suspension)
        self._endorsements = _by_coverage(Endorsement.objects, coverages)
        self._prior_limits = _by_coverage(PriorLimit.objects, coverages)
        self._funds = _by_coverage(FundEnrollment.objects, coverages)
        self._producers = _producers({coverage.term.policy_id for coverage in coverages})
        self._tails = _tails(coverages)
        self._licenses = _licenses(insured_ids) if settings.CERTIFICATES_PRINT_LICENSES else {}

    def endorsements(self, coverage: Coverage, day: dt.date) -> list[str]:
        """Return the endorsements that the carrier marks for certificates and that hold on `day`."""
        rows = self._endorsements.get(coverage.pk)
        if rows is None:
            return coverage.endorsement_list
        return [f"{row.form} {row.title}" for row in rows if row.on_certificate and row.in_force_on(day)]

    def suspensions(self, coverage: Coverage, starts: dt.date, ends: dt.date) -> list[dict[str, str]]:
        """Return the days from `starts` to `ends` on which the coverage's part isn't covered, in order."""
        found = set()
        for row in self._suspensions.get(_part(coverage), ()):
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

    def tails(self, coverage: Coverage) -> list[EreOffer]:
        """Return the tails on record for the coverage, by first day."""
        return self._tails.get(coverage.pk, [])

    def producer(self, coverage: Coverage) -> AgentOfRecord | None:
        """Return the agent of record today, the latest appointment of several; none on direct business."""
        return self._producers.get(coverage.term.policy_id)

    def licenses(self, coverage: Coverage, day: dt.date) -> list[str]:
        """Return state and number of each license that hasn't expired, by state; none where they aren't printed."""
        rows = self._licenses.get(coverage.insured_id, [])
        return [f"{row.state} {row.number}" for row in rows if row.expires is None or row.expires >= day]


def _part(coverage: Coverage) -> tuple[int, int, str]:
    return coverage.insured_id, coverage.term_id, coverage.part


def _by_coverage(rows: Any, coverages: Iterable[Coverage]) -> dict[int, list[Any]]:
    query: QuerySet[Any] = rows.not_retired().filter(coverage__in=list(coverages))
    return _grouped(query, "coverage_id")


def _tails(coverages: Iterable[Coverage]) -> dict[int, list[Any]]:
    offers = EreOffer.objects.not_retired().filter(coverage__in=list(coverages), status__in=list(EreOffer.ON_RECORD))
    return _grouped(offers.order_by("starts", "id"), "coverage_id")


def _producers(policy_ids: Collection[int]) -> dict[int, AgentOfRecord]:
    appointments = AgentOfRecord.objects.today().filter(policy__in=policy_ids).select_related("agency")
    return {found.policy_id: found for found in appointments.order_by("starts", "id")}


def _licenses(insured_ids: Collection[int]) -> dict[int, list[Any]]:
    licenses = License.objects.not_retired().filter(insured__in=insured_ids)
    return _grouped(licenses.order_by("state", "number"), "insured_id")


def _grouped(rows: Iterable[Any], key: str) -> dict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return dict(found)
