"""Rows and tabs of the certificates page: the coverages to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Exists, F, TextField

from core.keyset import first_page
from core.listing import Tab, tabs_of
from core.search import query_of, words_query
from core.statements import written_once
from credentialing.filters import ACTIVE, LATER_TERMS, STATUSES, of_status
from policies.eligibility import Eligibility, judge_now
from policies.models import SCOPE, Coverage, Scope, coverages_not_retired, reach_of
from policies.names import fold, normalize_number
from policies.pages.terms import NAMES
from policies.words import Word, word_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from accounts.models import User
    from policies.models.coverage import CoverageQuerySet

# Rows of a policy are together, its insureds by last name; the id makes the key unique.
ORDER = ("policy_number", "sort_key", "id")
# What a row shows and its word and eligibility are read from; the list asks for no more.
_TERM, _POLICY = "term__", "term__policy__"
ROW_FIELDS = (
    *("public_id", "sort_key", "part", "form", "effective", "expires", "specialty", "ended_reason"),
    *(f"insured__{name}" for name in NAMES),
    *(f"{_TERM}{name}" for name in ("status", "effective", "expires")),
    *(
        f"{_POLICY}{name}"
        for name in ("source", "number", "number_normalized", "status", "status_date", "cancellation_effective")
    ),
    *(f"{_POLICY}company__{name}" for name in ("pending_cancellation", "says_cancelled")),
    *(f"{_POLICY}policyholder__{name}" for name in ("name", "state")),
)


def in_order(coverages: CoverageQuerySet) -> CoverageQuerySet:
    """Return them with what a row shows and with the key of their order."""
    return coverages.with_policy().annotate(
        policy_number=F("term__policy__number_normalized"),
        was_last=~Exists(LATER_TERMS),
    )


def first_rows(user: User, status: str, text: str) -> list[Coverage]:
    """Return the rows of the first page of a tab, or of what a text finds there, for `keyset_page`. One query."""
    scope, words = reach_of(user).scope, fold(text).split()
    if not words and text.strip():
        return []
    number = normalize_number(text) or None
    return _first_page(status=status, searched=bool(words), number=number, words=words_query(words), **scope.values())


@written_once(**SCOPE, number=TextField(), words=TextField())
def _first_page(*, status: str, searched: bool, number: Any, words: Any, **scope: Any) -> QuerySet[Coverage]:
    reached = Scope(**scope)
    if searched:
        # What is found is within the scope already.
        sent = Coverage.objects.filter(coverages_not_retired())
        coverages = sent.found(number=number, query=query_of(words), scope=reached)
    else:
        coverages = Coverage.objects.open_to(reached)
    in_tab = in_order(of_status(coverages, status, reached.today)).only(*ROW_FIELDS)
    return first_page(in_tab, order=ORDER, count=True)


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
