"""Bound renewals: each standing holder gets the new certificate in time (B-03).

Once a day, and when the feed binds one. Each holder, insured, and term once: the key of the delivery says so.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q

from core import work
from core.dates import carrier_today
from credentialing.models import CarrierHolder, Holder, StandingIssue
from credentialing.sending.standing import MARGIN, due_of_terms, is_off
from policies.models import Term

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.db.models import QuerySet

# Terms that one look takes.
SLICE = 200
# Nobody waits longer for a renewal's certificate than a year ahead, whatever is on file.
MOST_DAYS = 365
# After so many days of the term, one that still can't be made is left to people.
GIVEN_UP = 45


def renewed(payload: Mapping[str, Any], *, key: str) -> None:
    """Handle a renewal that was bound: send what is due at once. Twice is once a day."""
    term = _renewals().filter(public_id=payload["term"]).first()
    if term is not None:
        _have_issued(term, at_once=True)


def find_due() -> int:
    """Have certificates issued of every renewal with some due; return of how many. Runs daily."""
    found = 0
    for terms in _slices(_renewals().filter(_in_time())):
        due = {each.coverage.term_id for each in due_of_terms(terms)}
        found += sum(_have_issued(term, at_once=False) for term in terms if term.pk in due)
    return found


def _renewals() -> QuerySet[Term]:
    """Return bound terms that haven't ended, of policies with an earlier one."""
    earlier = Term.objects.not_retired().filter(
        policy=OuterRef("policy"), status__in=Term.TAKEN_UP, effective__lt=OuterRef("effective")
    )
    bound = Term.objects.not_retired().filter(
        Exists(earlier), status=Term.Status.BOUND, policy__retired_at=None, expires__gt=carrier_today()
    )
    return bound.select_related("policy__company")


def _in_time() -> Q:
    """Return the condition of terms of which something may be due: they begin within the most days that anyone asks
    for. Of one that has begun, only where it was bound late: what was in force when the portal came isn't news."""
    today = carrier_today()
    asked = [model.objects.aggregate(most=Max("days_ahead"))["most"] or 0 for model in (CarrierHolder, Holder)]
    ahead = min(MOST_DAYS, max(settings.RENEWAL_CERTIFICATES_DAYS, *asked)) + MARGIN
    until = today + dt.timedelta(days=ahead)
    known = Exists(StandingIssue.objects.filter(term=OuterRef("pk")))
    return Q(effective__gt=today, effective__lte=until) | Q(
        known, effective__lte=today, effective__gt=today - dt.timedelta(days=GIVEN_UP)
    )


def _slices(terms: QuerySet[Term]) -> Iterator[list[Term]]:
    last = 0
    while found := list(terms.filter(pk__gt=last).order_by("pk")[:SLICE]):
        last = found[-1].pk
        yield found


def _have_issued(term: Term, *, at_once: bool) -> bool:
    """Hand over the certificates of a term, once a day; False where that was done, or the company doesn't send them."""
    if is_off(term.policy.company.external_id, settings.RENEWAL_CERTIFICATES_OFF):
        return False
    row, is_new = StandingIssue.objects.get_or_create(
        key=f"renewal:{term.public_id}:{carrier_today()}",
        defaults={
            "reason": StandingIssue.Reason.RENEWAL,
            "policy_id": term.policy_id,
            "term": term,
            # Beat hands over what the daily look found, some at a time.
            "is_enqueued": at_once,
        },
    )
    if is_new and at_once:
        work.hand_over(row)
    return is_new
