"""What policies put into a user's calendar: ends of terms, renewals, and last days of offers (B-12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.urls import reverse

from core.calendars import MOST_ENTRIES, CalendarEntry, policy_words
from policies.models import Coverage, Membership, Reach, Term, reach_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from accounts.models import User

MANAGERS = (Membership.Role.POLICYHOLDER, Membership.Role.AGENT)


def entries(user: User, since: dt.date, until: dt.date) -> Iterator[CalendarEntry]:
    """Yield the terms of the policies that the user holds or serves; of other policies, the user's own coverages."""
    reach = reach_of(user)
    yield from _terms(reach.only(*MANAGERS), since, until)
    yield from _own(reach, since, until)


def _terms(reach: Reach, since: dt.date, until: dt.date) -> Iterator[CalendarEntry]:
    if not reach:
        return
    terms = Term.objects.not_retired().filter(reach.policies("policy__"), policy__retired_at=None)
    bound = terms.filter(status=Term.Status.BOUND, expires__range=(since, until)).select_related("policy")
    ending = list(bound.order_by("expires", "id")[:MOST_ENTRIES])
    following = terms.filter(status=Term.Status.BOUND, policy_id__in={term.policy_id for term in ending})
    renewed = set(following.values_list("policy_id", "effective"))
    for term in ending:
        policy = term.policy
        if policy.has_ended(since):
            continue
        ends = term.ends
        renews = ends == term.expires and (term.policy_id, term.expires) in renewed
        what = "renews" if renews else "term ends" if ends == term.expires else "is cancelled"
        yield _entry(f"term-{term.public_id}", f"{_words(policy)}: {what}", ends, policy)
    offers = terms.filter(status=Term.Status.OFFERED, offer_expires__range=(since, until)).select_related("policy")
    for term in offers.order_by("offer_expires", "id")[:MOST_ENTRIES]:
        if term.offer_expires is not None:
            title = f"{_words(term.policy)}: renewal offer ends"
            yield _entry(f"offer-{term.public_id}", title, term.offer_expires, term.policy)


def _own(reach: Reach, since: dt.date, until: dt.date) -> Iterator[CalendarEntry]:
    """Yield the ends of the insured's own coverages on policies that they don't manage, one for each policy and day."""
    own = reach.only(Membership.Role.INSURED)
    if not own:
        return
    managed = reach.only(*MANAGERS)
    coverages = Coverage.objects.open_to(own.scope).filter(
        term__status=Term.Status.BOUND, expires__range=(since, until)
    )
    if managed:
        coverages = coverages.exclude(managed.policies("term__policy__"))
    seen: set[tuple[int, dt.date]] = set()
    for coverage in coverages.select_related("term__policy").order_by("expires", "id")[:MOST_ENTRIES]:
        policy = coverage.term.policy
        ends = min(coverage.expires, coverage.term.end_of(coverage.expires))
        if policy.has_ended(since) or (policy.pk, ends) in seen:
            continue
        seen.add((policy.pk, ends))
        yield _entry(f"coverage-{coverage.public_id}", f"{_words(policy)}: your coverage ends", ends, policy)


def _words(policy: Any) -> str:
    return policy_words(policy.number).capitalize()


def _entry(uid: str, title: str, day: dt.date, policy: Any) -> CalendarEntry:
    return CalendarEntry(uid, title, day, href=reverse("policies:policy", args=[policy.public_id]))


PROVIDERS = [entries]
