"""The demo's users, each with a role at a party of the example book's cast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from feed.example import cast
from policies.models import Agency, Insured, Membership, Policyholder
from policies.roles import Capability
from portal.staff import make_staff_groups

DEMO_PASSWORD = "demo-Portal-2026"  # noqa: S105  # printed at every start; the demo's people are invented
ROLE = Membership.Role
# The switch that managers' roles don't come with.
HISTORIES = (str(Capability.VIEW_CLAIMS_HISTORY),)
_Party = TypeVar("_Party", Insured, Policyholder, Agency)


@dataclass(frozen=True)
class DemoUser:
    """A username, and who that is."""

    username: str
    description: str


@transaction.atomic
def make_users() -> list[DemoUser]:
    """Create missing users and their memberships, and return all users; what they changed themselves stays."""
    people = cast()
    member = _party(Insured, people.insured_id)
    clinician = _party(Insured, people.practitioner_insured_id)
    group = _party(Policyholder, people.policyholder_id)
    agency = _party(Agency, people.agency_id)
    insured = _user("insured", member.first_name, member.last_name)
    _belongs(insured, ROLE.INSURED, insured=member)
    practitioner = _user("practitioner", clinician.first_name, clinician.last_name)
    _belongs(practitioner, ROLE.INSURED, insured=clinician)
    _belongs(practitioner, ROLE.POLICYHOLDER, policyholder=_party(Policyholder, people.practitioner_policyholder_id))
    holder = _user("policyholder", *people.administrator)
    _belongs(holder, ROLE.POLICYHOLDER, capabilities=HISTORIES, policyholder=group)
    agent = _user("agent", *people.agent)
    _belongs(agent, ROLE.AGENT, capabilities=HISTORIES, agency=agency)
    support = _user("support", "Ingrid", "Solheim", is_staff=True)
    support.groups.add(*make_staff_groups())
    return [
        DemoUser("insured", f"{member.display_name}, insured with {group}"),
        DemoUser("practitioner", f"{clinician.display_name}, solo practitioner: insured and policyholder"),
        DemoUser("policyholder", f"{holder.get_full_name()}, practice administrator of {group}"),
        DemoUser("agent", f"{agent.get_full_name()}, agent at {agency}"),
        DemoUser("support", f"{support.get_full_name()}, web support, in /admin/"),
    ]


def _party(model: type[_Party], external_id: str) -> _Party:
    """Return a party of the example book by the carrier's id."""
    party: _Party = model.objects.get(source=cast().source, external_id=external_id)
    return party


def new_user(username: str, *, first_name: str, last_name: str, is_staff: bool) -> User:
    """Create a user with the demo's password, and an email that counts as confirmed."""
    return User.objects.create(
        username=username,
        email=f"{username}@people.example",
        password=_password_hash(),
        password_changed_at=timezone.now(),
        first_name=first_name,
        last_name=last_name,
        is_staff=is_staff,
        email_confirmed_at=timezone.now(),
    )


@cache
def _password_hash() -> str:
    """Return one hash for all demo users: each would cost the start a third of a second, and the password is public."""
    return make_password(DEMO_PASSWORD)


def _user(username: str, first_name: str, last_name: str, *, is_staff: bool = False) -> User:
    """Return the user, created with the demo's password and without a second factor if missing."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = new_user(username, first_name=first_name, last_name=last_name, is_staff=is_staff)
    elif not user.has_usable_password() and not user.locks.filter(lifted_at=None).exists():
        # It expired after a week without a second factor.
        user.set_password(DEMO_PASSWORD)
        user.save(update_fields=["password", "password_changed_at"])
    return user


def _belongs(
    user: User, role: Membership.Role, *, capabilities: tuple[str, ...] = (), **party: Insured | Policyholder | Agency
) -> None:
    """Give the user the role at the party, with what it doesn't open by itself, unless they have or had it."""
    if not Membership.objects.filter(user=user, role=role, **party).exists():
        Membership.objects.create(user=user, role=role, capabilities=list(capabilities), **party)
