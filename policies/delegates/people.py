"""Who has access to a party, as its administrators see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.dates import carrier_today
from policies.models import Invitation, Membership, reach_of
from policies.roles import RULES, Capability

if TYPE_CHECKING:
    import datetime as dt

    from django.db.models import QuerySet

    from accounts.models import User
    from policies.models.invitation import InvitationQuerySet

ENDED_SHOWN = 20


def places_of(user: User) -> list[Membership]:
    """Return the user's own memberships by which they administer a party (`Capability.NAME_DELEGATES`)."""
    rule = RULES[Capability.NAME_DELEGATES]
    return [each for each in reach_of(user).memberships if each.administrator and each.role in rule.roles]


def members_with(place: Membership) -> QuerySet[Membership]:
    """Return every membership with the party of this one."""
    same = Membership.objects.filter(role=place.role, policyholder=place.policyholder_id, agency=place.agency_id)
    return same.select_related("user", "given_under", "granted_by", "revoked_by", "contact").order_by("pk")


def administrators_of(place: Membership) -> list[Membership]:
    """Return the memberships in effect of the party's administrators."""
    today = carrier_today()
    found = members_with(place).filter(administrator=True, revoked_at=None, user__is_active=True)
    return [each for each in found if each.is_in_effect(today)]


def invitations_to(place: Membership) -> InvitationQuerySet:
    """Return the invitations that wait for an answer, of all administrators of the party who still are."""
    return (
        Invitation.objects.open()
        .filter(given_under__in=[each.pk for each in administrators_of(place)])
        .select_related("given_under", "invited_by")
    )


@dataclass(frozen=True)
class Person:
    """A line of the list: somebody with access to the party. `mine` is the reader's own membership."""

    membership: Membership
    mine: Membership

    @property
    def kind(self) -> str:
        """What they are to the party."""
        if self.membership.is_delegates:
            return "Delegate"
        if self.membership.administrator:
            return "Administrator"
        return "Agent" if self.membership.role == Membership.Role.AGENT else "Representative"

    @property
    def source(self) -> str:
        """How they came by it."""
        if self.membership.contact_id is not None:
            return "From our records"
        if self.membership.is_delegates:
            return "Invited"
        return "Added by us"

    @property
    def giver(self) -> str:
        """Who gave it: the administrator; for all others it's us."""
        granted_by = self.membership.granted_by
        return granted_by.get_full_name() if granted_by is not None and self.membership.is_delegates else ""

    @property
    def allows(self) -> list[str]:
        """What they may do, in words: of a delegate, one by one."""
        return in_words(self.membership.capabilities) if self.membership.is_delegates else []

    @property
    def last_sign_in(self) -> dt.datetime | None:
        """When they last signed in."""
        return self.membership.user.last_login

    @property
    def is_reader(self) -> bool:
        """Whether it's the reader."""
        return self.membership.pk == self.mine.pk

    @property
    def can_change(self) -> bool:
        """Whether the reader may change what it opens: what administrators gave."""
        return self.membership.is_delegates

    @property
    def can_end(self) -> bool:
        """Whether the reader may end it. Other administrators and the reader's own are for us to end."""
        return not self.is_reader and not self.membership.administrator


def in_words(codes: list[str]) -> list[str]:
    """Return capabilities as sentences, in the table's order."""
    return [rule.allows for capability, rule in RULES.items() if capability in codes]


def people_with(place: Membership) -> list[Person]:
    """Return everybody with access to the party now: administrators first, then by name."""
    today = carrier_today()
    found = [
        Person(each, place)
        for each in members_with(place).filter(revoked_at=None)
        if each.is_in_effect(today) and each.user.is_active
    ]
    return sorted(found, key=lambda one: (not one.membership.administrator, one.membership.user.get_full_name()))


def ended_with(place: Membership) -> list[Membership]:
    """Return the memberships that were ended last, with who ended them."""
    return list(members_with(place).filter(revoked_at__isnull=False).order_by("-revoked_at")[:ENDED_SHOWN])
