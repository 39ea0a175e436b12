"""Rows and tabs of the certificates page: the coverages to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Exists, F, Value
from django.db.models.functions import Concat, Lower

from core.listing import Tab, tabs_of
from credentialing.filters import ACTIVE, LATER_TERMS, STATUSES
from policies.eligibility import Eligibility, judge_now
from policies.words import Word, word_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from policies.models import Coverage
    from policies.models.coverage import CoverageQuerySet

# Rows of a policy are together, its insureds by last name; the id makes the key unique.
ORDER = ("policy_number", "insured_name", "id")


def in_order(coverages: CoverageQuerySet) -> CoverageQuerySet:
    """Return them with what a row shows and with the key of their order."""
    return coverages.with_policy().annotate(
        policy_number=F("term__policy__number_normalized"),
        insured_name=Lower(
            Concat("insured__last_name", Value(" "), "insured__first_name", Value(" "), "insured__name")
        ),
        was_last=~Exists(LATER_TERMS),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A coverage, what it gives today, and the word of its status."""

    coverage: Coverage
    eligibility: Eligibility
    word: Word


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of coverages."""

    rows: list[Row]
    tabs: list[Tab]
    q: str
    status: str

    @property
    def searched(self) -> bool:
        """Whether the list is narrowed by text or by a status other than the first."""
        return bool(self.q) or self.status != ACTIVE


def row_of(coverage: Coverage) -> Row:
    """Return the row of a coverage that comes `in_order`."""
    was_last = cast("Any", coverage).was_last
    word = word_of(coverage, coverage.term.policy.today(), was_last=was_last)
    return Row(coverage, judge_now(coverage), word)


def listing_of(coverages: Sequence[Coverage], query: Mapping[str, str]) -> Listing:
    """Return the rows of one page, of coverages that come `in_order`, and the tabs above them."""
    q, status = query.get("q", "").strip(), query.get("status") or ACTIVE
    return Listing([row_of(coverage) for coverage in coverages], tabs_of(STATUSES, query, default=ACTIVE), q, status)
