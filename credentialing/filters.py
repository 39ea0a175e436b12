"""Narrow the list of coverages by number, policyholder, or insured, and by status (S-34)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce

from accounts.guards import subject_of
from core.dates import carrier_today
from core.filters import StatusSearchFilter
from core.search import name_query
from policies.models import Coverage, Policy, Term, reach_of
from policies.names import fold, normalize_number
from policies.words import Word

if TYPE_CHECKING:
    from policies.models.coverage import CoverageQuerySet

ACTIVE, ALL = "active", "all"
# In the order of their tabs, in the words of their marks.
STATUSES = [
    (ACTIVE, "In force or upcoming"),
    (Policy.Status.CANCELLED.value, Word.CANCELLED.value),
    (Policy.Status.EXPIRED.value, Word.EXPIRED.value),
    (Policy.Status.NONRENEWED.value, Word.NOT_RENEWED.value),
    (Policy.Status.PENDING.value, Word.PENDING.value),
    (ALL, "All"),
]


# Terms of the same policy that were taken up after a coverage's.
LATER_TERMS = Term.objects.not_retired().filter(
    policy=OuterRef("term__policy"), status__in=Term.TAKEN_UP, effective__gt=OuterRef("term__effective")
)
LONG_AGO = Value(dt.date.min)


class CoverageFilter(StatusSearchFilter):
    """`?q=` a policy number in any spelling or a name, `?status=` one of `STATUSES` (active where none is given)."""

    STATUSES = STATUSES

    class Meta:
        model = Coverage
        fields: list[str] = []

    def by_text(self, coverages: CoverageQuerySet, _name: str, text: str) -> CoverageQuerySet:
        """Return those whose policy number begins so, or whose policyholder or insured has these words in the name."""
        query = name_query(fold(text).split())
        if query is None:
            return coverages if not text.strip() else coverages.none()
        scope = reach_of(subject_of(self.request)).scope
        return coverages.found(number=normalize_number(text) or None, query=query, scope=scope)

    def by_status(self, coverages: CoverageQuerySet, _name: str, status: str) -> CoverageQuerySet:
        """Return those whose status has that word (`policies.words`); a pending cancellation is in force."""
        return of_status(coverages, status, carrier_today())


def of_status(coverages: CoverageQuerySet, status: str, today: Any) -> CoverageQuerySet:
    """Return those of a tab on a day, which may be the place of one in a prepared statement."""
    if status == ALL:
        return coverages
    cancelled_on = Coalesce("term__policy__cancellation_effective", "term__policy__status_date", LONG_AGO)
    dated = coverages.alias(cancelled_on=cancelled_on, followed=Exists(LATER_TERMS))
    return dated.filter(_marked(status, today))


def _marked(status: str, today: Any) -> Q:
    """Return the condition of a tab: `policies.words.word_of` for the database. Each coverage is in one of them."""
    of, term = Policy.Status, Term.Status
    cancelled = Q(term__policy__status=of.CANCELLED)
    unbound = Q(term__policy__status=of.PENDING) | Q(term__status__in=(term.OFFERED, term.ACCEPTED))
    bound = Q(term__status=term.BOUND) | (cancelled & Q(term__status=term.CANCELLED))
    runs = Q(expires__gt=today, term__expires__gt=today)
    goes_on = ~cancelled | (Q(cancelled_on__gt=today) & Q(cancelled_on__gt=F("effective")))
    active = ~unbound & bound & runs & goes_on
    by_then = Q(cancelled_on__lte=F("expires")) & Q(cancelled_on__lte=F("term__expires"))
    cut = cancelled & by_then & Q(cancelled_on__gt=LONG_AGO)
    never_ended = (cancelled | Q(term__status=term.CANCELLED)) & runs
    is_cancelled = ~unbound & ~active & ~Q(term__status=term.DECLINED) & (cut | never_ended)
    to_the_end = Q(expires__gte=F("term__expires"), followed=False) & ~runs
    not_renewed = ~unbound & (
        Q(term__status=term.DECLINED) | (Q(term__policy__status=of.NONRENEWED) & to_the_end & ~is_cancelled)
    )
    conditions: dict[str, Q] = {
        ACTIVE: active,
        of.PENDING: unbound,
        of.CANCELLED: is_cancelled,
        of.NONRENEWED: not_renewed,
        of.EXPIRED: ~(active | unbound | is_cancelled | not_renewed),
    }
    return conditions[status]
