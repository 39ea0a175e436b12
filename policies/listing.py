"""Rows and tabs of the list of policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlencode

from django.urls import reverse

from core.converters import PUBLIC_ID_PLACE
from core.money import dollars
from core.templatetags.show import day
from policies.filters import STATUSES
from policies.models import Membership, Policy, Term, reach_of
from policies.standing import Standing, standing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import User
    from policies.models.policy import PolicyQuerySet

PROGRAMS = dict(Policy.Program.choices)
POLICY_FIELDS = (
    "number",
    "number_normalized",
    "public_id",
    "program",
    "status",
    "status_date",
    "cancellation_effective",
    "policyholder__name",
    "policyholder__state",
)
TERM_FIELDS = ("policy_id", "status", "effective", "expires", "premium")


@dataclass(frozen=True, slots=True)
class Tab:
    """One status to narrow to, as a link that keeps the search."""

    label: str
    href: str
    current: bool


class Row(TypedDict):
    """A policy as the list shows it, in words, so that the template has nothing left to look up."""

    number: str
    href: str
    policyholder: str
    program: str
    kind: str
    label: str
    sentence: str
    term: str
    premium: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows: `shows_premium` where the user sees any of these policies whole."""

    rows: list[Row]
    tabs: list[Tab]
    shows_premium: bool
    q: str
    status: str

    @property
    def searched(self) -> bool:
        """Whether the list is narrowed."""
        return bool(self.q or self.status)


def rows_of(policies: PolicyQuerySet) -> PolicyQuerySet:
    """With what `listing_of` needs of each policy, and no more."""
    return policies.select_related("policyholder").only(*POLICY_FIELDS)


def listing_of(user: User, policies: Sequence[Policy], query: Mapping[str, str]) -> Listing:
    """The rows of one page of policies; one query, two for who is insured on some and manages others."""
    q, status = query.get("q", "").strip(), query.get("status", "")
    tabs = [
        Tab(
            label, "?" + urlencode({key: value for key, value in (("q", q), ("status", code)) if value}), code == status
        )
        for code, label in [("", "All"), *STATUSES]
    ]
    if not policies:
        return Listing([], tabs, False, q, status)
    terms: dict[int, list[Term]] = {policy.pk: [] for policy in policies}
    for term in Term.objects.live().filter(policy_id__in=list(terms)).only(*TERM_FIELDS):
        terms[term.policy_id].append(term)
    managed = _managed(user, policies)
    address = reverse("policies:policy", args=[PUBLIC_ID_PLACE])
    rows = [
        _row(standing_of(policy, terms[policy.pk], policy.today()), address, with_premium=policy.pk in managed)
        for policy in policies
    ]
    return Listing(rows, tabs, bool(managed), q, status)


def _row(standing: Standing, address: str, *, with_premium: bool) -> Row:
    policy, term = standing.policy, standing.term
    plain = standing.in_force and standing.kind == "good"
    return Row(
        number=policy.number,
        href=address.replace(PUBLIC_ID_PLACE, policy.public_id),
        policyholder=policy.policyholder.name,
        program=PROGRAMS[policy.program],
        kind=standing.kind,
        label=standing.label,
        sentence="" if plain else standing.sentence,
        term=f"{day(term.effective)} – {day(term.expires)}" if term else "",
        premium=dollars(term.premium) if with_premium and term and term.premium is not None else "",
    )


def _managed(user: User, policies: Sequence[Policy]) -> frozenset[int]:
    """Which of these the user sees whole, and so their premium: all of them for who is nowhere an insured."""
    if Membership.Role.INSURED not in reach_of(user).roles:
        return frozenset(policy.pk for policy in policies)
    shown = Policy.objects.managed_by(user).filter(pk__in=[policy.pk for policy in policies])
    return frozenset(shown.values_list("pk", flat=True))
