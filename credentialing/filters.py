"""Narrow the list of coverages by number, policyholder, or insured, and by status (S-34)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django_filters import CharFilter, ChoiceFilter

from accounts.guards import subject_of
from core.dates import carrier_today
from core.filters import StatusSearchFilter
from core.search import name_query
from credentialing.models import Certificate, OwnStandingHolder, StandingHolder
from credentialing.models.holders import of_own_party
from policies.models import Coverage, Policy, Term, reach_of
from policies.names import fold, normalize_number
from policies.words import Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import User
    from policies.models import Scope
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
CURRENT, RENEWAL = "current", "renewal"
TERMS = [(CURRENT, "Current term"), (RENEWAL, "Renewal or upcoming term")]

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

    term = ChoiceFilter(choices=TERMS, method="by_term", null_label=None)
    holder = CharFilter(method="by_holder", max_length=60)

    def by_text(self, coverages: CoverageQuerySet, _name: str, text: str) -> CoverageQuerySet:
        """Return those whose policy number begins so, or whose policyholder, insured, or holder has these words in the
        name."""
        return of_text(coverages, text, reach_of(subject_of(self.request)).scope)

    def by_status(self, coverages: CoverageQuerySet, _name: str, status: str) -> CoverageQuerySet:
        """Return those whose status has that word (`policies.words`); a pending cancellation is in force."""
        return of_status(coverages, status, carrier_today())

    def by_term(self, coverages: CoverageQuerySet, _name: str, term: str) -> CoverageQuerySet:
        """Return those of terms that have begun, or of terms to come (S-35)."""
        return of_term(coverages, term, carrier_today())

    def by_holder(self, coverages: CoverageQuerySet, _name: str, ref: str) -> CoverageQuerySet:
        """Return those that a holder gets certificates of (`batches.choosing.ref_of`)."""
        user = subject_of(self.request)
        return of_holder(coverages, ref, scope=reach_of(user).scope, user=user)


def narrow(coverages: CoverageQuerySet, query: Mapping[str, str], *, scope: Scope, user: User) -> CoverageQuerySet:
    """Return those that a search means, as the list does: `q`, `status`, `term`, and `holder`.

    What the list would refuse finds nothing.
    """
    status, term = query.get("status") or ACTIVE, query.get("term", "")
    if status not in dict(STATUSES) or (term and term not in dict(TERMS)):
        return coverages.none()
    found = of_status(of_text(coverages, query.get("q", ""), scope), status, carrier_today())
    if term:
        found = of_term(found, term, carrier_today())
    if ref := query.get("holder", ""):
        found = of_holder(found, ref, scope=scope, user=user)
    return found


def of_text(coverages: CoverageQuerySet, text: str, scope: Scope) -> CoverageQuerySet:
    """Return those that a text finds within a scope: all for an empty one, none for one without a word."""
    query = name_query(fold(text).split())
    if query is None:
        return coverages if not text.strip() else coverages.none()
    also = with_holder_named(query, scope)
    return coverages.found(number=normalize_number(text) or None, query=query, scope=scope, also=also)


def with_holder_named(query: Any, scope: Scope) -> list[Q]:
    """Return conditions, each along an index, on coverages that have a holder whose name the query finds: one that the
    own party issued to, or a standing one of the feed's or of the own party's."""
    issued = Certificate.objects.filter(of_own_party(scope, "membership__"), holder__search=query).order_by()
    brought = StandingHolder.objects.not_retired().filter(holder__search=query, holder__retired_at=None).order_by()
    # Coverages out of the scope aren't found anyway, so an agency's former clients aren't either.
    chosen = OwnStandingHolder.objects.not_ended().filter(of_own_party(scope, "holder__"), holder__search=query)
    conditions = [Q(insured_id__in=issued.values("coverage__insured_id"))]
    for standing in (brought, chosen.filter(holder__removed_at=None).order_by()):
        conditions += [
            Q(term__policy_id__in=standing.filter(insured=None).values("policy_id")),
            Q(
                insured_id__in=standing.exclude(insured=None).values("insured_id"),
                term__policy_id__in=standing.exclude(insured=None).values("policy_id"),
            ),
        ]
    return conditions


def of_term(coverages: CoverageQuerySet, term: str, today: Any) -> CoverageQuerySet:
    """Return those of terms that have begun by a day, or of those that begin later."""
    if term == RENEWAL:
        return coverages.filter(term__effective__gt=today)
    return coverages.filter(term__effective__lte=today)


def of_holder(coverages: CoverageQuerySet, ref: str, *, scope: Scope, user: User) -> CoverageQuerySet:
    """Return those that one holder gets certificates of: standing, or issued to by the user's own party.

    The same holder may be on file and in an address book; its fingerprint says so. None for a holder that the user
    doesn't see.
    """
    from credentialing.batches.choosing import holder_by_ref

    holder = holder_by_ref(ref, user=user)
    if holder is None:
        return coverages.none()
    same = Q(holder__fingerprint=holder.fingerprint)
    merged = Q(holder__same_as__fingerprint=holder.fingerprint)
    brought = StandingHolder.objects.visible_to(user).filter(same | merged).order_by()
    chosen = OwnStandingHolder.objects.visible_to(user).filter(same).order_by()
    issued = Certificate.objects.filter(
        of_own_party(scope, "membership__"), holder__fingerprint=holder.fingerprint
    ).order_by()
    found = Q(insured_id__in=issued.values("coverage__insured_id"))
    for standing in (brought, chosen):
        named = standing.filter(insured=OuterRef("insured_id"), policy=OuterRef("term__policy_id"))
        found |= Q(term__policy_id__in=standing.filter(insured=None).values("policy_id")) | Q(Exists(named))
    return coverages.filter(found)


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
