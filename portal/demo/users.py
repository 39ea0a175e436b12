"""The demo's users, each put beside a party of the loaded book that makes a good story."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Model, Q
from django.utils import timezone

from accounts.models import User
from policies.models import Agency, Coverage, Insured, Membership, Policy, Policyholder
from portal.staff import make_staff_groups

DEMO_PASSWORD = "demo-Portal-2026"  # noqa: S105  # printed at every start; the demo's people are made up
ROLE = Membership.Role


@dataclass(frozen=True)
class DemoUser:
    """A user name, and whom it stands for."""

    username: str
    description: str


class NoPartyError(LookupError):
    """The loaded book holds nobody for a demo user."""


@transaction.atomic
def make_users() -> list[DemoUser]:
    """Makes the users that are not there yet and gives them their memberships; what users changed themselves stays.

    Raises NoPartyError where the loaded book has no fitting party (it was not made by `make_example_feed`).
    """
    practice, clinician = _practice()
    group = _group()
    member = _member(group)
    agency = _agency(group)
    insured = _user("insured", member.first_name, member.last_name)
    _belongs(insured, ROLE.INSURED, member)
    practitioner = _user("practitioner", clinician.first_name, clinician.last_name)
    _belongs(practitioner, ROLE.INSURED, clinician)
    _belongs(practitioner, ROLE.POLICYHOLDER, practice)
    holder = _user("policyholder", "Marisol", "Whitcomb")
    _belongs(holder, ROLE.POLICYHOLDER, group)
    agent = _user("agent", "Desmond", "Achterberg")
    _belongs(agent, ROLE.AGENT, agency)
    support = _user("support", "Ingrid", "Solheim", is_staff=True)
    support.groups.add(*make_staff_groups())
    return [
        DemoUser("insured", f"{member.display_name}, insured with {group}"),
        DemoUser("practitioner", f"{clinician.display_name}, insured and policyholder in one"),
        DemoUser("policyholder", f"{holder.get_full_name()}, administrator of {group}"),
        DemoUser("agent", f"{agent.get_full_name()} of {agency}, agent of record"),
        DemoUser("support", f"{support.get_full_name()}, web support (in /admin/)"),
    ]


def _user(username: str, first_name: str, last_name: str, *, is_staff: bool = False) -> User:
    """The user of that name, made with the demo's password and without a second factor if there is none."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create_user(
            username,
            f"{username}@people.example",
            DEMO_PASSWORD,
            first_name=first_name,
            last_name=last_name,
            is_staff=is_staff,
        )
    return user


def _belongs(user: User, role: Membership.Role, party: Model) -> None:
    """Gives the user the role, unless it has it already with whichever party (a later feed may suggest another)."""
    field = {ROLE.INSURED: "insured", ROLE.POLICYHOLDER: "policyholder", ROLE.AGENT: "agency"}[role]
    if not user.memberships.filter(role=role, **{f"{field}__retired_at": None}).exists():
        Membership.objects.create(user=user, role=role, **{field: party})


def _in_force() -> Q:
    """Coverages in force today on an active policy."""
    today = timezone.localdate()
    return Q(
        retired_at=None,
        effective__lte=today,
        expires__gt=today,
        term__retired_at=None,
        term__status="bound",
        term__policy__retired_at=None,
        term__policy__status=Policy.Status.ACTIVE,
    )


def _practice() -> tuple[Policyholder, Insured]:
    """An individual who holds the policy that insures her."""
    practice = (
        Policyholder.objects.live()
        .filter(
            kind=Policyholder.Kind.INDIVIDUAL,
            insured__isnull=False,
            pk__in=Coverage.objects.filter(_in_force()).values("term__policy__policyholder"),
        )
        .select_related("insured")
        .order_by("external_id")
        .first()
    )
    if practice is None:
        raise NoPartyError("No individual with a policy in force is in the loaded book.")
    return practice, practice.insured


def _group() -> Policyholder:
    """An organization whose policy in force insures several: the one nearest to a dozen, which fits a page."""
    groups = (
        Coverage.objects.filter(_in_force(), term__policy__policyholder__kind=Policyholder.Kind.ORGANIZATION)
        .values("term__policy__policyholder")
        .annotate(insureds=Count("insured", distinct=True))
        .order_by("term__policy__policyholder")
    )
    sized = [(abs(group["insureds"] - 12), group["term__policy__policyholder"]) for group in groups]
    if not sized:
        raise NoPartyError("No organization with a policy in force is in the loaded book.")
    chosen: Policyholder = Policyholder.objects.get(pk=min(sized)[1])
    return chosen


def _member(group: Policyholder) -> Insured:
    """A clinician insured on the group's policy."""
    coverage = (
        Coverage.objects.filter(
            _in_force(), term__policy__policyholder=group, insured__kind=Insured.Kind.PERSON, insured__retired_at=None
        )
        .select_related("insured")
        .order_by("insured__external_id")
        .first()
    )
    if coverage is None:
        raise NoPartyError(f"No clinician is insured with {group} today.")
    member: Insured = coverage.insured
    return member


def _agency(group: Policyholder) -> Agency:
    """The group's agency of record today; else the one with the most policies."""
    today = timezone.localdate()
    appointed = Q(appointments__retired_at=None, appointments__starts__lte=today) & (
        Q(appointments__ends=None) | Q(appointments__ends__gt=today)
    )
    agencies = Agency.objects.live().filter(appointed)
    chosen: Agency | None = (
        agencies.annotate(
            serves_group=Count("appointments", filter=appointed & Q(appointments__policy__policyholder=group)),
            policies=Count("appointments", filter=appointed),
        )
        .order_by("-serves_group", "-policies", "external_id")
        .first()
    )
    if chosen is None:
        raise NoPartyError("No agency is agent of record in the loaded book.")
    return chosen
