"""The memberships of an account that was registered. The hook `accounts.grant_registrant`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import models

from accounts.models import User
from accounts.registrants import Party
from core.events import record_event
from policies.events import PolicyEvent
from policies.models import Contact, Membership
from policies.models.reach import forget
from policies.registrants.filing import Filed

ROLE = Membership.Role


def grant_registrant(*, user: User, parties: Iterable[Party], by: models.Model | None, reason: str) -> bool:
    """Make the user a member of each party, in the caller's transaction.

    The parties' rows are locked, so that of two registrations of one person at once, one gets the memberships. False,
    and nothing granted, where a party is no longer on file, has an account by now, or had its access ended by a person.
    `by`: the member of staff who decided it, who may grant again what was ended; None for a match. What one member of
    staff decided at an agency waits for a second one, as in admin (docs/security.md#delegates).
    """
    filed = Filed.of(parties, lock=True)
    if filed is None:
        return False
    earlier = list(filed.memberships())
    if any(each.revoked_at is None for each in earlier):
        return False
    if by is None and earlier and earlier[0].ended_by == Membership.EndedBy.PERSON:
        return False
    for membership in _memberships(filed, user):
        membership.granted_by = by if isinstance(by, User) else None
        membership.awaits_approval = by is not None and membership.role == ROLE.AGENT
        membership.save()
        record_event(
            PolicyEvent.MEMBERSHIP_GRANTED,
            subject=membership,
            by=by or user,
            on_behalf_of=user,
            **membership.facts(),
            reason=reason,
        )
    forget(user.pk)
    return True


def _memberships(filed: Filed, user: User) -> Iterator[Membership]:
    """Yield a membership for each party; a contact's has the contact's role and capabilities. Someone who holds a
    policy alone may be on file as its contact, too: that is one membership."""
    held = {holder.pk for holder in filed.policyholders}
    for insured in filed.insureds:
        yield Membership(user=user, role=ROLE.INSURED, insured=insured)
    for holder in filed.policyholders:
        own = [contact for contact in filed.contacts if contact.policyholder_id == holder.pk]
        capabilities = own[0].capabilities if own else []
        yield Membership(
            user=user,
            role=ROLE.POLICYHOLDER,
            policyholder=holder,
            capabilities=capabilities,
            named_only=bool(capabilities),
        )
    for contact in filed.contacts:
        if contact.policyholder_id in held:
            continue
        yield Membership(
            user=user,
            role=ROLE.POLICYHOLDER if contact.policyholder_id else ROLE.AGENT,
            policyholder_id=contact.policyholder_id,
            agency_id=contact.agency_id,
            contact=contact,
            administrator=contact.role == Contact.Role.ADMINISTRATOR,
            capabilities=contact.capabilities,
            named_only=bool(contact.capabilities),
        )
