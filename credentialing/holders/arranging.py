"""Choosing standing holders: who may, for which policies and whom, and what each gets (B-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from core.dates import carrier_today
from core.events import record_event
from core.search import name_query
from credentialing.events import HolderEvent
from credentialing.holders.book import SWITCHES
from credentialing.models import OwnStandingHolder
from policies.models import AgentOfRecord, Coverage, Insured, Policy, Term, reach_of
from policies.names import fold, normalize_number
from policies.rights import capabilities
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet

    from accounts.models import User
    from credentialing.models import Holder
    from policies.models import Membership

MANAGE = Capability.MANAGE_STANDING_HOLDERS
# So many are offered as choices; of more, the policy's number is typed.
MOST_POLICIES = 25
MOST_INSUREDS = 20


def membership_for(holder: Holder, user: User) -> Membership | None:
    """Return the user's membership with the party whose book a holder is in."""
    return next((each for each in reach_of(user).memberships if holder.is_in_book_of(each)), None)


def policies_of(holder: Holder) -> QuerySet[Policy]:
    """Return the policies that the holder's party may choose standing holders for: those with a term that hasn't ended,
    held, served as the agent of record today, or with the insured's own coverage."""
    today = carrier_today()
    terms = Term.objects.not_retired().filter(expires__gt=today)
    if holder.insured_id:
        own = Coverage.objects.not_retired().filter(insured=holder.insured_id, expires__gt=today, term__in=terms)
        found = Policy.objects.filter(pk__in=own.order_by().values("term__policy_id"))
    else:
        found = Policy.objects.filter(pk__in=terms.order_by().values("policy_id"))
        if holder.policyholder_id:
            found = found.filter(policyholder=holder.policyholder_id)
        else:
            served = AgentOfRecord.objects.today().filter(agency=holder.agency_id)
            found = found.filter(pk__in=served.order_by().values("policy_id"))
    return found.not_retired().select_related("company", "policyholder").order_by("number_normalized", "pk")


def may_manage(user: User, policy: Policy) -> bool:
    """Whether the user may choose standing holders for a policy."""
    return MANAGE in capabilities(user, policy, among=[MANAGE])


def policy_numbered(policies: QuerySet[Policy], number: str) -> Policy | None:
    """Return the one of some policies with this number, in any spelling."""
    normalized = normalize_number(number)
    return policies.filter(number_normalized=normalized).first() if normalized else None


def insureds_named(policy: Policy, name: str) -> list[Insured]:
    """Return those with coverage on a policy, now or later, whose name has these words."""
    query = name_query(fold(name).split())
    if query is None:
        return []
    covered = Coverage.objects.not_retired().filter(
        term__policy=policy, term__retired_at=None, expires__gt=carrier_today()
    )
    found = Insured.objects.filter(search=query, pk__in=covered.order_by().values("insured_id"), retired_at=None)
    return list(found.order_by("sort_key", "pk")[:MOST_INSUREDS])


def arrange(
    *,
    holder: Holder,
    policy: Policy,
    insured: Insured | None,
    switches: Mapping[str, bool],
    by: User,
    membership: Membership,
) -> tuple[OwnStandingHolder, bool]:
    """Make a holder a standing one of a policy, for one insured or for everyone; returns it, and whether it is new.

    One that is there gets these switches: the same form twice gives the same row.
    """
    with transaction.atomic():
        standing, is_new = OwnStandingHolder.objects.get_or_create(
            holder=holder,
            policy=policy,
            insured=insured,
            ended_at=None,
            defaults={**switches, "created_by": by, "membership": membership},
        )
        if is_new:
            record_event(
                HolderEvent.STANDING_ADDED, subject=standing, by=by, policy=policy.public_id, gets=dict(switches)
            )
        else:
            switch(standing, switches=switches, by=by)
    return standing, is_new


def switch(standing: OwnStandingHolder, *, switches: Mapping[str, bool], by: User) -> bool:
    """Set what a standing holder gets; False where nothing changed or it has ended."""
    with transaction.atomic():
        row = OwnStandingHolder.objects.select_for_update().get(pk=standing.pk)
        changed = [name for name in SWITCHES if name in switches and getattr(row, name) != switches[name]]
        if row.ended_at is not None or not changed:
            return False
        for name in changed:
            setattr(row, name, switches[name])
        row.save(update_fields=changed)
        gets = {name: switches[name] for name in changed}
        record_event(HolderEvent.STANDING_CHANGED, subject=row, by=by, gets=gets)
    return True


def end(standing: OwnStandingHolder, *, by: User) -> bool:
    """End a standing holder; False where it has ended already."""
    with transaction.atomic():
        open_row = OwnStandingHolder.objects.not_ended().filter(pk=standing.pk)
        if not open_row.update(ended_at=timezone.now(), ended_by=by):
            return False
        record_event(HolderEvent.STANDING_ENDED, subject=standing, by=by)
    return True
