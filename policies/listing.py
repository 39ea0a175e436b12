"""Rows and tabs of the list of policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from policies.filters import STATUSES
from policies.models import Policy, Term
from policies.standing import Standing, standing_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.models import User


@dataclass(frozen=True, slots=True)
class Tab:
    """One status to narrow to, as a link that keeps the search."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows: `shows_premium` only for those who see a policy whole; `searched`: by text or status."""

    rows: list[Standing]
    tabs: list[Tab]
    managed: frozenset[int]
    q: str
    status: str

    @property
    def shows_premium(self) -> bool:
        """Whether any row has a premium that the user may see."""
        return any(row.policy.pk in self.managed for row in self.rows)

    @property
    def searched(self) -> bool:
        """Whether the list is narrowed."""
        return bool(self.q or self.status)


def listing_of(user: User, policies: Sequence[Policy], query: Mapping[str, str]) -> Listing:
    """The rows of one page of policies; two queries, whatever their number."""
    q, status = query.get("q", "").strip(), query.get("status", "")
    terms: dict[int, list[Term]] = {policy.pk: [] for policy in policies}
    if policies:
        for term in Term.objects.live().filter(policy__in=policies):
            terms[term.policy_id].append(term)
    tabs = [
        Tab(
            label, "?" + urlencode({key: value for key, value in (("q", q), ("status", code)) if value}), code == status
        )
        for code, label in [("", "All"), *STATUSES]
    ]
    rows = [standing_of(policy, terms[policy.pk], policy.today()) for policy in policies]
    return Listing(rows, tabs, _managed(user, policies), q, status)


def _managed(user: User, policies: Sequence[Policy]) -> frozenset[int]:
    """Which of these policies the user sees whole, and so their premium."""
    if not policies:
        return frozenset()
    shown = Policy.objects.managed_by(user).filter(pk__in=[policy.pk for policy in policies])
    return frozenset(shown.values_list("pk", flat=True))
