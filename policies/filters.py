"""Filters of the list of policies: by number, name, or status (S-34)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.guards import subject_of
from core.dates import carrier_today
from core.filters import StatusSearchFilter
from policies.models import Coverage, Membership, Policy, Term, reach_of
from policies.pages.notices import RENEWAL_WINDOW_DAYS
from policies.words import Word

if TYPE_CHECKING:
    from accounts.models import User
    from policies.models.policy import PolicyQuerySet
    from policies.models.term import TermQuerySet

IN_FORCE, ENDING, UPCOMING = "in_force", "ending", "upcoming"
# In the order of their tabs; a policy whose cancellation is pending is still in force.
STATUSES = [
    (IN_FORCE, Word.IN_FORCE.value),
    (ENDING, f"Ending within {RENEWAL_WINDOW_DAYS} days"),
    (UPCOMING, Word.UPCOMING.value),
    (Policy.Status.PENDING_CANCELLATION.value, Word.PENDING_CANCELLATION.value),
    (Policy.Status.PENDING.value, Word.PENDING.value),
    (Policy.Status.CANCELLED.value, Word.CANCELLED.value),
    (Policy.Status.EXPIRED.value, Word.EXPIRED.value),
    (Policy.Status.NONRENEWED.value, Word.NOT_RENEWED.value),
]


class PolicyFilter(StatusSearchFilter):
    """`?q=` a number in any spelling or a name, `?status=` one of `STATUSES`; both empty: all that the user sees."""

    STATUSES = STATUSES

    class Meta:
        model = Policy
        fields: list[str] = []

    def by_text(self, policies: PolicyQuerySet, _name: str, text: str) -> PolicyQuerySet:
        """Search by number, policyholder, or an insured that the user may know about."""
        return policies.search(text, by=subject_of(self.request))

    def by_status(self, policies: PolicyQuerySet, _name: str, status: str) -> PolicyQuerySet:
        """Keep the policies with that status (`policies.words`), or those about to end."""
        today = carrier_today()
        dated = policies.alias(
            cancelled_on=Coalesce("cancellation_effective", "status_date"),
            running=Exists(_bound_terms(effective__lte=today, expires__gt=today)),
            ahead=Exists(_bound_terms(effective__gt=today).exclude(_cancelled_before())),
            taken_up=Exists(
                Term.objects.not_retired().filter(policy=OuterRef("pk"), status__in=Term.TAKEN_UP, effective__lte=today)
            ),
        )
        left = Q(pk__in=_left_early(subject_of(self.request), today))
        if status == Policy.Status.EXPIRED:
            return dated.filter(_marked(status, today) | left)
        return dated.filter(_marked(status, today) & ~left)


def _bound_terms(**dates: dt.date) -> TermQuerySet:
    """Return a policy's bound terms within these dates. A cancelled term counts until its policy's cancellation."""
    cancelled = Q(status=Term.Status.CANCELLED, policy__status=Policy.Status.CANCELLED)
    return Term.objects.not_retired().filter(Q(status=Term.Status.BOUND) | cancelled, policy=OuterRef("pk"), **dates)


def _cancelled_before() -> Q:
    """Return the condition that a term's policy is cancelled before the term begins."""
    return Q(policy__status=Policy.Status.CANCELLED) & (
        Q(policy__cancellation_effective__lte=F("effective"))
        | Q(policy__cancellation_effective=None, policy__status_date__lte=F("effective"))
    )


def _marked(status: str, today: dt.date) -> Q:
    """Return a tab's condition on policies with the annotations of `by_status`: `policies.pages.status` in SQL."""
    of = Policy.Status
    gone = Q(status=of.CANCELLED) & (Q(cancelled_on=None) | Q(cancelled_on__lte=today))
    covers = ~Q(status=of.PENDING) & ~gone & (Q(running=True) | Q(ahead=True))
    cancelling = Q(status__in=(of.PENDING_CANCELLATION, of.CANCELLED))
    over = ~Q(status__in=(of.PENDING, of.NONRENEWED)) & ~gone & Q(running=False, ahead=False)
    soon = today + dt.timedelta(days=RENEWAL_WINDOW_DAYS)
    ends_soon = Q(Exists(_bound_terms(effective__lte=today, expires__gt=today, expires__lte=soon)))
    conditions: dict[str, Q] = {
        IN_FORCE: covers & Q(running=True),
        ENDING: covers & ends_soon,
        UPCOMING: covers & Q(running=False) & ~cancelling,
        of.PENDING_CANCELLATION: covers & cancelling,
        of.PENDING: Q(status=of.PENDING) | (over & Q(taken_up=False) & ~Q(status__in=(of.EXPIRED, of.CANCELLED))),
        of.CANCELLED: gone | (over & Q(taken_up=False, status=of.CANCELLED)),
        of.EXPIRED: over & (Q(taken_up=True) | Q(status=of.EXPIRED)),
        of.NONRENEWED: Q(status=of.NONRENEWED, running=False, ahead=False),
    }
    return conditions[status]


def _left_early(user: User, today: dt.date) -> QuerySet[Any, Any]:
    """Return the ids of policies that went on after the user, who was only insured on them, left.

    To the user they have expired: no tab tells what became of a policy afterward.
    """
    reach = reach_of(user)
    if not reach.insured_ids:
        return Policy.objects.none().values("pk")
    own = Coverage.objects.not_retired().filter(insured_id__in=reach.insured_ids, term__policy=OuterRef("pk"))
    went_on = Term.objects.not_retired().filter(
        policy=OuterRef("pk"), status__in=Term.TAKEN_UP, expires__gt=OuterRef("own_until")
    )
    left = Policy.objects.alias(
        own_until=Subquery(own.order_by("-expires").values("expires")[:1]), went_on=Exists(went_on)
    ).filter(reach.only(Membership.Role.INSURED).policies(), own_until__lte=today, went_on=True)
    managed = reach.only(Membership.Role.POLICYHOLDER, Membership.Role.AGENT)
    return (left.exclude(managed.policies()) if managed else left).values("pk")
